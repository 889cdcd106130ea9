/** Leases over HTTP: the long poll in all its ends, giving back, and no waiter left behind. */
import http from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as wire from '../../relay/wire.ts';
import { openFixture, type RelayFixture, type Reply, type TestAgent } from '../support/relay-fixture.ts';

let fixture: RelayFixture;
let sender: TestAgent;

beforeAll(async () => {
  fixture = await openFixture();
  sender = await fixture.agent('sender');
});
afterAll(() => fixture.close());

const LEASES = '/v1/agents/me/leases';
const lease = (agent: TestAgent, body: object = {}, signal?: AbortSignal): Promise<Reply> =>
  fixture.call('POST', LEASES, { key: agent.key, body, ...(signal && { signal }) });
const waiters = () => fixture.metric('turnpost_waiters');
const untilWaiting = (count: number) => expect.poll(waiters).toBe(count);

test('nothing there: an empty answer at once', async () => {
  const reply = await lease(await fixture.agent(), { session_id: 's1' });
  expect([reply.status, reply.json]).toEqual([200, { lease_id: null, lease_expires_at: null, items: [], holding: [] }]);
});

test('what is there is leased, urgent first, up to `max`', async () => {
  const reader = await fixture.agent();
  for (const fields of [{ body: 'one' }, { body: 'two' }, { body: 'now', priority: 'urgent' }])
    await fixture.send(sender, reader.name, fields);
  const first = (await lease(reader, { session_id: 's1', max: 2, lease: '1h' })).as(wire.LeaseAnswer);
  expect(first.items.map(({ body, state, attempt }) => [body, state, attempt])).toEqual([
    ['now', 'leased', 1],
    ['one', 'leased', 1],
  ]);
  expect(first.lease_id).toMatch(/^lse_[0-9a-z]{26}$/);
  const minutes = (Date.parse(first.lease_expires_at ?? '') - Date.now()) / 60_000;
  expect(minutes).toBeGreaterThan(58);
  const second = (await lease(reader, { session_id: 's1' })).as(wire.LeaseAnswer);
  expect(second.items.map(({ body }) => body)).toEqual(['two']);
  expect(second.holding.toSorted()).toEqual(first.items.map(({ id }) => id).toSorted());
});

test.each([
  ['max', { max: 0 }],
  ['max', { max: 101 }],
  ['wait', { wait: '11m' }],
  ['wait', { wait: 'long' }],
  ['lease', { lease: '25h' }],
  ['session_id', { session_id: 'a\nb' }],
  ['session', { session: 's' }],
])('a bad %s is refused by name', async (path, body) => {
  const reply = await lease(sender, body);
  expect([reply.status, reply.code]).toEqual([422, 'invalid_request']);
  expect(reply.details).toMatchObject({ fields: [{ path }] });
});

test('a long poll is woken by a send', async () => {
  const reader = await fixture.agent();
  const polled = lease(reader, { wait: '1m' });
  await untilWaiting(1);
  await fixture.send(sender, reader.name, { body: 'wake' });
  expect((await polled).as(wire.LeaseAnswer).items.map(({ body }) => body)).toEqual(['wake']);
  await untilWaiting(0);
});

test('of two that wait for one message, one gets it and the other waits on', async () => {
  const reader = await fixture.agent();
  const hangUp = new AbortController();
  const polls = [1, 2].map(() => lease(reader, { wait: '1m' }, hangUp.signal));
  await untilWaiting(2);
  await fixture.send(sender, reader.name);
  expect((await Promise.race(polls)).as(wire.LeaseAnswer).items).toHaveLength(1);
  await untilWaiting(1);
  hangUp.abort();
  await Promise.allSettled(polls);
  await untilWaiting(0);
});

test('a long poll ends at its time, empty', async () => {
  const reply = await lease(await fixture.agent(), { wait: '50ms' });
  expect(reply.as(wire.LeaseAnswer).items).toEqual([]);
  expect(await waiters()).toBe(0);
});

test('a long poll ends with 401 when its key is revoked meanwhile', async () => {
  const reader = await fixture.agent();
  const polled = lease(reader, { wait: '1m' });
  await untilWaiting(1);
  await fixture.call('DELETE', `/v1/agents/${reader.name}/keys/${reader.keyId}`);
  const reply = await polled;
  expect([reply.status, reply.code]).toEqual([401, 'unauthorized']);
  expect(await waiters()).toBe(0);
});

test('a long poll ends with 401 when its agent is deleted meanwhile', async () => {
  const reader = await fixture.agent();
  const polled = lease(reader, { wait: '1m' });
  await untilWaiting(1);
  await fixture.call('DELETE', `/v1/agents/${reader.name}`);
  expect((await polled).status).toBe(401);
});

test('a caller that hangs up leaves no waiter, and mail that comes later is not leased for it', async () => {
  const reader = await fixture.agent();
  const hangUp = new AbortController();
  const polled = lease(reader, { wait: '1m' }, hangUp.signal).catch(() => 'hung up');
  await untilWaiting(1);
  hangUp.abort();
  expect(await polled).toBe('hung up');
  await untilWaiting(0);
  await fixture.send(sender, reader.name);
  expect((await lease(reader)).as(wire.LeaseAnswer).items).toMatchObject([{ attempt: 1 }]);
});

test('a lease given back makes its mail available again, once; a stale or foreign id changes nothing', async () => {
  const reader = await fixture.agent();
  await fixture.send(sender, reader.name);
  const first = (await lease(reader)).as(wire.LeaseAnswer);
  const release = (key = reader.key) => fixture.call('POST', `${LEASES}/${first.lease_id}/release`, { key });
  const foreign = await release(sender.key);
  expect([foreign.status, foreign.code]).toEqual([409, 'state_conflict']);
  expect((await release()).json).toEqual({ released: 1 });
  const second = (await lease(reader)).as(wire.LeaseAnswer);
  expect(second.items).toMatchObject([{ id: first.items[0]?.id, attempt: 2 }]);
  const stale = await release();
  expect([stale.status, stale.code]).toEqual([409, 'state_conflict']);
  const read = await fixture.call('GET', `/v1/agents/me/messages/${first.items[0]?.id}`, { key: reader.key });
  expect(read.as(wire.Message).state).toBe('leased');
});

test('asking again with `confirm_previous` is evidence for what the same session was handed before', async () => {
  const reader = await fixture.agent();
  await fixture.send(sender, reader.name);
  const [item] = (await lease(reader, { session_id: 's1' })).as(wire.LeaseAnswer).items;
  await lease(reader, { session_id: 's2', confirm_previous: true });
  const state = async () =>
    (await fixture.call('GET', `/v1/agents/me/messages/${item?.id}`, { key: reader.key })).as(wire.Message);
  expect((await state()).state).toBe('leased');
  await lease(reader, { session_id: 's1', confirm_previous: true });
  expect(await state()).toMatchObject({ state: 'delivered', evidence: 'asked_again' });
});

test('a relay that stops ends long polls with an empty answer, also on kept-alive connections', async () => {
  await using other = await openFixture();
  const reader = await other.agent();
  const agent = new http.Agent({ keepAlive: true });
  const polled = other.call('POST', LEASES, { key: reader.key, body: { wait: '1m' }, agent });
  await expect.poll(() => other.metric('turnpost_waiters')).toBe(1);
  const startedAt = Date.now();
  await other.relay.close();
  const reply = await polled;
  expect([reply.status, reply.headers.connection]).toEqual([200, 'close']);
  expect(Date.now() - startedAt).toBeLessThan(4_000);
});
