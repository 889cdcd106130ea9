/** The client against servers that misbehave in ways a relay does not: dropped connections, silence, other programs. */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http, { type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { TurnpostClient } from '../../client/turnpost-client.ts';
import { TurnpostError } from '../../client/turnpost-error.ts';

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const AGENT = {
  id: 'agt_1',
  name: 'amber-fox',
  address: 'amber-fox@turnpost.localhost',
  display_name: null,
  description: null,
  capabilities: [],
  host: null,
  program: null,
  model: null,
  created_at: '2026-01-31T08:00:00Z',
  updated_at: '2026-01-31T08:00:00Z',
};
const KEY = {
  id: 'key_1',
  secret: 'tp_agent_secret',
  scope: 'agent',
  label: null,
  created_at: AGENT.created_at,
  expires_at: null,
};

async function serve(answer: RequestListener, at: number | string = 0): Promise<http.Server> {
  const server = http.createServer(answer);
  server.listen(typeof at === 'number' ? { port: at, host: '127.0.0.1' } : { path: at });
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

function clientOf(
  server: http.Server,
  more: { key?: string; sessionId?: string; program?: 'mcp' | 'cli' } = {},
): TurnpostClient {
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const client = new TurnpostClient({ relay: { url: `http://127.0.0.1:${port}` }, ...more });
  closers.push(() => client.close());
  return client;
}

const json = (res: http.ServerResponse, body: unknown, status = 200, headers: Record<string, string> = {}): void => {
  res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};

async function failure(ask: Promise<unknown>): Promise<TurnpostError> {
  const error = await ask.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof TurnpostError)) throw new Error(`want a TurnpostError, got ${String(error)}`);
  return error;
}

test('sends key, session and program with every request', async () => {
  let seen: IncomingMessage['headers'] = {};
  const server = await serve((req, res) => {
    seen = req.headers;
    json(res, AGENT);
  });
  await clientOf(server, { key: 'tp_agent_k', sessionId: 'ses-1', program: 'mcp' }).getAgent('me');
  expect(seen).toMatchObject({
    authorization: 'Bearer tp_agent_k',
    'x-turnpost-session': 'ses-1',
    'x-turnpost-client': 'mcp',
  });
});

test('a POST that creates is sent once more with the same Idempotency-Key when the connection drops', async () => {
  const keys: (string | string[] | undefined)[] = [];
  const server = await serve((req, res) => {
    keys.push(req.headers['idempotency-key']);
    if (keys.length === 1) req.socket.destroy();
    else json(res, { ...AGENT, key: KEY }, 201);
  });
  const agent = await clientOf(server).registerAgent({ name: 'amber-fox' });
  expect(agent.key.secret).toBe('tp_agent_secret');
  expect(keys).toHaveLength(2);
  expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  expect(keys[1]).toBe(keys[0]);
});

test('a second dropped connection is the end: unreachable', async () => {
  let requests = 0;
  const server = await serve((req) => {
    requests += 1;
    req.socket.destroy();
  });
  const error = await failure(clientOf(server).registerAgent({}));
  expect(error).toMatchObject({ code: 'unreachable', status: 0 });
  expect(requests).toBe(2);
});

test('a lease is never asked for twice by itself', async () => {
  let requests = 0;
  const server = await serve((req) => {
    requests += 1;
    req.socket.destroy();
  });
  await failure(clientOf(server).lease({ session_id: 's' }));
  expect(requests).toBe(1);
});

test('an error of the relay keeps its status, code, details, request id and Retry-After', async () => {
  const error = { code: 'rate_limited', message: 'Too many.', details: { limit: 3 }, request_id: 'req_9' };
  const server = await serve((_req, res) => json(res, { error }, 429, { 'retry-after': '10' }));
  expect(await failure(clientOf(server).listAgents())).toMatchObject({
    status: 429,
    code: 'rate_limited',
    message: 'Too many.',
    details: { limit: 3 },
    requestId: 'req_9',
    retryAfterSeconds: 10,
  });
});

test.each([
  ['a web page', '<html>hello</html>', 200],
  ['JSON of another program', '{"hello":"world"}', 200],
  ['an error page', 'Bad gateway', 502],
  ['an error of another form', '{"error":"no"}', 404],
])('%s is no answer of a relay', async (_what, body, status) => {
  const server = await serve((_req, res) => res.writeHead(status).end(body));
  expect(await failure(clientOf(server).getAgent('me'))).toMatchObject({ code: 'unexpected_answer', status });
});

test('nobody there: the error says which address and how to start the relay', async () => {
  const server = await serve(() => undefined);
  const client = clientOf(server);
  const { port } = server.address() as AddressInfo; // it listened on TCP
  await new Promise((resolve) => server.close(resolve));
  const { message, code } = await failure(client.health());
  expect(code).toBe('unreachable');
  expect(message).toContain(`http://127.0.0.1:${port} (ECONNREFUSED)`);
  expect(message).toContain('npm start');
});

test('speaks over a Unix socket, and names it when nobody is there', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'turnpost-'));
  closers.push(() => rmSync(folder, { recursive: true }));
  const socketPath = path.join(folder, 'relay.sock');
  await serve((_req, res) => json(res, { status: 'ok', version: '1.2.3' }), socketPath);
  const there = new TurnpostClient({ relay: { socketPath } });
  closers.push(() => there.close());
  expect(await there.health()).toEqual({ status: 'ok', version: '1.2.3' });
  const nowhere = new TurnpostClient({ relay: { socketPath: `${socketPath}x` } });
  expect((await failure(nowhere.health())).message).toContain(`socket ${socketPath}x (ENOENT)`);
});

test('a request that is called off ends at once as aborted, and the relay sees the connection go', async () => {
  const stop = new AbortController();
  const gone = new Promise<void>((resolve) => {
    void serve((req, res) => {
      res.once('close', () => resolve());
      req.resume();
      stop.abort();
    }).then((server) => {
      closers.push(() => server.closeAllConnections());
      void failure(clientOf(server).lease({ wait: '60s' }, { waitMs: 60_000, signal: stop.signal })).then((error) =>
        expect(error.code).toBe('aborted'),
      );
    });
  });
  await gone;
});

test('not ready is an answer, no failure', async () => {
  const server = await serve((_req, res) => json(res, { ready: false, not_ready: ['imap:you@example.com'] }, 503));
  expect(await clientOf(server).ready()).toEqual({ ready: false, not_ready: ['imap:you@example.com'] });
});

test('names in a path are encoded and queries leave out what is not given', async () => {
  const urls: (string | undefined)[] = [];
  const server = await serve((req, res) => {
    urls.push(req.url);
    json(res, req.url?.includes('?') ? { items: [], next_cursor: null } : AGENT);
  });
  const client = clientOf(server);
  await client.getAgent('../holds?x=1');
  await client.listAgents({ query: 'a&b', limit: 5 });
  expect(urls).toEqual(['/v1/agents/..%2Fholds%3Fx%3D1', '/v1/agents?query=a%26b&limit=5']);
});
