/** The verbs against a real relay: answers, JSON, exit codes. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EXIT_CODES } from '../../cli/exit-code.ts';
import { startRelay } from '../../relay/main.ts';
import { type RelayInProcess, relayInProcess } from '../support/relay-in-process.ts';
import { type CliRun, runCli } from './run-cli.ts';

let relay: RelayInProcess;
let folder = '';
beforeAll(async () => {
  relay = await relayInProcess();
  folder = mkdtempSync(path.join(tmpdir(), 'turnpost-cli-'));
});
afterAll(async () => {
  await relay.close();
  rmSync(folder, { recursive: true });
});

/** As on the relay's own machine: socket and admin key are found in the data folder. */
const here = () => ({ TURNPOST_DATA_DIR: relay.dataDir });
const run = (...args: string[]): Promise<CliRun> => runCli(args, { env: here(), cwd: folder });
const runAs = (key: string, ...args: string[]): Promise<CliRun> =>
  runCli(args, {
    env: { TURNPOST_DATA_DIR: folder, TURNPOST_SOCKET: relay.socketPath, TURNPOST_KEY: key },
    cwd: folder,
  });

test('an agent is made, listed, shown and ended; its key works until then', async () => {
  const made = await run('--json', 'agents', 'create', 'cli-life', '--owner', 'you@example.com', '--capability', 'go');
  expect(made.code).toBe(0);
  const { address, key } = made.json() as { address: string; key: { secret: string } }; // RegisteredAgent
  expect((await run('agents', 'list')).stdout).toMatch(
    /^NAME +ADDRESS +PROGRAM +CAN +DESCRIPTION\ncli-life +cli-life@/,
  );
  expect((await runAs(key.secret, 'agents', 'show', 'me')).stdout).toContain('you@example.com');
  expect((await run('agents', 'delete', 'cli-life')).stdout).toBe(`${address} is deleted.\n`);
  expect(await runAs(key.secret, 'inbox')).toMatchObject({ code: EXIT_CODES.unauthorized.code });
});

test('keys: made, rotated, revoked', async () => {
  await relay.agent('cli-keys');
  const made = (await run('--json', 'keys', 'create', 'cli-keys', '--label', 'x')).json() as {
    id: string;
    secret: string;
  }; // NewKey
  expect((await runAs(made.secret, 'inbox')).stdout).toBe('No messages.\n');
  const rotated = (await run('--json', 'keys', 'rotate', 'cli-keys', made.id, '--grace', '1h')).json() as typeof made; // NewKey
  expect((await runAs(rotated.secret, 'inbox')).code).toBe(0);
  expect((await run('keys', 'revoke', 'cli-keys', rotated.id)).stdout).toContain(`${rotated.id} is dead`);
  expect((await runAs(rotated.secret, 'inbox')).code).toBe(4);
});

test('a code from enrol lets another machine register, once', async () => {
  const { stdout: code } = await run('enrol', '--name', 'cli-enrolled');
  const there = ['enrol', '--url', relay.httpUrl, '--code', code.trim()];
  const made = await runCli(there, { env: { TURNPOST_DATA_DIR: folder } });
  expect(made.stdout).toMatch(/^cli-enrolled@turnpost.localhost\ntp_agent_/);
  expect(await runCli(there, { env: { TURNPOST_DATA_DIR: folder } })).toMatchObject({ code: 1, stdout: '' });
});

test('a message is sent, listed, read and answered, with --as by the admin', async () => {
  const b = await relay.agent('cli-b');
  await relay.agent('cli-a');
  const sent = await run(
    '--json',
    '--as',
    'cli-a',
    'send',
    'cli-b',
    'Hello',
    'there',
    '--subject',
    'Hi',
    '--data',
    '{"n":1}',
  );
  expect(sent.code).toBe(0);
  const { id } = sent.json() as { id: string }; // Message
  expect((await runAs(b.key, 'inbox')).stdout).toMatch(
    new RegExp(`^ID .*\\n${id} +\\S+ \\S+ +available +cli-a@\\S+ +Hi\\n$`),
  );
  const read = await runAs(b.key, 'read', id);
  expect(read.stdout).toContain('Hello there');
  expect(read.stdout).toContain('"n": 1');
  expect((await b.client.getMessage(id)).state).toBe('delivered');
  expect((await runAs(b.key, 'reply', id, 'Hello', 'back')).code).toBe(0);
  expect((await run('--as', 'cli-a', 'inbox')).stdout).toContain('Re: Hi');
});

