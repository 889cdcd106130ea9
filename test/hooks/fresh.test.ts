/** The committed drop-in files are what their parts make, need nothing but Node, and know the relay's marker. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { buildHook, DUTIES } from '../../hooks/build-hooks.ts';
import { MESSAGE_ID, markerLine } from '../../relay/hosts/marker.ts';
import { hookFile } from '../support/run-hook.ts';

describe.each(DUTIES)('%s.mjs', (duty) => {
  const text = readFileSync(hookFile(duty), 'utf8');

  test('is fresh: npm run hooks would change nothing', () => {
    expect(text).toBe(buildHook(duty));
  });

  test('imports only Node, never a global fetch', () => {
    const imported = [...text.matchAll(/(?:from |import\()'([^']+)'/g)].map(([, name]) => name ?? '');
    expect(imported.filter((name) => !name.startsWith('node:'))).toEqual([]);
    expect(text).not.toMatch(/\bfetch\(|\bexport /);
  });
});

test('hooks look for the very marker that the relay writes', () => {
  const evidence = readFileSync(new URL('../../hooks/parts/evidence.mjs', import.meta.url), 'utf8');
  expect(evidence).toContain(`/^${markerLine(`(${MESSAGE_ID.source})`)}(?![0-9a-z])/gm`);
});
