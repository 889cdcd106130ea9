/**
 * Writes hooks/*.mjs from hooks/parts/*.mjs: each duty becomes one file without dependencies that can be copied anywhere.
 * `npm run hooks`; test/hooks/fresh.test.ts holds the written files to their parts.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const DUTIES = ['end-of-turn', 'session-start', 'prompt', 'session-end'] as const;
export type Duty = (typeof DUTIES)[number];

const IMPORT = /^import \{ ([^}]+) \} from '([^']+)';\n/gm;

interface Part {
  readonly header: string;
  readonly code: string;
}

/** The drop-in file of a duty: its parts in order of need, their imports from Node joined, no exports. */
export function buildHook(duty: Duty): string {
  const builtins = new Map<string, Set<string>>();
  const parts = new Map<string, Part>();
  collect(`./${duty}.mjs`, parts, builtins);
  const imports = [...builtins]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([from, names]) => `import { ${[...names].toSorted().join(', ')} } from '${from}';`);
  const [main, ...rest] = [...parts.values()].toReversed();
  const body = rest.toReversed().map(({ header, code }) => `${header}${code}`);
  return [banner(main?.header ?? ''), imports.join('\n'), ...body, main?.code ?? '']
    .map((text) => text.trim())
    .join('\n\n')
    .concat('\n');
}

/** Depth first: what a part needs stands before it. */
function collect(name: string, parts: Map<string, Part>, builtins: Map<string, Set<string>>): void {
  if (parts.has(name)) return;
  const source = readFileSync(new URL(`parts/${name}`, import.meta.url), 'utf8');
  for (const [, names = '', from = ''] of source.matchAll(IMPORT)) {
    if (!from.startsWith('node:')) collect(from, parts, builtins);
    else builtins.set(from, new Set([...(builtins.get(from) ?? []), ...names.split(', ')]));
  }
  parts.set(name, splitHeader(source.replaceAll(IMPORT, '').replaceAll(/^export /gm, '')));
}

function splitHeader(source: string): Part {
  const end = source.indexOf('*/\n') + 3;
  return { header: source.slice(0, end), code: source.slice(end) };
}

function banner(header: string): string {
  const says = header
    .replace(/^\/\*\*\s*/, '')
    .replace(/\s*\*\/\s*$/, '')
    .replaceAll(/^ ?\* ?/gm, '');
  const lines = [
    ...says.trim().split('\n'),
    '',
    "Usage: node FILE claude|gemini|codex, with the host's hook input on stdin. Needs Node 18 and nothing else.",
    'Settings: TURNPOST_KEY and TURNPOST_SOCKET or TURNPOST_URL, else turnpost.json beside this file with the same',
    'as "key", "socket", "url". Whatever fails: nothing is printed, exit code 0.',
    '',
    'Written by hooks/build-hooks.ts from hooks/parts: change those, then run npm run hooks.',
  ];
  return `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const duty of DUTIES) writeFileSync(new URL(`${duty}.mjs`, import.meta.url), buildHook(duty));
}