test('--as leaves no live key behind, also after a failure', async () => {
  await relay.agent('cli-as');
  const used: string[] = [];
  const proxy = http.createServer((req, res) => {
    used.push(`${req.method} ${req.url} ${req.headers.authorization}`);
    const on = http.request(relay.httpUrl + req.url, { method: req.method, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(res);
    });
    req.pipe(on);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo; // it listens on TCP
  const missing = ['read', 'msg_00000000000000000000000000'];
  const failed = await run('--url', `http://127.0.0.1:${port}`, '--as', 'cli-as', ...missing);
  proxy.closeAllConnections();
  proxy.close();
  expect(failed.code).toBe(EXIT_CODES.notFound.code);
  const [, secret = ''] = /Bearer (tp_agent_\S+)/.exec(used.join('\n')) ?? [];
  expect(secret).not.toBe('');
  expect((await runAs(secret, 'inbox')).code).toBe(EXIT_CODES.unauthorized.code);
});

test('--peek confirms nothing; the text may come from stdin', async () => {
  const b = await relay.agent('cli-peek');
  const a = await relay.agent('cli-stdin');
  const env = { TURNPOST_SOCKET: relay.socketPath, TURNPOST_KEY: a.key };
  const sent = await runCli(['--json', 'send', 'cli-peek'], { env, input: 'line 1\nline 2\n' });
  const { id } = sent.json() as { id: string }; // Message
  const peeked = await runAs(b.key, 'read', '--peek', id);
  expect(peeked.stdout).toContain('line 1\nline 2\n');
  expect((await b.client.getMessage(id)).state).toBe('available');
});

test('attachments are sent and saved under names that stay in the folder', async () => {
  const b = await relay.agent('cli-files');
  const { id } = await (await relay.agent('cli-files-a')).client.sendMessage({
    to: 'cli-files',
    body: 'x',
    attachments: [{ filename: '../../.bashrc', content: Buffer.from('evil').toString('base64') }],
  });
  const target = path.join(folder, 'saved');
  expect((await runAs(b.key, 'read', id, '--save', target)).code).toBe(0);
  expect(readFileSync(path.join(target, '0-bashrc'), 'utf8')).toBe('evil');
  writeFileSync(path.join(folder, 'note.txt'), 'attached');
  const sent = await runAs(b.key, '--json', 'send', 'cli-files-a', 'see file', '--attach', 'note.txt');
  expect(sent.json()).toMatchObject({ attachments: [{ filename: 'note.txt', size: 8 }] });
  expect(await runAs(b.key, 'send', 'cli-files-a', 'x', '--attach', 'missing.txt')).toMatchObject({
    code: 2,
    stdout: '',
  });
});

test('what a sender wrote cannot steer the terminal', async () => {
  const b = await relay.agent('cli-term');
  const a = await relay.agent('cli-term-a');
  const { id } = await a.client.sendMessage({ to: 'cli-term', body: 'a\u001b[2Jb\u202ec', subject: 's\u009b1m' });
  const { stdout } = await runAs(b.key, 'read', id);
  expect(stdout).toContain('a[2Jbc');
  expect(stdout).not.toMatch(/(?!\n)\p{Cc}|\u202e/u);
});

test('listen --json prints one line a message and confirms it; --max ends it', async () => {
  const b = await relay.agent('cli-listen');
  const a = await relay.agent('cli-listen-a');
  const lines: string[] = [];
  const listening = runCli(['listen', '--json', '--max', '2'], {
    env: { TURNPOST_SOCKET: relay.socketPath, TURNPOST_KEY: b.key },
    onLine: (line) => lines.push(line),
  });
  const one = await a.client.sendMessage({ to: 'cli-listen', body: 'one\nwith a second line' });
  await vi.waitFor(() => expect(lines).toHaveLength(1));
  const two = await a.client.sendMessage({ to: 'cli-listen', body: 'two' });
  const { code, stdout } = await listening;
  expect(code).toBe(0);
  const printed = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string }); // Message
  expect(printed.map(({ id }) => id)).toEqual([one.id, two.id]);
  expect((await b.client.listMessages({ state: 'delivered' })).items).toHaveLength(2);
});

test('listen that is stopped ends in order and leaves what it did not print', async () => {
  const b = await relay.agent('cli-stop');
  const a = await relay.agent('cli-stop-a');
  for (const body of ['one', 'two', 'three']) await a.client.sendMessage({ to: 'cli-stop', body });
  const stop = new AbortController();
  const run = await runCli(['listen', '--json'], {
    env: { TURNPOST_SOCKET: relay.socketPath, TURNPOST_KEY: b.key },
    signal: stop.signal,
    onLine: () => stop.abort(),
  });
  expect(run.code).toBe(0);
  const states = (await b.client.listMessages()).items.map(({ state }) => state);
  expect(states.filter((state) => state === 'delivered')).toHaveLength(run.stdout.trimEnd().split('\n').length);
  expect(states.filter((state) => state === 'leased')).toEqual([]);
});

test('listen --timeout with nothing there: exit code 6', async () => {
  const b = await relay.agent('cli-quiet');
  const quiet = await runAs(b.key, 'listen', '--timeout', '1s');
  expect(quiet).toMatchObject({ code: EXIT_CODES.nothing.code, stdout: '' });
});

