/** `turnpost` as a program: exit codes reach the shell, the page docs/cli.md is what --help says, old Nodes are told. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeCli } from '../../cli/describe-cli.ts';

function turnpost(args: readonly string[], env: Record<string, string> = {}, node: readonly string[] = []) {
  const all = [...node, '--import', 'tsx', 'cli/turnpost.ts', ...args];
  const data = { TURNPOST_DATA_DIR: '/nonexistent', PATH: process.env['PATH'] ?? '', ...env };
  return spawnSync(process.execPath, all, { env: data, encoding: 'utf8' });
}

test('exit codes reach the shell, and errors go to stderr alone', () => {
  const down = turnpost(['agents', 'list', '--socket', '/nonexistent/relay.sock']);
  expect([down.status, down.stdout]).toEqual([3, '']);
  expect(down.stderr).toMatch(/^turnpost: No relay answers/);
  const wrong = turnpost(['no-such-verb']);
  expect([wrong.status, wrong.stdout]).toEqual([2, '']);
  const help = turnpost(['--help']);
  expect([help.status, help.stderr]).toEqual([0, '']);
  expect(help.stdout).toContain('Exit codes:');
});

test('a reader that closes the pipe is no failure', () => {
  const script = `"$0" --import tsx cli/turnpost.ts --help | head -n 1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath], { encoding: 'utf8' });
  expect([stdout.split('\n').at(-2), stderr]).toEqual(['0', '']);
});

test('an old Node is told which one is needed, before anything else is loaded', () => {
  const pretend = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.18.9'})`;
  const { status, stderr } = turnpost(['--version'], {}, ['--import', pretend]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^turnpost: needs Node 20\.19 or newer/);
});

test('docs/cli.md says what the program says', () => {
  expect(readFileSync('docs/cli.md', 'utf8')).toBe(describeCli());
});
