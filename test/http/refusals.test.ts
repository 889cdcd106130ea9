/** What is refused before any rule is asked: bodies that cannot be read, methods, other sites' pages, a store that cannot write. */

import path from 'node:path';
import { gzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as wire from '../../relay/wire.ts';
import { openFixture, type RelayFixture, type TestAgent } from '../support/relay-fixture.ts';

let fixture: RelayFixture;
let agent: TestAgent;

beforeAll(async () => {
  fixture = await openFixture({
    env: { TURNPOST_PUBLIC_URL: 'https://relay.example.com', TURNPOST_MAX_MESSAGE: '100KiB' },
  });
  agent = await fixture.agent('alice');
});
afterAll(() => fixture.close());

const send = (body: unknown, headers: Record<string, string> = {}, key: string | null = agent.key) =>
  fixture.call('POST', '/v1/agents/me/messages', { key, body, headers });

describe('bodies', () => {
  test.each(['{"to":', '', 'null', '"text"', '{"a":1}}', '\u0000'])('%j is malformed or no object', async (body) => {
    const reply = await send(body);
    expect([400, 422]).toContain(reply.status);
    expect(reply.code).toBe(reply.status === 400 ? 'malformed_json' : 'invalid_request');
  });

  test('truncated JSON is malformed', async () => {
    const reply = await send('{"to":"alice","body":"x"');
    expect([reply.status, reply.code]).toEqual([400, 'malformed_json']);
  });

  test('an array, and a body that is missing, lack the fields', async () => {
    for (const body of ['[]', undefined]) {
      const reply = await send(body);
      expect([reply.status, reply.code]).toEqual([422, 'invalid_request']);
    }
  });

  test('every unknown field is named', async () => {
    const reply = await send({ to: 'alice', body: 'x', bcc: 'y', Subject: 'z' });
    const fields = ['bcc', 'Subject'].map((name) => ({ path: name, message: 'there is no such field' }));
    expect([reply.status, reply.details]).toEqual([422, { fields }]);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', ''])(
    'the media type "%s" is not supported',
    async (type) => {
      const reply = await send('{"to":"alice","body":"x"}', { 'content-type': type });
      expect([reply.status, reply.code]).toEqual([415, 'unsupported_media_type']);
    },
  );

  test('a compressed body is read, a broken one is malformed, an unknown coding is not supported', async () => {
    const body = gzipSync(JSON.stringify({ to: 'alice', body: 'x' }));
    const packed = (coding: string, bytes: Buffer) => send(bytes, { 'content-encoding': coding });
    expect((await packed('gzip', body)).status).toBe(201);
    expect((await packed('gzip', Buffer.from('xxxx'))).code).toBe('malformed_json');
    expect((await packed('lzma', body)).code).toBe('unsupported_media_type');
    const bomb = gzipSync(JSON.stringify({ to: 'alice', body: 'x'.repeat(10_000_000) }));
    expect((await packed('gzip', bomb)).code).toBe('too_large');
  });

  test('a key is asked for before a body is read: a stranger never has one parsed', async () => {
    for (const body of ['{"to":', 'x'.repeat(1_000_000)]) {
      expect((await send(body, {}, 'tp_agent_unknown')).status).toBe(401);
      expect((await send(body, {}, fixture.adminKey)).status).toBe(403);
    }
  });

  test('an error tells its request_id and nothing of the inside', async () => {
    const { json } = await send('{');
    expect(json).toEqual({
      error: {
        code: 'malformed_json',
        message: expect.any(String),
        request_id: expect.stringMatching(/^req_[0-9a-z]{26}$/),
      },
    });
  });
});

describe('methods and paths', () => {
  test('HEAD answers as GET does, without a body', async () => {
    const reply = await fixture.call('HEAD', '/v1/agents/me', { key: agent.key });
    expect([reply.status, reply.text]).toEqual([200, '']);
    expect((await fixture.call('HEAD', '/v1/agents/me', { key: null })).status).toBe(401);
  });

  test.each([
    ['OPTIONS', '/v1/agents', 'POST, GET, HEAD'],
    ['PUT', '/v1/agents/me', 'GET, HEAD, PATCH, DELETE'],
    ['GET', '/v1/agents/me/leases', 'POST'],
    ['DELETE', '/v1/health', 'GET, HEAD'],
    ['POST', '/metrics', 'GET, HEAD'],
    ['GET', '/v1/hooks/claude/stop', 'POST'],
  ])('%s %s is refused with Allow: %s', async (method, where, allow) => {
    const reply = await fixture.call(method, where, { key: null });
    expect([reply.status, reply.code, reply.headers.allow]).toEqual([405, 'method_not_allowed', allow]);
  });

  test('what is nowhere is not found, by an error of our shape', async () => {
    for (const where of ['/', '/v1', '/v1/nothing', '/v2/agents', '/v1/agents/a/b/c/d/e', '/v1/agents/%zz']) {
      const reply = await fixture.call('GET', where);
      expect([reply.status, reply.code], where).toEqual([404, 'not_found']);
    }
  });

  test('the server does not say what it is made of', async () => {
    const { headers } = await fixture.call('GET', '/v1/health', { key: null });
    expect(headers).not.toHaveProperty('x-powered-by');
  });
});

describe('pages of other sites (DNS rebinding)', () => {
  const health = (headers: Record<string, string>, socket = false) =>
    fixture.call('GET', '/v1/health', { key: null, headers, socket });

  test.each(['127.0.0.1', 'localhost:1', '[::1]:8725', 'relay.example.com', 'RELAY.example.com:443'])(
    'the Host %s is ours',
    async (host) => expect((await health({ host })).status).toBe(200),
  );

  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'a b'])(
    'the Host %s is refused',
    async (host) => {
      const reply = await health({ host });
      expect([reply.status, reply.code]).toEqual([403, 'forbidden']);
    },
  );

  test.each(['https://evil.example', 'null', 'http://localhost.evil.example', 'file://'])(
    'the Origin %s is refused',
    async (origin) => expect((await health({ origin })).code).toBe('forbidden'),
  );

  test('an Origin that is ours passes', async () => {
    for (const origin of ['http://localhost:8725', 'https://relay.example.com', 'http://127.0.0.1:1'])
      expect((await health({ origin })).status).toBe(200);
  });

  test('over the Unix socket any Host passes: the file system guards it', async () => {
    expect((await health({ host: 'evil.example', origin: 'https://evil.example' }, true)).status).toBe(200);
    expect((await fixture.call('GET', '/v1/agents/me', { key: null, socket: true })).status).toBe(401);
  });
});

test('a store that cannot write now: 503 with Retry-After, nothing accepted, and the same request later succeeds', async () => {
  const other = new Database(path.join(fixture.dataDir, 'turnpost.db'));
  try {
    other.exec('BEGIN IMMEDIATE');
    const reply = await send({ to: 'alice', body: 'locked' });
    expect([reply.status, reply.code, reply.headers['retry-after']]).toEqual([503, 'unavailable', '5']);
    expect((await fixture.call('GET', '/v1/health', { key: null })).status).toBe(200);
    other.exec('ROLLBACK');
  } finally {
    other.close();
  }
  expect((await send({ to: 'alice', body: 'locked' })).status).toBe(201);
  const { items } = (await fixture.call('GET', '/v1/agents/me/messages', { key: agent.key })).as(
    wire.page(wire.Message),
  );
  expect(items.filter(({ body }) => body === 'locked')).toHaveLength(1);
});
