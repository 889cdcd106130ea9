/** The commands that clients are given. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { diskView } from '../../cli/install/file-view.ts';
import { hookCommand, lastingNode, mcpCommand } from '../../cli/install/start-commands.ts';
import { memoryMachine, PACKAGE } from './memory-machine.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'turnpost-start-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('node is named by the path that survives an upgrade, if it is the one that runs', () => {
  const dir = folder();
  const lasting = join(dir, 'node');
  symlinkSync(process.execPath, lasting);
  expect(lastingNode(process.execPath, [join(dir, 'missing'), lasting])).toBe(lasting);
  writeFileSync(join(dir, 'other'), '');
  expect(lastingNode(process.execPath, [join(dir, 'other')])).toBe(process.execPath);
});

test('an installed package is started by its built file', () => {
  const { disk } = memoryMachine();
  const command = mcpCommand(disk, PACKAGE, '/usr/bin/node');
  expect(command).toEqual({ command: '/usr/bin/node', args: [`${PACKAGE}/dist/cli/turnpost.js`] });
});

test('a checkout is started from any folder, whatever tsconfig.json lies there, and answers', () => {
  const dir = folder();
  writeFileSync(join(dir, 'tsconfig.json'), '{ broken');
  const root = join(import.meta.dirname, '../..');
  const { command, args } = mcpCommand(diskView, root, process.execPath);
  const settings = join(dir, 'turnpost.json');
  writeFileSync(settings, '{"url": "http://127.0.0.1:9", "key": "tp_agent_x"}');
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '0' } };
  const lines = [
    { jsonrpc: '2.0', id: 1, method: 'initialize', params },
    { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'whoami', arguments: {} } },
  ];
  const input = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const run = spawnSync(command, [...args, 'mcp', '--settings', settings], { cwd: dir, encoding: 'utf8', input });
  expect(run).toMatchObject({ status: 0, stderr: '' });
  expect(run.stdout).toContain('"serverInfo":{"name":"turnpost"');
  expect(run.stdout).toContain('unreachable: No relay answers at http://127.0.0.1:9');
});

test('a hook is quoted for the shell of the platform', () => {
  expect(hookCommand('/n', "/it's/h.mjs", 'claude', 'linux')).toBe(`'/n' '/it'\\''s/h.mjs' claude || exit 0`);
  expect(hookCommand('C:\\n.exe', 'C:\\a b\\h.mjs', 'claude', 'win32')).toBe(
    `"C:\\n.exe" "C:\\a b\\h.mjs" claude || exit 0`,
  );
});
