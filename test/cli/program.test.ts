/** `turnpost` as a program: exit codes reach the shell, the page docs/cli.md is what --help says, old Nodes are told. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { describeCli } from '../../cli/describe-cli.ts';
import { relayInProcess } from '../support/relay-in-process.ts';

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

test('docs/cli.md says what the program says', async () => {
  expect(readFileSync('docs/cli.md', 'utf8')).toBe(await describeCli());
});

test('serve runs the relay as npm start does, and ends in order on SIGTERM', async () => {
  const data = mkdtempSync(path.join(tmpdir(), 'turnpost-serve-'));
  const env = { PATH: process.env['PATH'], TURNPOST_DATA_DIR: data, TURNPOST_HTTP_PORT: '0', TURNPOST_SMTP_PORT: '0' };
  const child = spawn(process.execPath, ['--import', 'tsx', 'cli/turnpost.ts', 'serve'], { env });
  const ended = once(child, 'close');
  const [line] = await once(child.stdout, 'data');
  expect(String(line)).toMatch(
    /^turnpost: ready http=http:\/\/127\.0\.0\.1:\d+ smtp=127\.0\.0\.1:\d+ socket=\S+relay\.sock\n$/,
  );
  expect(turnpost(['agents', 'list'], { TURNPOST_DATA_DIR: data })).toMatchObject({
    status: 0,
    stdout: 'No agents.\n',
  });
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  rmSync(data, { recursive: true });
});

test('a listener with --as that is stopped by SIGINT ends with 0 and leaves no live key', async () => {
  const relay = await relayInProcess();
  await relay.agent('listener');
  const env = { PATH: process.env['PATH'], TURNPOST_DATA_DIR: relay.dataDir };
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'cli/turnpost.ts', '--as', 'listener', 'listen', '--json'],
    { env },
  );
  const ended = once(child, 'close');
  const sender = await relay.agent('sender');
  const sent = await sender.client.sendMessage({ to: 'listener', body: 'hello' });
  const [line] = await once(child.stdout, 'data');
  expect(JSON.parse(String(line))).toMatchObject({ id: sent.id, body: 'hello' });
  child.kill('SIGINT');
  expect(await ended).toEqual([0, null]);
  const { deliveries } = await sender.client.getMessage(sent.id);
  expect(deliveries).toMatchObject([{ state: 'delivered' }]);
  await relay.close();
});
