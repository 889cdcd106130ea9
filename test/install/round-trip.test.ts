/** Install, then uninstall: whatever the person's files look like, they come back byte for byte. */

import { parse as parseToml } from '@decimalturn/toml-patch';
import fc from 'fast-check';
import { parse } from 'jsonc-parser';
import { expect, test } from 'vitest';
import { planInstall } from '../../cli/install/plan-install.ts';
import { planUninstall } from '../../cli/install/plan-uninstall.ts';
import { CLIENTS } from '../../cli/install/registry.ts';
import type { ClientName } from '../../cli/install/types.ts';
import { installRequest, memoryMachine, PROJECT } from './memory-machine.ts';
import { jsoncSettings } from './random-jsonc.ts';

const CLIENT_NAMES = Object.values(CLIENTS).map(({ name }) => name);

test.each(CLIENT_NAMES)('%s: from nothing and back to nothing', (client) => {
  const { disk, machine } = memoryMachine();
  const before = disk.snapshot();
  disk.carryOut(planInstall(installRequest({ client }), machine));
  expect(disk.snapshot()).not.toEqual(before);
  disk.carryOut(planUninstall({ client, dir: PROJECT }, machine));
  expect(disk.snapshot()).toEqual(before);
});

const JSON_FILES = [
  ['claude', '.claude/settings.local.json'],
  ['claude', '.mcp.json'],
  ['gemini', '.gemini/settings.json'],
  ['codex', '.codex/hooks.json'],
  ['vscode', '.vscode/mcp.json'],
] as const satisfies readonly (readonly [ClientName, string])[];

test('install then uninstall gives back any settings file byte for byte, and a second install changes nothing', () => {
  fc.assert(
    fc.property(fc.constantFrom(...JSON_FILES), jsoncSettings, fc.boolean(), ([client, file], text, http) => {
      const { disk, machine } = memoryMachine();
      disk.write(`${PROJECT}/${file}`, text, 0o640);
      const before = disk.snapshot();
      const request = installRequest({ client, http: http && client === 'claude' });
      disk.carryOut(planInstall(request, machine));
      expect(planInstall(request, machine).changes).toEqual([]);
      disk.carryOut(planUninstall({ client, dir: PROJECT }, machine));
      expect(disk.snapshot()).toEqual(before);
    }),
    { numRuns: 300 },
  );
});

test('without a record only our entries go, and all comments and values of the person stay', () => {
  fc.assert(
    fc.property(fc.constantFrom(...JSON_FILES), jsoncSettings, ([client, file], text) => {
      const { disk, machine } = memoryMachine();
      const path = `${PROJECT}/${file}`;
      disk.write(path, text);
      disk.carryOut(planInstall(installRequest({ client }), machine));
      disk.files.delete(`${CLIENTS[client].folder({ machine, dir: PROJECT })}/installed.json`);
      disk.carryOut(planUninstall({ client, dir: PROJECT }, machine));
      const left = disk.read(path)?.text ?? '';
      expect(withoutEmpty(parse(left))).toEqual(withoutEmpty(parse(text) ?? {}));
      expect(comments(left)).toEqual(comments(text));
    }),
    { numRuns: 300 },
  );
});

test('an install over an older one, after an edit and from another package, changes only what is ours', () => {
  fc.assert(
    fc.property(fc.constantFrom(...JSON_FILES), jsoncSettings, fc.boolean(), ([client, file], text, edited) => {
      const { disk, machine } = memoryMachine();
      const path = `${PROJECT}/${file}`;
      disk.write(path, text);
      const before = disk.snapshot();
      disk.carryOut(planInstall(installRequest({ client, http: client === 'claude' }), machine));
      if (edited) disk.write(path, withMine(disk.read(path)?.text ?? ''));
      disk.carryOut(planInstall(installRequest({ client }), { ...machine, node: '/usr/local/bin/node' }));
      const installed = disk.read(path)?.text ?? '';
      expect(installed).not.toContain('/usr/bin/node');
      expect(parse(installed)).toMatchObject(edited ? { mine: true } : {});
      disk.carryOut(planUninstall({ client, dir: PROJECT }, machine));
      if (edited) expect(parse(disk.read(path)?.text ?? '')).toEqual({ mine: true, ...parse(text) });
      else expect(disk.snapshot()).toEqual(before);
    }),
    { numRuns: 300 },
  );
});

