/** Idempotency-Key: the same request is done once, whatever is repeated, and however close together. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as wire from '../../relay/wire.ts';
import { openFixture, type RelayFixture, ShiftedClock, type TestAgent } from '../support/relay-fixture.ts';

const clock = new ShiftedClock();
let fixture: RelayFixture;
let alice: TestAgent;

beforeAll(async () => {
  fixture = await openFixture({ clock });
  alice = await fixture.agent('alice');
  await fixture.agent('bob');
});
afterAll(() => fixture.close());

const post = (path: string, idempotencyKey: string, body: unknown, key?: string | null) =>
  fixture.call('POST', path, {
    body,
    headers: { 'idempotency-key': idempotencyKey },
    ...(key !== undefined && { key }),
  });
const send = (idempotencyKey: string, body = 'hello', key = alice.key) =>
  post('/v1/agents/me/messages', idempotencyKey, { to: 'bob', body }, key);
const sentBodies = async (agent = alice) => {
  const reply = await fixture.call('GET', '/v1/agents/me/messages?direction=outbound&limit=100', { key: agent.key });
  return reply.as(wire.page(wire.Message)).items.map(({ body }) => body);
};

test('the same key and body: the first answer again, and one message', async () => {
  const first = await send('once', 'once');
  const again = await send('once', 'once');
  expect([again.status, again.json]).toEqual([201, first.json]);
  expect((await sentBodies()).filter((body) => body === 'once')).toHaveLength(1);
});

test('the same key and another body: 422', async () => {
  await send('reused');
  const reply = await send('reused', 'something else');
  expect([reply.status, reply.code]).toEqual([422, 'idempotency_key_reuse']);
});

test('many at once are one', async () => {
  const replies = await Promise.all(Array.from({ length: 12 }, () => send('storm', 'storm')));
  expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
  expect((await sentBodies()).filter((body) => body === 'storm')).toHaveLength(1);
});

test('of many that queue behind one that fails, one does the work', async () => {
  const latecomer = 'latecomer';
  const body = { to: latecomer, body: 'storm after failure' };
  const attempts = Array.from({ length: 6 }, () => post('/v1/agents/me/messages', 'failing', body, alice.key));
  await fixture.agent(latecomer);
  attempts.push(...Array.from({ length: 6 }, () => post('/v1/agents/me/messages', 'failing', body, alice.key)));
  const statuses = (await Promise.all(attempts)).map(({ status }) => status);
  expect(new Set(statuses.filter((status) => status !== 404))).toEqual(new Set([201]));
  expect((await sentBodies()).filter((text) => text === 'storm after failure')).toHaveLength(1);
});

test('a refused request leaves no receipt: mended, it may use its key', async () => {
  const refused = await post('/v1/agents/me/messages', 'mended', { to: 'nobody', body: 'x' }, alice.key);
  expect(refused.status).toBe(404);
  expect((await post('/v1/agents/me/messages', 'mended', { to: 'bob', body: 'x' }, alice.key)).status).toBe(201);
});

test("a key is its caller's own, and its path's own", async () => {
  const carol = await fixture.agent('carol');
  const first = (await send('shared', 'a')).as(wire.Message);
  const second = (await send('shared', 'b', carol.key)).as(wire.Message);
  expect(second.id).not.toBe(first.id);
  const reply = await post(`/v1/agents/me/messages/${first.id}/reply`, 'shared', { body: 'c' }, alice.key);
  expect(reply.as(wire.Message).body).toBe('c');
});

test('after a day the key is free', async () => {
  const first = (await send('daily')).as(wire.Message);
  clock.advance(24 * 3_600_000 - 60_000);
  expect((await send('daily')).as(wire.Message).id).toBe(first.id);
  clock.advance(60_000);
  expect((await send('daily')).as(wire.Message).id).not.toBe(first.id);
});

test("a new key's secret is answered again, and nothing in the data folder holds it", async () => {
  const created = await post('/v1/agents', 'agent', { name: 'secretive' });
  expect((await post('/v1/agents', 'agent', { name: 'secretive' })).json).toEqual(created.json);
  const { id } = created.as(wire.RegisteredAgent).key;
  for (const [where, body] of [
    ['/v1/agents/secretive/keys', { label: 'x' }],
    [`/v1/agents/secretive/keys/${id}/rotate`, {}],
    ['/v1/enrolments', {}],
  ] as const) {
    const first = await post(where, 'secret', body);
    expect(first.status, where).toBe(201);
    expect((await post(where, 'secret', body)).json, where).toEqual(first.json);
  }
  const { secret } = created.as(wire.RegisteredAgent).key;
  for (const file of readdirSync(fixture.dataDir).filter((name) => name.startsWith('turnpost.db')))
    expect(readFileSync(path.join(fixture.dataDir, file)).includes(secret), file).toBe(false);
});

test('a code that was redeemed answers its own repetition, and nobody without the code', async () => {
  const { code } = (await fixture.call('POST', '/v1/enrolments', { body: {} })).as(wire.Enrolment);
  const where = `/v1/enrolments/${code}/agents`;
  const first = await post(where, 'redeem', {}, null);
  expect((await post(where, 'redeem', {}, null)).json).toEqual(first.json);
  expect((await post(where, 'other', {}, null)).code).toBe('expired');
});

test('the scheme of the key may be written otherwise the second time', async () => {
  const call = (scheme: string) =>
    fixture.call('POST', '/v1/agents/me/messages', {
      key: null,
      body: { to: 'bob', body: 'x' },
      headers: { authorization: `${scheme} ${alice.key}`, 'idempotency-key': 'scheme' },
    });
  const first = await call('Bearer');
  expect((await call('bearer')).json).toEqual(first.json);
});

test.each(['', 'a b', 'x'.repeat(256)])('the key "%s" is refused by name', async (key) => {
  const reply = await send(key);
  expect(reply.details).toMatchObject({ fields: [{ path: 'Idempotency-Key' }] });
});