test('the outbox and what is held', async () => {
  await relay.agent('cli-post');
  const sent = await run(
    '--json',
    '--as',
    'cli-post',
    'send',
    'person@example.com',
    'Dear you',
    '--subject',
    'Question',
  );
  const { id } = sent.json() as { id: string }; // Message
  expect((await run('outbox')).stdout).toMatch(/person@example\.com +Question/);
  expect((await run('outbox', id)).stdout).toContain('Dear you');
  expect((await run('outbox', 'msg_none')).code).toBe(EXIT_CODES.notFound.code);
  const smtp = createTransport({ host: '127.0.0.1', port: relay.smtpPort, tls: { rejectUnauthorized: false } });
  await smtp.sendMail({ from: 'stranger@example.com', to: 'cli-post@turnpost.localhost', subject: 'Win', text: 'x' });
  smtp.close();
  const held = (await run('--json', 'holds')).json() as { items: { id: string; to: string }[] }; // page of HoldItem
  const [hold] = held.items.filter(({ to }) => to.startsWith('cli-post@'));
  expect((await run('holds', 'list')).stdout).toContain('stranger@example.com');
  expect((await run('holds', 'drop', hold?.id ?? '')).stdout).toContain('is dropped; now cancelled.');
  expect((await run('holds', 'accept', 'hld_none')).code).toBe(EXIT_CODES.notFound.code);
});

test('exit codes and what stderr says', async () => {
  const elsewhere = { TURNPOST_DATA_DIR: folder };
  const down = await runCli(['agents', 'list', '--socket', path.join(folder, 'no.sock')], { env: elsewhere });
  expect(down).toMatchObject({ code: EXIT_CODES.unreachable.code, stdout: '' });
  expect(down.stderr).toMatch(
    /^turnpost: No relay answers at socket .*no\.sock \(ENOENT\)\. Start it with "npm start"/,
  );
  const noKey = await runCli(['agents', 'list', '--url', relay.httpUrl], { env: elsewhere });
  expect(noKey.code).toBe(EXIT_CODES.unauthorized.code);
  expect(await runCli(['agents', 'create', '--url', relay.httpUrl], { env: elsewhere })).toMatchObject({
    code: EXIT_CODES.unauthorized.code,
    stderr: expect.stringContaining('admin.key'),
  });
  expect(await run('inbox')).toMatchObject({
    code: EXIT_CODES.usage.code,
    stderr: expect.stringContaining('--as NAME'),
  });
  expect((await run('agents', 'show', 'nobody')).code).toBe(EXIT_CODES.notFound.code);
  expect((await run('agents', 'create', 'Bad Name')).code).toBe(EXIT_CODES.error.code);
  for (const wrong of [
    ['nonsense'],
    ['send'],
    ['inbox', '--limit', '0'],
    ['listen', '--timeout', 'soon'],
    ['inbox', '--no-such'],
  ]) {
    expect((await run(...wrong)).code, wrong.join(' ')).toBe(EXIT_CODES.usage.code);
  }
  for (const right of [['--help'], ['--version'], ['send', '--help'], ['help']]) {
    const { code, stdout } = await run(...right);
    expect([code, stdout === ''], right.join(' ')).toEqual([0, false]);
  }
});

test('a refused field is named', async () => {
  const { stderr } = await run('agents', 'create', 'Bad Name');
  expect(stderr).toContain('"path":"name"');
});

test('listen outlives a restart of the relay', async () => {
  const data = mkdtempSync(path.join(tmpdir(), 'turnpost-restart-'));
  const env = {
    TURNPOST_DATA_DIR: data,
    TURNPOST_HTTP_PORT: '0',
    TURNPOST_SMTP_PORT: 'off',
    TURNPOST_LOG_LEVEL: 'silent',
  };
  const first = await startRelay({ env });
  const here = { TURNPOST_DATA_DIR: data };
  await runCli(['agents', 'create', 'restarted'], { env: here });
  const made = (await runCli(['--json', 'agents', 'create', 'writer'], { env: here })).json() as {
    key: { secret: string };
  }; // RegisteredAgent
  const notes: string[] = [];
  const listening = runCli(['--as', 'restarted', 'listen', '--json', '--max', '1'], {
    env: here,
    onNote: (note) => notes.push(note),
  });
  await vi.waitFor(async () => expect(await waiters(first.httpUrl)).toBe(1));
  await first.close();
  await vi.waitFor(() => expect(notes.join('')).toContain('Trying again'));
  const second = await startRelay({ env });
  await runCli(['send', 'restarted', 'back again'], { env: { ...here, TURNPOST_KEY: made.key.secret } });
  const { code, stdout } = await listening;
  expect([code, stdout]).toEqual([0, expect.stringContaining('back again')]);
  await second.close();
  rmSync(data, { recursive: true });
});

/** How many long polls wait, by /metrics. */
async function waiters(url: string): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text();
  return Number(/^turnpost_waiters (\d+)/m.exec(page)?.[1]);
}
