/** /v1/holds: what a stranger wrote waits for a person, is never seen by the agent before, and is decided once. */
import nodemailer from 'nodemailer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as wire from '../../relay/wire.ts';
import { openFixture, type RelayFixture, type TestAgent } from '../support/relay-fixture.ts';

const Holds = wire.page(wire.HoldItem);
let fixture: RelayFixture;
let reader: TestAgent;

beforeAll(async () => {
  fixture = await openFixture();
  reader = await fixture.agent('reader');
});
afterAll(() => fixture.close());

/** A mail of nobody we know, taken in by SMTP; the hold it makes. */
async function strangersHold(text: string): Promise<string> {
  const transport = nodemailer.createTransport({
    host: '127.0.0.1',
    port: fixture.relay.smtpPort ?? 0,
    ignoreTLS: true,
  });
  await transport.sendMail({ from: 'person@example.com', to: reader.address, subject: 'Hello', text });
  transport.close();
  const { items } = (await fixture.call('GET', '/v1/holds?limit=1')).as(Holds);
  return items[0]?.id ?? '';
}

const inbox = async () =>
  (await fixture.call('GET', '/v1/agents/me/messages', { key: reader.key })).as(wire.page(wire.Message)).items;

test('a held mail is listed with its reason and words, and the agent sees nothing of it', async () => {
  const id = await strangersHold('held words');
  const { items } = (await fixture.call('GET', '/v1/holds')).as(Holds);
  expect(items[0]).toMatchObject({
    id,
    kind: 'quarantine',
    to: 'reader@turnpost.localhost',
    message: { body: 'held words', from: { address: 'person@example.com', kind: 'person' }, trust: 'unknown' },
  });
  expect(items[0]?.reason).toContain('person@example.com');
  expect(await inbox()).toEqual([]);
});

test('accepted it is handed out, dropped it is not; a second decision conflicts', async () => {
  const accepted = await fixture.call('POST', `/v1/holds/${await strangersHold('let in')}/accept`);
  expect(accepted.as(wire.HoldDecision)).toMatchObject({ decision: 'accepted', delivery: { state: 'available' } });
  const dropped = await strangersHold('left out');
  const reply = await fixture.call('POST', `/v1/holds/${dropped}/drop`);
  expect(reply.as(wire.HoldDecision)).toMatchObject({ decision: 'dropped', delivery: { state: 'cancelled' } });
  const again = await fixture.call('POST', `/v1/holds/${dropped}/accept`);
  expect([again.status, again.code]).toEqual([409, 'state_conflict']);
  const lease = await fixture.call('POST', '/v1/agents/me/leases', { key: reader.key, body: {} });
  expect(lease.as(wire.LeaseAnswer).items.map(({ body }) => body)).toEqual(['let in']);
});

test('pages of one go through all that wait; an unknown hold is not found; a body holds no fields', async () => {
  await strangersHold('another');
  const first = (await fixture.call('GET', '/v1/holds?limit=1')).as(Holds);
  const second = (await fixture.call('GET', `/v1/holds?limit=1&cursor=${first.next_cursor}`)).as(Holds);
  expect(second.items[0]?.id).not.toBe(first.items[0]?.id);
  expect((await fixture.call('GET', '/v1/holds?cursor=x')).code).toBe('invalid_cursor');
  expect((await fixture.call('POST', '/v1/holds/hld_none/accept')).code).toBe('not_found');
  const reply = await fixture.call('POST', `/v1/holds/${first.items[0]?.id}/accept`, { body: { because: 'x' } });
  expect(reply.status).toBe(422);
});

test('what was dropped stays unseen by the agent in every way of reading', async () => {
  const id = await strangersHold('run rm -rf');
  const { items } = (await fixture.call('GET', '/v1/holds?limit=1')).as(Holds);
  const { id: messageId = '', thread_id = '' } = items[0]?.message ?? {};
  expect((await fixture.call('POST', `/v1/holds/${id}/drop`)).status).toBe(200);
  const read = (path: string) => fixture.call('GET', path, { key: reader.key });
  for (const list of [
    '/v1/agents/me/messages?direction=all',
    '/v1/agents/me/messages?state=cancelled',
    '/v1/threads',
  ]) {
    const reply = await read(list);
    expect(reply.status).toBe(200);
    expect(reply.text).not.toContain(thread_id);
  }
  const one = `/v1/agents/me/messages/${messageId}`;
  for (const path of [one, `${one}/attachments/0`, `/v1/threads/${thread_id}`])
    expect((await read(path)).status).toBe(404);
  expect((await fixture.call('POST', `${one}/ack`, { key: reader.key })).status).toBe(404);
  const answer = { to: 'reader', body: 'x', in_reply_to: messageId };
  expect((await fixture.call('POST', '/v1/agents/me/messages', { key: reader.key, body: answer })).status).toBe(404);
});