function withMine(text: string): string {
  const brace = text.indexOf('{');
  return `${text.slice(0, brace + 1)} /* mine */ "mine": true,${text.slice(brace + 1)}`;
}

test('what the person adds in between stays, and nothing of ours', () => {
  fc.assert(
    fc.property(fc.constantFrom(...JSON_FILES), jsoncSettings, ([client, file], text) => {
      const { disk, machine } = memoryMachine();
      const path = `${PROJECT}/${file}`;
      disk.write(path, text);
      disk.carryOut(planInstall(installRequest({ client }), machine));
      disk.write(path, withMine(disk.read(path)?.text ?? ''));
      disk.carryOut(planUninstall({ client, dir: PROJECT }, machine));
      const left = disk.read(path)?.text ?? '';
      expect(parse(left)).toEqual({ mine: true, ...parse(text) });
      expect(comments(left)).toEqual(['/* mine */', ...comments(text)]);
    }),
    { numRuns: 300 },
  );
});

const TOML_LINES = [
  'model = "gpt-5" # mine',
  '# a comment',
  '',
  'notify = ["a", "b"]',
  '[mcp_servers.other]',
  "command = 'x'",
  '[mcp_servers]',
  'mcp_servers = { other = { command = "x" } }',
  'mcp_servers.third.command = "y"',
  '[[hooks.Stop]]',
  '[profiles."a.b"]',
  'when = 1979-05-27T07:32:00Z',
];

test('install then uninstall gives back any config.toml byte for byte', () => {
  const lines = fc.subarray(TOML_LINES).chain((chosen) => fc.shuffledSubarray(chosen, { minLength: chosen.length }));
  const file = fc.tuple(lines, fc.constantFrom('\n', '\r\n'), fc.boolean(), fc.boolean());
  let valid = 0;
  fc.assert(
    fc.property(file, ([chosen, eol, ends, touched]) => {
      const text = chosen.join(eol) + (ends ? eol : '');
      if (!isToml(text)) return;
      valid += 1;
      const { disk, machine } = memoryMachine();
      const path = `${PROJECT}/.codex/config.toml`;
      disk.write(path, text);
      const request = installRequest({ client: 'codex' });
      disk.carryOut(planInstall(request, machine));
      expect(parseToml(disk.read(path)?.text ?? '')).toHaveProperty('mcp_servers.turnpost.command', '/usr/bin/node');
      expect(planInstall(request, machine).changes).toEqual([]);
      if (touched) disk.write(path, `mine = true # mine${eol}${disk.read(path)?.text}`);
      disk.carryOut(planUninstall({ client: 'codex', dir: PROJECT }, machine));
      const left = disk.read(path)?.text;
      if (touched) expect(parseToml(left ?? '')).toEqual({ mine: true, ...parseToml(text) });
      else expect(left).toBe(text);
    }),
    { numRuns: 300 },
  );
  expect(valid).toBeGreaterThan(100);
});

function isToml(text: string): boolean {
  try {
    parseToml(text);
    return true;
  } catch {
    return false;
  }
}

/** Without a record it cannot be known whether an empty container was there before. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, withoutEmpty(inner)] as const);
  return Object.fromEntries(
    entries.filter(([, inner]) => JSON.stringify(inner) !== '{}' && JSON.stringify(inner) !== '[]'),
  );
}

/** Comments in order; strings are taken first, so that `//` in a string is none. */
function comments(text: string): string[] {
  const tokens = text.match(/"(?:\\.|[^"\\])*"|\/\/[^\r\n]*|\/\*[\s\S]*?\*\//g) ?? [];
  return tokens.filter((token) => !token.startsWith('"')).map((token) => token.trim());
}
