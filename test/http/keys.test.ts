/** Keys over HTTP: issued, rotated, revoked; dead ones are all alike, everywhere, at once. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as wire from '../../relay/wire.ts';
import { openFixture, type RelayFixture, ShiftedClock, type TestAgent } from '../support/relay-fixture.ts';

const clock = new ShiftedClock();
let fixture: RelayFixture;
let agent: TestAgent;

beforeAll(async () => {
  fixture = await openFixture({ clock });
  agent = await fixture.agent('holder');
});
afterAll(() => fixture.close());

const issue = async (body: object = {}) =>
  (await fixture.call('POST', '/v1/agents/holder/keys', { body })).as(wire.NewKey);
const statusOf = async (key: string | null, headers = {}) =>
  (await fixture.call('GET', '/v1/agents/me', { key, headers })).status;

test.each([null, 'tp_agent_unknown', '', 'x'.repeat(300)])(
  'the key %s is unauthorized, with the scheme named',
  async (key) => {
    const reply = await fixture.call('GET', '/v1/agents/me', { key });
    expect([reply.status, reply.code]).toEqual([401, 'unauthorized']);
    expect(reply.headers['www-authenticate']).toMatch(/^Bearer/);
  },
);

test('the scheme is read in any case, another scheme is no key', async () => {
  expect(await statusOf(null, { authorization: `bearer ${agent.key}` })).toBe(200);
  expect(await statusOf(null, { authorization: `Basic ${agent.key}` })).toBe(401);
});

test('an issued key works until it expires', async () => {
  const key = await issue({ expires_at: new Date(clock.now() + 60_000).toISOString(), label: 'short' });
  expect(key).toMatchObject({ scope: 'agent', label: 'short' });
  expect(await statusOf(key.secret)).toBe(200);
  clock.advance(60_000);
  expect(await statusOf(key.secret)).toBe(401);
});

test('a time that is over, or is none, is refused', async () => {
  for (const expires_at of ['2020-01-01T00:00:00Z', '2027-02-30T00:00:00Z', 'tomorrow']) {
    const reply = await fixture.call('POST', '/v1/agents/holder/keys', { body: { expires_at } });
    expect(reply.details, expires_at).toMatchObject({ fields: [{ path: 'expires_at' }] });
  }
});

test('an issued admin key is one', async () => {
  const key = await issue({ scope: 'admin' });
  expect(key.secret).toMatch(/^tp_admin_/);
  expect((await fixture.call('GET', '/v1/outbox', { key: key.secret })).status).toBe(200);
});

test('a revoked key is dead at once and cannot be revoked again', async () => {
  const key = await issue();
  const path = `/v1/agents/holder/keys/${key.id}`;
  const reply = await fixture.call('DELETE', `${path}?reason=left`);
  expect(reply.as(wire.RevokedKey).id).toBe(key.id);
  expect(await statusOf(key.secret)).toBe(401);
  const again = await fixture.call('DELETE', path);
  expect([again.status, again.code]).toEqual([409, 'state_conflict']);
  const rotate = await fixture.call('POST', `${path}/rotate`, { body: {} });
  expect([rotate.status, rotate.code]).toEqual([409, 'state_conflict']);
});

test('after a rotation both keys live for the grace time, then only the new one', async () => {
  const old = await issue();
  const reply = await fixture.call('POST', `/v1/agents/me/keys/${old.id}/rotate`, {
    key: old.secret,
    body: { grace: '5m' },
  });
  expect(reply.status).toBe(201);
  const next = reply.as(wire.NewKey);
  expect(await statusOf(old.secret)).toBe(200);
  clock.advance(5 * 60_000);
  expect(await statusOf(old.secret)).toBe(401);
  expect(await statusOf(next.secret)).toBe(200);
});

test('a rotation without a body leaves ten minutes, one with 0s none', async () => {
  const first = await issue();
  const second = (await fixture.call('POST', `/v1/agents/holder/keys/${first.id}/rotate`)).as(wire.NewKey);
  clock.advance(9 * 60_000);
  expect(await statusOf(first.secret)).toBe(200);
  clock.advance(60_000);
  expect(await statusOf(first.secret)).toBe(401);
  await fixture.call('POST', `/v1/agents/holder/keys/${second.id}/rotate`, { body: { grace: '0s' } });
  expect(await statusOf(second.secret)).toBe(401);
});

test('a rotated key dies when the old one was to', async () => {
  const expires_at = new Date(clock.now() + 60_000).toISOString();
  const path = '/v1/agents/holder/keys';
  const old = (await fixture.call('POST', path, { body: { expires_at } })).as(wire.NewKey);
  const next = (await fixture.call('POST', `${path}/${old.id}/rotate`, { body: {} })).as(wire.NewKey);
  expect(next.expires_at).toBe(expires_at);
  clock.advance(60_000);
  expect(await statusOf(next.secret)).toBe(401);
});

test('an admin key that was issued is revoked like any other', async () => {
  const admin = (await fixture.call('POST', '/v1/agents/holder/keys', { body: { scope: 'admin' } })).as(wire.NewKey);
  expect((await fixture.call('GET', '/v1/holds', { key: admin.secret })).status).toBe(200);
  expect((await fixture.call('DELETE', `/v1/agents/holder/keys/${admin.id}`)).status).toBe(200);
  expect((await fixture.call('GET', '/v1/holds', { key: admin.secret })).status).toBe(401);
});

test('a grace time that is no date any more is refused', async () => {
  const { id } = await issue();
  const reply = await fixture.call('POST', `/v1/agents/holder/keys/${id}/rotate`, { body: { grace: '999999999d' } });
  expect(reply.details).toEqual({ fields: [{ path: 'grace', message: 'must be at most 30d' }] });
});

test("an agent may neither issue nor revoke keys, nor rotate another's", async () => {
  const other = await fixture.agent('other');
  const forbidden = [
    ['POST', '/v1/agents/me/keys', {}],
    ['DELETE', `/v1/agents/me/keys/${agent.keyId}`, undefined],
    ['POST', `/v1/agents/other/keys/${other.keyId}/rotate`, {}],
  ] as const;
  for (const [method, path, body] of forbidden) {
    const reply = await fixture.call(method, path, { key: agent.key, body });
    expect([reply.status, reply.code], path).toEqual([403, 'forbidden']);
  }
});

test("a key is found only under its own agent's name", async () => {
  const other = await fixture.agent('stranger');
  for (const [method, path] of [
    ['DELETE', `/v1/agents/stranger/keys/${agent.keyId}`],
    ['POST', `/v1/agents/me/keys/${other.keyId}/rotate`],
  ] as const) {
    const reply = await fixture.call(method, path, { key: method === 'POST' ? agent.key : fixture.adminKey });
    expect([reply.status, reply.code]).toEqual([404, 'not_found']);
  }
  expect(await statusOf(agent.key)).toBe(200);
});

test('what a compromised key sent and nobody has is held, and can be accepted once', async () => {
  const thief = await fixture.agent('thief');
  const reader = await fixture.agent('reader');
  await fixture.send(thief, 'reader');
  await fixture.call('DELETE', `/v1/agents/thief/keys/${thief.keyId}?reason=compromised`);
  const leased = await fixture.call('POST', '/v1/agents/me/leases', { key: reader.key, body: {} });
  expect(leased.as(wire.LeaseAnswer).items).toEqual([]);
  const { items } = (await fixture.call('GET', '/v1/holds')).as(wire.page(wire.HoldItem));
  expect(items).toMatchObject([{ to: 'reader@turnpost.localhost', message: { body: 'hello' } }]);
  expect(items[0]?.id).toMatch(/^hld_[0-9a-z]{26}$/);
  const accepted = await fixture.call('POST', `/v1/holds/${items[0]?.id}/accept`);
  expect(accepted.as(wire.HoldDecision)).toMatchObject({ decision: 'accepted', delivery: { state: 'available' } });
  const dropped = await fixture.call('POST', `/v1/holds/${items[0]?.id}/drop`);
  expect([dropped.status, dropped.code]).toEqual([409, 'state_conflict']);
});
