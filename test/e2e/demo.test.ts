/** The demo tells the whole story, in order, with the real parts; and the README shows what it prints. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { runDemo } from '../../cli/demo/demo.ts';
import { PACKAGE_ROOT } from '../../relay/package-info.ts';

/** What differs from run to run. */
const mask = (text: string): string =>
  text
    .replaceAll(/\b(msg|thr|hld)_[0-9a-z]{26}/g, '$1_ID')
    .replaceAll(/\b[rb]1[a-z2-7]{32}(?=@)/g, 'TOKEN')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
    .replaceAll(/\b[0-9a-f]{16}\b/g, 'MARK')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/\w{3}, \d{1,2} \w{3} \d{4} [\d:]{8} \+0000/g, 'DATE')
    .replaceAll(/<[0-9a-f-]{36}@/g, '<UUID@')
    // Where quoted-printable folds a line depends on what was masked.
    .replaceAll(/=\n {3}\| /g, '');

test('the demo runs to its end, and the README shows its real output', async () => {
  const said: string[] = [];
  await runDemo((text) => said.push(text));
  const readme = readFileSync(path.join(PACKAGE_ROOT, 'README.md'), 'utf8');
  const shown = /<!-- demo:begin -->\n```\n([\s\S]*?)\n```\n<!-- demo:end -->/.exec(readme)?.[1] ?? '';
  expect(mask(said.join('\n'))).toBe(mask(shown));
});
