/** `turnpost mcp`, spoken to in raw JSON-RPC: in this process where it can be, as a child process where it matters. */
import { spawn } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { TurnpostClient } from '../../client/turnpost-client.ts';
import { hostSessionId, serveStdio } from '../../mcp-remote/stdio.ts';
import { type RelayInProcess, relayInProcess } from '../support/relay-in-process.ts';

let relay: RelayInProcess;
beforeAll(async () => {
  relay = await relayInProcess();
});
afterAll(() => relay.close());

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'claude-code', version: '2.1.328' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const PROBE = { jsonrpc: '2.0', id: 'server-discover-probe-1', method: 'server/discover', params: { _meta: META } };
const INITIALIZE = {
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '0' } },
  jsonrpc: '2.0',
  id: 0,
};
const WHOAMI = { method: 'tools/call', params: { name: 'whoami', arguments: {} }, jsonrpc: '2.0', id: 1 };

/** Writes all lines, ends stdin, and gives back what came out by id. */
async function talk(lines: readonly unknown[], env: Record<string, string> = {}, key?: string) {
  const client = new TurnpostClient({ relay: { url: relay.httpUrl }, key, program: 'mcp' });
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const bugs: unknown[] = [];
  const serving = serveStdio({ client, version: '0.0.0', env, stdin, stdout, reportBug: (bug) => bugs.push(bug) });
  const output = text(stdout);
  for (const line of lines) stdin.write(`${JSON.stringify(line)}\n`);
  stdin.end();
  await serving;
  stdout.end();
  client.close();
  expect(bugs).toEqual([]);
  return answers(await output);
}

function answers(output: string): Map<unknown, Record<string, unknown>> {
  const lines = output.split('\n').filter((line) => line !== '');
  const all = lines.map((line) => JSON.parse(line) as Record<string, unknown>); // each line is a JSON-RPC object
  return new Map(all.map((answer) => [answer['id'], answer]));
}

test('the probe of revision 2026-07-28 is answered by method not found, and the classic handshake follows', async () => {
  const { key } = await relay.agent('stdio-probe');
  const out = await talk([PROBE, INITIALIZE, { jsonrpc: '2.0', method: 'notifications/initialized' }, WHOAMI], {}, key);
  expect(out.get('server-discover-probe-1')).toEqual({
    jsonrpc: '2.0',
    id: 'server-discover-probe-1',
    error: { code: -32601, message: 'Method not found' },
  });
  expect(out.get(0)).toMatchObject({ result: { protocolVersion: '2025-11-25', serverInfo: { name: 'turnpost' } } });
  expect(out.get(1)).toMatchObject({ result: { structuredContent: { agent: { name: 'stdio-probe' } } } });
});

test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('speaks revision %s', async (protocolVersion) => {
  const out = await talk([{ ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion } }]);
  expect(out.get(0)).toMatchObject({ result: { protocolVersion } });
});

test('a handshake with a revision it does not speak is answered with the newest it does', async () => {
  const out = await talk([{ ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion: '2026-07-28' } }]);
  expect(out.get(0)).toMatchObject({ result: { protocolVersion: '2025-11-25' } });
});

test('the session is the one of the host where the host says so', async () => {
  const { key } = await relay.agent('stdio-session');
  const out = await talk([INITIALIZE, WHOAMI], { CLAUDE_CODE_SESSION_ID: 'claude-1' }, key);
  expect(out.get(1)).toMatchObject({ result: { structuredContent: { session_id: 'claude-1' } } });
  expect(hostSessionId({ GEMINI_SESSION_ID: 'gemini-1' })).toBe('gemini-1');
  const none = await talk([INITIALIZE, WHOAMI], {}, key);
  const session = expect.stringMatching(/^mcp_[0-9a-f]{24}$/);
  expect(none.get(1)).toMatchObject({ result: { structuredContent: { session_id: session } } });
});

test('calls under way when stdin ends are answered; one that waits for mail is not waited for', async () => {
  const { key } = await relay.agent('stdio-end');
  const wait = { name: 'check_agent_messages', arguments: { wait_seconds: 300 } };
  const out = await talk([INITIALIZE, WHOAMI, { method: 'tools/call', params: wait, jsonrpc: '2.0', id: 2 }], {}, key);
  expect(out.has(1)).toBe(true);
  expect(out.has(2)).toBe(false);
});

test('an answer that crossed with its cancellation was not seen: it is given back', async () => {
  const a = await relay.agent('stdio-cross-a');
  const b = await relay.agent('stdio-cross-b');
  const { id } = await a.client.sendMessage({ to: 'stdio-cross-b', body: 'x' });
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const env = {};
  const serving = serveStdio({
    client: b.client,
    version: '0',
    env,
    stdin,
    stdout,
    reportBug: (bug) => expect.unreachable(String(bug)),
  });
  const check = {
    method: 'tools/call',
    params: { name: 'check_agent_messages', arguments: {} },
    jsonrpc: '2.0',
    id: 5,
  };
  for (const line of [INITIALIZE, check]) stdin.write(`${JSON.stringify(line)}\n`);
  let out = '';
  stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  await vi.waitFor(() => expect(out).toContain(id));
  const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 5 } };
  stdin.write(`${JSON.stringify(cancel)}\n`);
  await vi.waitFor(async () => expect((await b.client.getMessage(id)).state).toBe('available'));
  stdin.end();
  await serving;
});

test('lines that are no JSON-RPC are passed over', async () => {
  const out = await talk(['hello', { hello: 'world' }, INITIALIZE]);
  expect([...out.keys()]).toEqual([0]);
});

test('as a program: nothing but the protocol on stdout, exit 0 when stdin ends', async () => {
  const { key } = await relay.agent('stdio-program');
  const child = spawn(process.execPath, ['--import', 'tsx', 'cli/turnpost.ts', 'mcp'], {
    env: { PATH: process.env['PATH'], TURNPOST_SOCKET: relay.socketPath, TURNPOST_KEY: key, HOME: relay.dataDir },
  });
  const [output, errors] = [text(child.stdout), text(child.stderr)];
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.stdin.end([PROBE, INITIALIZE, WHOAMI].map((line) => `${JSON.stringify(line)}\n`).join(''));
  expect(await ended).toBe(0);
  expect(await errors).toBe('');
  expect(answers(await output).get(1)).toMatchObject({
    result: { structuredContent: { agent: { name: 'stdio-program' } } },
  });
});
