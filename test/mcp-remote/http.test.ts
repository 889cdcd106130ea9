/** /mcp of a real relay, spoken to in raw JSON-RPC, byte for byte as hosts do (Claude Code 2.1.328, Gemini CLI 0.61.0, Codex 0.169.0). */
import http from 'node:http';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type RelayInProcess, relayInProcess } from '../support/relay-in-process.ts';

let relay: RelayInProcess;
beforeAll(async () => {
  relay = await relayInProcess({ TURNPOST_MAX_MESSAGE: '1MiB' });
});
afterAll(() => relay.close());

interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** JSON, or the last event of a stream; null where the body is empty. */
  readonly body: Record<string, unknown> | null;
  readonly events: readonly Record<string, unknown>[];
}

const CLASSIC = { 'mcp-protocol-version': '2025-06-18' };

function post(body: unknown, headers: Record<string, string | undefined> = {}, method = 'POST'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = http.request(`${relay.httpUrl}/mcp`, { method, headers: clean(headers) }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () => resolve(toReply(res, Buffer.concat(chunks).toString())));
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}

function clean(headers: Record<string, string | undefined>): Record<string, string> {
  const all = { accept: 'application/json, text/event-stream', 'content-type': 'application/json', ...headers };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function toReply(res: http.IncomingMessage, text: string): Reply {
  const stream = res.headers['content-type']?.startsWith('text/event-stream') === true;
  const parts = stream
    ? [...text.matchAll(/^data: (.*)$/gm)].map((match) => match[1] ?? '')
    : text === ''
      ? []
      : [text];
  const events = parts.map((part) => JSON.parse(part) as Record<string, unknown>); // JSON-RPC is an object
  return { status: res.statusCode ?? 0, headers: res.headers, body: events.at(-1) ?? null, events };
}

const INITIALIZE = {
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '0' } },
  jsonrpc: '2.0',
  id: 0,
};
const callOf = (name: string, args: Record<string, unknown> = {}, id: number | string = 2) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});

test('the classic handshake gives a session, and tools can be called in it', async () => {
  const { key } = await relay.agent('http-classic');
  const authorization = `Bearer ${key}`;
  const opened = await post(INITIALIZE, { authorization });
  expect(opened.status).toBe(200);
  expect(opened.body).toMatchObject({
    id: 0,
    result: { protocolVersion: '2025-06-18', serverInfo: { name: 'turnpost' } },
  });
  const session = String(opened.headers['mcp-session-id']);
  expect(session).toMatch(/^mcp_[0-9a-f]{24}$/);
  const headers = { authorization, 'mcp-session-id': session, ...CLASSIC };
  expect(await post({ jsonrpc: '2.0', method: 'notifications/initialized' }, headers)).toMatchObject({ status: 202 });
  const listed = await post({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }, headers);
  expect(listed.body).toMatchObject({ id: 1, result: { tools: { length: 9 } } });
  const called = await post(callOf('whoami'), headers);
  expect(called.body).toMatchObject({
    result: { structuredContent: { session_id: session, agent: { name: 'http-classic' } } },
  });
});

test('the probe of revision 2026-07-28 gets a JSON-RPC error, so that a client falls back', async () => {
  const { key } = await relay.agent('http-probe');
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'claude-code', version: '2.1.328' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const probe = { jsonrpc: '2.0', id: 'server-discover-probe-1', method: 'server/discover', params: { _meta: meta } };
  const headers = {
    authorization: `Bearer ${key}`,
    'mcp-method': 'server/discover',
    'mcp-protocol-version': '2026-07-28',
  };
  const answer = await post(probe, headers);
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({
    jsonrpc: '2.0',
    error: { code: -32000, message: expect.stringContaining('2025-11-25') },
  });
  const bare = await post(probe, { authorization: `Bearer ${key}` });
  expect(bare).toMatchObject({ status: 200, body: { error: { code: -32601 } } });
});

test('a session this relay has never heard of goes on: it was restarted meanwhile', async () => {
  const { key } = await relay.agent('http-restart');
  const headers = { authorization: `Bearer ${key}`, 'mcp-session-id': 'mcp_fromearlier', ...CLASSIC };
  const called = await post(callOf('whoami'), headers);
  expect(called.body).toMatchObject({ result: { structuredContent: { session_id: 'mcp_fromearlier' } } });
});

test('what a session was shown is confirmed by asking again in it, and by no other agent with its id', async () => {
  const a = await relay.agent('http-sender');
  const b = await relay.agent('http-reader');
  const { id } = await a.client.sendMessage({ to: 'http-reader', body: 'over http' });
  const headers = { authorization: `Bearer ${b.key}`, 'mcp-session-id': 'mcp_s1', ...CLASSIC };
  const first = await post(callOf('check_agent_messages'), headers);
  expect(first.body).toMatchObject({ result: { structuredContent: { messages: [{ message_id: id }] } } });
  await post(callOf('check_agent_messages'), { ...headers, authorization: `Bearer ${a.key}` });
  expect((await b.client.getMessage(id)).state).toBe('leased');
  await post(callOf('check_agent_messages'), headers);
  expect((await b.client.getMessage(id)).state).toBe('delivered');
});

test('a dead key gets 401 at once, whatever it asks', async () => {
  const { key } = await relay.agent('http-dead');
  const authorization = `Bearer ${key}`;
  expect((await post(INITIALIZE, { authorization })).status).toBe(200);
  const { items } = await relay.admin.listAgents({ query: 'http-dead' });
  await relay.admin.deleteAgent(items[0]?.address ?? '');
  for (const body of [INITIALIZE, callOf('whoami'), { jsonrpc: '2.0', id: 1, method: 'tools/list' }]) {
    const answer = await post(body, { authorization });
    expect(answer).toMatchObject({ status: 401, body: { error: { code: 'unauthorized' } } });
  }
  expect((await post(INITIALIZE)).status).toBe(401);
});

