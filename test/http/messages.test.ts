/** Messages and threads over HTTP: sent whole or not at all, read without changing anything, acknowledged, answered. */
import { createHash, createPublicKey, type JsonWebKey } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import * as wire from '../../relay/wire.ts';
import { openFixture, type RelayFixture, type TestAgent } from '../support/relay-fixture.ts';

const MESSAGES = '/v1/agents/me/messages';
const Messages = wire.page(wire.Message);
let fixture: RelayFixture;
let alice: TestAgent;
let bob: TestAgent;

beforeAll(async () => {
  fixture = await openFixture({ env: { TURNPOST_MAX_MESSAGE: '1MiB' } });
  alice = await fixture.agent('alice', { display_name: 'Alice' });
  bob = await fixture.agent('bob');
});
afterAll(() => fixture.close());

const outboundCount = async (agent: TestAgent) =>
  (await fixture.call('GET', `${MESSAGES}?direction=outbound&limit=100`, { key: agent.key })).as(Messages).items.length;
const refused = async (body: object, key = alice.key) => {
  const before = await outboundCount(alice);
  const reply = await fixture.call('POST', MESSAGES, { key, body });
  expect(await outboundCount(alice), 'nothing is stored of a refused message').toBe(before);
  return reply;
};

describe('sending', () => {
  test('answers 201 with the message and one delivery for each recipient', async () => {
    const fields = {
      subject: 'Hi',
      type: 'task',
      priority: 'high',
      requires_response: true,
      data: { n: [1, { a: null }] },
    };
    const reply = await fixture.send(alice, ['bob', bob.address, 'person@example.com'], fields);
    expect(reply.status).toBe(201);
    const message = reply.as(wire.Message);
    expect(message).toMatchObject({
      from: { address: 'alice@turnpost.localhost', name: 'Alice', kind: 'agent' },
      to: ['bob@turnpost.localhost', 'person@example.com'],
      ...fields,
      body: 'hello',
      verified_by: 'key',
      auth: null,
      quoted: null,
      attachments: [],
      deliveries: [
        { to: 'bob@turnpost.localhost', state: 'available', attempt: 0, last_error: null },
        { to: 'person@example.com', state: 'available', attempt: 0, last_error: null },
      ],
    });
    expect(message.id).toMatch(/^msg_[0-9a-z]{26}$/);
    expect(message.thread_id).toMatch(/^thr_[0-9a-z]{26}$/);
    expect(message.deliveries?.[0]?.id).toMatch(/^dlv_[0-9a-z]{26}$/);
    expect(message.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('with one unknown recipient of several nothing is sent, and each unknown one is named', async () => {
    const reply = await refused({
      to: ['bob', 'nobody', 'person@example.com', 'nowhere@turnpost.localhost'],
      body: 'x',
    });
    expect([reply.status, reply.code]).toEqual([404, 'recipient_unknown']);
    expect(reply.details).toMatchObject({
      recipients: [
        { to: 'nobody', code: 'recipient_unknown' },
        { to: 'nowhere@turnpost.localhost', code: 'recipient_unknown' },
      ],
    });
  });

  test('what is neither a name nor an address is named', async () => {
    const reply = await refused({ to: ['bob', 'a@b@c'], body: 'x' });
    expect([reply.status, reply.code]).toEqual([422, 'invalid_request']);
    expect(reply.text).toContain('a@b@c');
  });

  test('10,000 recipients are refused', async () => {
    const to = Array.from({ length: 10_000 }, (_, n) => `person${n}@example.com`);
    const reply = await refused({ to, body: 'x' });
    expect(reply.details).toMatchObject({ fields: [{ path: 'to' }] });
  });

  test.each([
    ['subject', { subject: 'a\r\nBcc: person@example.com' }],
    ['subject', { subject: 'a\nb' }],
    ['subject', { subject: 'x'.repeat(201) }],
    ['attachments.0.filename', { attachments: [{ filename: 'a"\r\nX-A: b', content: '' }] }],
    [
      'attachments.0.content_type',
      { attachments: [{ filename: 'a', content_type: 'text/plain\r\nX: y', content: '' }] },
    ],
    ['attachments.0.content', { attachments: [{ filename: 'a', content: 'no base64!' }] }],
    ['cc.0', { cc: ['bob\r\nX: y'] }],
    ['type', { type: 'bounce' }],
    ['priority', { priority: 'highest' }],
    ['body', { body: '' }],
    ['data', { data: [1] }],
    ['expires_at', { expires_at: '2020-01-01T00:00:00Z' }],
    ['verified_by', { verified_by: 'signature' }],
    ['attachments.0.path', { attachments: [{ filename: 'a', content: '', path: '/etc/passwd' }] }],
  ])('a bad %s is refused by name', async (path, fields) => {
    const reply = await refused({ to: 'bob', body: 'x', ...fields });
    expect([reply.status, reply.code]).toEqual([422, 'invalid_request']);
    expect(reply.details?.['fields']).toContainEqual({ path, message: expect.any(String) });
  });

  test('an address with a line break in it reaches no header', async () => {
    for (const to of ['bob\r\nX: y', 'person@example.com\r\nBcc: you@example.com'])
      expect((await refused({ to, body: 'x' })).status).toBe(422);
  });

  test('a message over the limit is too large, whether by its text or by what is attached', async () => {
    const limit = 1024 * 1024;
    for (const body of [
      { to: 'bob', body: 'x'.repeat(limit + 1) },
      { to: 'bob', body: 'x', attachments: [{ filename: 'a', content: Buffer.alloc(limit).toString('base64') }] },
      { to: 'bob', body: 'x'.repeat(2 * limit) },
    ]) {
      const reply = await refused(body);
      expect([reply.status, reply.code]).toEqual([413, 'too_large']);
    }
    expect((await fixture.send(alice, 'bob', { body: 'x'.repeat(limit) })).status).toBe(201);
  });

  test('an admin key has no mail', async () => {
    const reply = await refused({ to: 'bob', body: 'x' }, fixture.adminKey);
    expect([reply.status, reply.code]).toEqual([403, 'forbidden']);
  });

  test('an answer joins the thread of a message one can see, and only such a one', async () => {
    const first = (await fixture.send(alice, 'bob')).as(wire.Message);
    const answer = (await fixture.send(bob, 'alice', { in_reply_to: first.id })).as(wire.Message);
    expect(answer).toMatchObject({ thread_id: first.thread_id, in_reply_to: first.id, type: 'response' });
    const outsider = await fixture.agent();
    for (const fields of [{ in_reply_to: first.id }, { thread_id: first.thread_id }, { in_reply_to: 'msg_none' }])
      expect((await fixture.send(outsider, 'bob', fields)).code).toBe('not_found');
    const other = (await fixture.send(alice, 'bob')).as(wire.Message);
    const both = await fixture.send(bob, 'alice', { in_reply_to: first.id, thread_id: other.thread_id });
    expect(both.details).toMatchObject({ fields: [{ path: 'thread_id' }] });
  });

  test("the signature verifies against the published key, over the body's exact bytes", async () => {
    const message = (await fixture.send(alice, 'bob', { body: 'grüße\r\n' })).as(wire.Message);
    const Jwks = z.object({ keys: z.array(z.looseObject({ kid: z.string(), kty: z.string() })) });
    const { keys } = (await fixture.call('GET', '/.well-known/jwks.json', { key: null })).as(Jwks);
    const jws = (await fixture.relay.stores.messages.find(message.id))?.jws ?? '';
    const header = jwt.decode(jws, { complete: true })?.header;
    const jwk = keys.find(({ kid }) => kid === header?.kid);
    expect(jwk, 'no private part is published').not.toHaveProperty('d');
    // A JWK by its own field kty.
    const claims = jwt.verify(jws, createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }), {
      algorithms: ['ES256'],
    });
    expect(header).toMatchObject({ alg: 'ES256', typ: 'agent-msg+jwt' });
    expect(claims).toMatchObject({
      iss: 'turnpost.localhost',
      sub: 'alice@turnpost.localhost',
      aud: ['bob@turnpost.localhost'],
      jti: message.id,
      thr: message.thread_id,
      bh: createHash('sha256').update('grüße\r\n').digest('hex'),
    });
  });
});

describe('reading', () => {
  test('GET changes nothing: not the state, not the attempt, not by list, message, attachment or thread', async () => {
    const attachments = [{ filename: 'a.txt', content: 'YQ==' }];
    const { id, thread_id } = (await fixture.send(alice, 'bob', { attachments })).as(wire.Message);
    const read = async () => (await fixture.call('GET', `${MESSAGES}/${id}`, { key: bob.key })).as(wire.Message);
    const before = await read();
    expect(before).toMatchObject({ state: 'available', attempt: 0, delivered_at: null, evidence: null, trust: 'peer' });
    for (const path of [
      MESSAGES,
      `${MESSAGES}/${id}`,
      `${MESSAGES}/${id}/attachments/0`,
      '/v1/threads',
      `/v1/threads/${thread_id}`,
    ]) {
      expect((await fixture.call('GET', path, { key: bob.key })).status, path).toBe(200);
      expect((await fixture.call('HEAD', path, { key: bob.key })).text, path).toBe('');
    }
    expect(await read()).toEqual(before);
  });

  test('the sender sees the deliveries, the recipient its own state, others nothing', async () => {
    const { id } = (await fixture.send(alice, 'bob')).as(wire.Message);
    const as = (key: string) => fixture.call('GET', `${MESSAGES}/${id}`, { key });
    expect((await as(alice.key)).as(wire.Message)).not.toHaveProperty('state');
    expect((await as(alice.key)).as(wire.Message).deliveries).toHaveLength(1);
    expect((await as(bob.key)).as(wire.Message)).not.toHaveProperty('deliveries');
    const outsider = await fixture.agent();
    expect((await as(outsider.key)).code).toBe('not_found');
    expect((await as(fixture.adminKey)).code).toBe('forbidden');
  });

  test('lists by direction, state, thread and time, newest first, in pages', async () => {
    const writer = await fixture.agent();
    const reader = await fixture.agent();
    const ids: string[] = [];
    for (const body of ['one', 'two', 'three'])
      ids.unshift((await fixture.send(writer, reader.name, { body })).as(wire.Message).id);
    const list = async (query: string, agent = reader) =>
      (await fixture.call('GET', `${MESSAGES}?${query}`, { key: agent.key })).as(Messages);
    expect((await list('')).items.map(({ id }) => id)).toEqual(ids);
    const first = await list('limit=2');
    expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const second = await list(`limit=2&cursor=${first.next_cursor}`);
    expect([second.items.map(({ id }) => id), second.next_cursor]).toEqual([ids.slice(2), null]);
    expect((await list('direction=outbound')).items).toEqual([]);
    expect((await list('direction=outbound', writer)).items).toHaveLength(3);
    expect((await list('direction=all', writer)).items).toHaveLength(3);
    expect((await list('state=delivered')).items).toEqual([]);
    expect((await list(`thread_id=${first.items[0]?.thread_id}`)).items).toHaveLength(1);
    expect((await list(`since=${encodeURIComponent('2100-01-01T00:00:00+01:00')}`)).items).toEqual([]);
    for (const query of ['direction=up', 'state=gone', 'since=yesterday'])
      expect((await fixture.call('GET', `${MESSAGES}?${query}`, { key: reader.key })).status).toBe(422);
    expect((await fixture.call('GET', `${MESSAGES}?cursor=!`, { key: reader.key })).code).toBe('invalid_cursor');
  });

  test('an attachment comes back byte for byte, is never shown inline, and is not for others', async () => {
    const content = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
    const attachments = [
      { filename: 'page.html', content_type: 'text/html', content: content.toString('base64') },
      { filename: '../../etc/passwd', content: '' },
    ];
    const message = (await fixture.send(alice, 'bob', { attachments })).as(wire.Message);
    expect(message.attachments).toEqual([
      {
        index: 0,
        filename: 'page.html',
        content_type: 'text/html',
        size: 256,
        sha256: createHash('sha256').update(content).digest('hex'),
      },
      expect.objectContaining({
        index: 1,
        filename: '../../etc/passwd',
        content_type: 'application/octet-stream',
        size: 0,
      }),
    ]);
    const read = (n: number | string, key = bob.key) =>
      fixture.call('GET', `${MESSAGES}/${message.id}/attachments/${n}`, { key });
    const reply = await read(0);
    expect(reply.bytes).toEqual(content);
    expect(reply.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment',
      'x-content-type-options': 'nosniff',
    });
    expect((await read(1)).bytes).toHaveLength(0);
    for (const n of [2, -1, 'x', '0x0', '99999']) expect((await read(n)).code, String(n)).toBe('not_found');
    expect((await read(0, (await fixture.agent()).key)).code).toBe('not_found');
  });

  test('threads are those one is in, with what one may see', async () => {
    const first = (await fixture.send(alice, 'bob', { subject: 'Plan' })).as(wire.Message);
    await fixture.call('POST', `${MESSAGES}/${first.id}/reply`, { key: bob.key, body: { body: 'yes' } });
    const { items } = (await fixture.call('GET', '/v1/threads?limit=1', { key: bob.key })).as(wire.page(wire.Thread));
    expect(items).toMatchObject([{ id: first.thread_id, subject: 'Plan', message_count: 2 }]);
    const thread = (await fixture.call('GET', `/v1/threads/${first.thread_id}`, { key: alice.key })).as(
      wire.ThreadWithMessages,
    );
    expect(thread.messages.map(({ body, subject }) => [body, subject])).toEqual([
      ['hello', 'Plan'],
      ['yes', 'Re: Plan'],
    ]);
    const outsider = await fixture.agent();
    expect((await fixture.call('GET', `/v1/threads/${first.thread_id}`, { key: outsider.key })).code).toBe('not_found');
  });
});

