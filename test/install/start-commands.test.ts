/** The commands that clients are given. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { diskView } from '../../cli/install/file-view.ts';
import { cliCommand, hookCommand, lastingNode } from '../../cli/install/start-commands.ts';
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
  const command = cliCommand(disk, PACKAGE, '/usr/bin/node');
  expect(command).toEqual({ command: '/usr/bin/node', args: [`${PACKAGE}/dist/cli/turnpost.js`] });
});

test('a checkout is started with tsx from any folder, whatever tsconfig.json lies there', () => {
  const dir = folder();
  writeFileSync(join(dir, 'tsconfig.json'), '{ broken');
  const root = join(import.meta.dirname, '../..');
  const { command, args } = cliCommand(diskView, root, process.execPath);
  expect(args.at(-1)).toBe(join(root, 'cli/turnpost.ts'));
  const loader = args.slice(0, -1);
  writeFileSync(join(dir, 'typed.ts'), 'const word: string = "started";\nconsole.log(word);\n');
  const run = spawnSync(command, [...loader, join(dir, 'typed.ts')], { cwd: dir, encoding: 'utf8' });
  expect(run.stdout).toBe('started\n');
});

test('a hook is quoted for the shell of the platform', () => {
  expect(hookCommand('/n', "/it's/h.mjs", 'claude', 'linux')).toBe(`'/n' '/it'\\''s/h.mjs' claude || exit 0`);
  expect(hookCommand('C:\\n.exe', 'C:\\a b\\h.mjs', 'claude', 'win32')).toBe(
    `"C:\\n.exe" "C:\\a b\\h.mjs" claude || exit 0`,
  );
});
