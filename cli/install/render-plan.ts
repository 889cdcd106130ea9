/** A plan as text for a person: unified-diff-like, secrets masked. Nobody should paste their keys with a dry run. */
import { relative, sep } from 'node:path';
import { diffLines, splitLines } from './line-diff.ts';
import { RECORD_FILE } from './record.ts';
import type { FileChange, Plan } from './types.ts';

const CONTEXT = 3;
const MASK = '********';

/** `"api_key": "..."`, `token = '...'`: also the user's own secrets, which may stand in the lines around ours. */
const SECRET_VALUE =
  /((?:key|token|secret|passw(?:or)?d|credential)\w*["']?\s*[:=]\s*)(["'])(?:(?!\2)[^\\\n]|\\.)*\2/gi;
const OUR_KEY = /tp_(?:agent|admin)_[\w-]+/g;
const BEARER = /(Bearer\s+)(?!\$)[^\s"']+/g;

export function renderPlan(plan: Plan): string {
  if (plan.changes.length === 0) return `${plan.title}: nothing to change in ${plan.dir}\n`;
  const files = plan.changes.map((change) => renderChange(plan, change));
  const notes = plan.notes.map((note) => `* ${note}\n`);
  return mask([...files, ...(notes.length > 0 ? ['\n', ...notes] : [])].join(''), plan.secrets);
}

function renderChange({ dir }: Plan, change: FileChange): string {
  const inside = relative(dir, change.path);
  const name = inside.startsWith(`..${sep}`) ? change.path : inside;
  const what = change.before === null ? 'new file' : change.after === null ? 'remove' : 'change';
  const mode = change.mode === null ? '' : ` (mode ${change.mode.toString(8).padStart(4, '0')})`;
  const head = `${what} ${name}${mode}\n`;
  const isOurs = change.copied || change.path.endsWith(`${sep}${RECORD_FILE}`);
  return isOurs ? head : head + renderHunks(change.before ?? '', change.after ?? '');
}

function renderHunks(before: string, after: string): string {
  const now = splitLines(after);
  const hunks = diffLines(before, after);
  const out = hunks.flatMap(({ at, added, removed }, index) => {
    const previous = hunks[index - 1];
    const shown = previous === undefined ? -1 : Math.min(previous.at + previous.added + CONTEXT, at);
    const from = Math.max(shown, at - CONTEXT, 0);
    const stop = Math.min(at + added + CONTEXT, hunks[index + 1]?.at ?? now.length);
    return [
      ...(from > shown ? [`@@ line ${from + 1} @@\n`] : []),
      ...prefixed(' ', now.slice(from, at)),
      ...prefixed('-', removed),
      ...prefixed('+', now.slice(at, at + added)),
      ...prefixed(' ', now.slice(at + added, stop)),
    ];
  });
  return out.join('');
}

const prefixed = (sign: string, lines: readonly string[]): string[] =>
  lines.map((line) =>
    line.endsWith('\n') ? `${sign}${line}` : `${sign}${line}\n\\ no line end at the end of the file\n`,
  );

function mask(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret !== '').reduce((rest, secret) => rest.replaceAll(secret, MASK), text);
  return known.replace(SECRET_VALUE, `$1$2${MASK}$2`).replace(OUR_KEY, MASK).replace(BEARER, `$1${MASK}`);
}