test('an admin key is not an agent', async () => {
  expect((await post(INITIALIZE, { authorization: `Bearer ${relay.adminKey}` })).status).toBe(403);
});

test('GET has nothing to push, DELETE ends the session, other methods are refused', async () => {
  const { key } = await relay.agent('http-methods');
  const authorization = `Bearer ${key}`;
  const get = await post(undefined, { authorization, 'content-type': undefined }, 'GET');
  expect(get).toMatchObject({ status: 405, headers: { allow: 'POST, DELETE' } });
  expect((await post(undefined, { authorization, 'mcp-session-id': 'mcp_x' }, 'DELETE')).status).toBe(204);
  expect((await post('{}', { authorization }, 'PUT')).status).toBe(405);
});

test('a body that is no JSON, and one that is no JSON-RPC', async () => {
  const { key } = await relay.agent('http-bad');
  const authorization = `Bearer ${key}`;
  expect(await post('{"jsonrpc"', { authorization })).toMatchObject({
    status: 400,
    body: { error: { code: 'malformed_json' } },
  });
  expect(await post({ hello: 'world' }, { authorization })).toMatchObject({
    status: 400,
    body: { error: { code: -32700 } },
  });
  expect((await post('null', { authorization })).status).toBe(400);
});

test('a body over the limit is refused by name, and read no further', async () => {
  const { key } = await relay.agent('http-large');
  const authorization = `Bearer ${key}`;
  const large = JSON.stringify(callOf('send_internal_message', { to: 'x', body: 'y'.repeat(5 * 1024 ** 2) }));
  expect(await post(large, { authorization })).toMatchObject({ status: 413, body: { error: { code: 'too_large' } } });
});

test('a call that is called off by a request of its own ends, and takes no mail', async () => {
  const a = await relay.agent('http-cancel-a');
  const b = await relay.agent('http-cancel-b');
  const headers = { authorization: `Bearer ${b.key}`, 'mcp-session-id': 'mcp_c', ...CLASSIC };
  let ended = false;
  const waiting = post(callOf('check_agent_messages', { wait_seconds: 300 }, 77), headers).finally(() => {
    ended = true;
  });
  const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 77, reason: 'Esc' } };
  // Another agent that knows session and request cannot end it.
  await post(cancel, { ...headers, authorization: `Bearer ${a.key}` });
  await post(cancel, { ...headers, 'mcp-session-id': 'mcp_other' });
  await post(callOf('whoami'), headers);
  expect(ended).toBe(false);
  await vi.waitFor(async () => {
    expect((await post(cancel, headers)).status).toBe(202);
    expect(ended).toBe(true);
  });
  expect((await waiting).events).toEqual([]);
  const { id } = await a.client.sendMessage({ to: 'http-cancel-b', body: 'x' });
  const again = await post(callOf('check_agent_messages'), headers);
  expect(again.body).toMatchObject({ result: { structuredContent: { messages: [{ message_id: id }] } } });
});

test('an answer that crossed with its cancellation was not seen: it is given back and shown again', async () => {
  const a = await relay.agent('http-cross-a');
  const b = await relay.agent('http-cross-b');
  const headers = { authorization: `Bearer ${b.key}`, 'mcp-session-id': 'mcp_x', ...CLASSIC };
  const { id } = await a.client.sendMessage({ to: 'http-cross-b', body: 'x' });
  await post(callOf('check_agent_messages', {}, 9), headers);
  await post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 9 } }, headers);
  expect((await b.client.getMessage(id)).state).toBe('available');
  const again = await post(callOf('check_agent_messages', {}, 10), headers);
  expect(again.body).toMatchObject({ result: { structuredContent: { messages: [{ message_id: id }] } } });
  expect(await b.client.getMessage(id)).toMatchObject({ state: 'leased', attempt: 2 });
});

test('a host that hangs up before the answer was whole has not been given it', async () => {
  const a = await relay.agent('http-hangup-a');
  const b = await relay.agent('http-hangup-b');
  const headers = clean({ authorization: `Bearer ${b.key}`, 'mcp-session-id': 'mcp_h', ...CLASSIC });
  const sent = http.request(`${relay.httpUrl}/mcp`, { method: 'POST', headers });
  sent.on('error', () => undefined);
  const streaming = new Promise((resolve) => sent.on('response', resolve));
  sent.end(JSON.stringify(callOf('check_agent_messages', { wait_seconds: 300 }, 5)));
  await streaming;
  sent.destroy();
  const { id } = await a.client.sendMessage({ to: 'http-hangup-b', body: 'x' });
  await vi.waitFor(async () => {
    const again = await post(callOf('check_agent_messages'), { ...headers });
    expect(again.body).toMatchObject({ result: { structuredContent: { messages: [{ message_id: id }] } } });
  });
});

test('progress is told to a host that asks for it', async () => {
  const a = await relay.agent('http-progress-a');
  const b = await relay.agent('http-progress-b');
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const call = callOf('check_agent_messages', { wait_seconds: 300 });
    const body = { ...call, params: { ...call.params, _meta: { progressToken: 'p1' } } };
    const waiting = post(body, { authorization: `Bearer ${b.key}`, ...CLASSIC });
    await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0));
    vi.advanceTimersByTime(5_000);
    await a.client.sendMessage({ to: 'http-progress-b', body: 'x' });
    const { events } = await waiting;
    const params = { progressToken: 'p1', progress: 5, total: 300, message: 'waiting for a message' };
    expect(events[0]).toMatchObject({ method: 'notifications/progress', params });
  } finally {
    vi.useRealTimers();
  }
});