describe('acknowledging and answering', () => {
  test('an acknowledgement is evidence; a second one gets the same answer', async () => {
    const { id } = (await fixture.send(alice, 'bob')).as(wire.Message);
    await fixture.call('POST', '/v1/agents/me/leases', { key: bob.key, body: { max: 100 } });
    const ack = () => fixture.call('POST', `${MESSAGES}/${id}/ack`, { key: bob.key });
    const first = await ack();
    expect(first.as(wire.Message)).toMatchObject({ state: 'delivered', evidence: 'ack' });
    expect((await ack()).json).toEqual(first.json);
    const sent = (await fixture.call('GET', `${MESSAGES}/${id}`, { key: alice.key })).as(wire.Message);
    expect(sent.deliveries?.[0]?.state).toBe('delivered');
  });

  test('only a recipient acknowledges; a body there holds no fields', async () => {
    const { id } = (await fixture.send(alice, 'bob')).as(wire.Message);
    expect((await fixture.call('POST', `${MESSAGES}/${id}/ack`, { key: alice.key })).code).toBe('not_found');
    const reply = await fixture.call('POST', `${MESSAGES}/${id}/ack`, { key: bob.key, body: { evidence: 'x' } });
    expect(reply.details).toEqual({ fields: [{ path: 'evidence', message: 'there is no such field' }] });
  });

  test('a reply goes to the sender, and confirms what it answers', async () => {
    const { id } = (await fixture.send(alice, 'bob', { subject: 'Q' })).as(wire.Message);
    const reply = await fixture.call('POST', `${MESSAGES}/${id}/reply`, {
      key: bob.key,
      body: { body: 'A', data: { ok: true } },
    });
    expect(reply.status).toBe(201);
    expect(reply.as(wire.Message)).toMatchObject({
      to: ['alice@turnpost.localhost'],
      in_reply_to: id,
      type: 'response',
      data: { ok: true },
    });
    const answered = (await fixture.call('GET', `${MESSAGES}/${id}`, { key: bob.key })).as(wire.Message);
    expect(answered).toMatchObject({ state: 'delivered', evidence: 'reply' });
    expect(
      (await fixture.call('POST', `${MESSAGES}/${id}/reply`, { key: bob.key, body: { body: 'x', to: 'bob' } })).status,
    ).toBe(422);
  });

  test('a message to be sent by email waits in the outbox, readable, in pages', async () => {
    const { id } = (await fixture.send(alice, 'you@example.com', { subject: 'Out', body: 'by email' })).as(
      wire.Message,
    );
    const Outbox = wire.page(wire.OutboxItem);
    const { items, next_cursor } = (await fixture.call('GET', '/v1/outbox?limit=1')).as(Outbox);
    expect(items).toMatchObject([
      { message_id: id, state: 'available', envelope: { to: 'you@example.com' }, headers: { subject: 'Out' } },
    ]);
    expect(items[0]?.text).toContain('by email');
    expect(next_cursor).not.toBeNull();
    expect((await fixture.call('GET', `/v1/outbox?cursor=${next_cursor}`)).as(Outbox).items.length).toBeGreaterThan(0);
    expect((await fixture.call('GET', '/v1/outbox', { key: alice.key })).code).toBe('forbidden');
    expect((await fixture.call('GET', '/v1/outbox?cursor=-')).code).toBe('invalid_cursor');
  });
});
