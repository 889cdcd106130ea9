/**
 * Whole projects before and after an install: `test/cases/install/<case>.before.txt`, `.after.txt`. Each file of the
 * project stands under a line `==== path mode`. `npx vitest run test/install -u` writes the after side anew.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planInstall } from '../../cli/install/plan-install.ts';
import { planUninstall } from '../../cli/install/plan-uninstall.ts';
import type { InstallRequest } from '../../cli/install/types.ts';
import { installRequest, type MemoryDisk, memoryMachine, PACKAGE } from './memory-machine.ts';

const CASES: Readonly<Record<string, Partial<InstallRequest>>> = {
  'claude-empty': { client: 'claude' },
  'claude-settings': { client: 'claude', relay: { socket: '/home/you/.local/share/turnpost/relay.sock' } },
  'claude-http': { client: 'claude', http: true },
  'claude-http-then-command': { client: 'claude' },
  'gemini-settings': { client: 'gemini' },
  'codex-settings': { client: 'codex' },
  'codex-inline-table': { client: 'codex' },
  'claude-desktop': { client: 'claude-desktop' },
  'cursor-one-line': { client: 'cursor' },
  windsurf: { client: 'windsurf' },
  vscode: { client: 'vscode' },
  opencode: { client: 'opencode' },
};

const caseFile = (name: string): string => join(import.meta.dirname, '../cases/install', name);
const HOME = '/home/you/';

function load(disk: MemoryDisk, name: string): void {
  const text = readFileSync(caseFile(`${name}.before.txt`), 'utf8');
  for (const [, path = '', mode = '', body = ''] of text.matchAll(/^==== (\S+) (\d+)\n((?:(?!==== ).*\n)*)/gm)) {
    disk.write(`${HOME}${path}`, body, Number.parseInt(mode, 8));
  }
}

function dump(disk: MemoryDisk): string {
  const files = [...disk.files].filter(([path]) => path.startsWith(HOME) && !/\.mjs$|installed\.json$/.test(path));
  return files
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, { text, mode }]) => `==== ${path.slice(HOME.length)} ${mode.toString(8)}\n${text}`)
    .join('');
}

test.each(Object.entries(CASES))('%s', async (name, request) => {
  const { disk, machine } = memoryMachine();
  load(disk, name);
  const before = disk.snapshot();
  if (name === 'claude-http-then-command')
    disk.carryOut(planInstall(installRequest({ client: 'claude', http: true }), machine));
  const plan = planInstall(installRequest(request), machine);
  disk.carryOut(plan);
  await expect(dump(disk)).toMatchFileSnapshot(caseFile(`${name}.after.txt`));
  await expect(plan.notes.map((note) => `${note}\n`).join('')).toMatchFileSnapshot(caseFile(`${name}.notes.txt`));
  disk.carryOut(planUninstall({ client: plan.client, dir: plan.dir }, machine));
  expect(disk.snapshot()).toEqual(before);
});

test('another package path changes only the command of the MCP server', () => {
  const { disk, machine } = memoryMachine();
  load(disk, 'claude-settings');
  disk.carryOut(planInstall(installRequest(), machine));
  const other = '/usr/lib/node_modules/turnpost';
  for (const [path, { text }] of [...disk.files]) {
    if (path.startsWith(PACKAGE)) disk.write(path.replace(PACKAGE, other), text);
  }
  const { changes } = planInstall(installRequest({ packageRoot: other }), machine);
  expect(changes.map(({ path }) => path.replace(/.*\//, ''))).toEqual(['.mcp.json', 'installed.json']);
});
