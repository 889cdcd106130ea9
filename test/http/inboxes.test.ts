/** /v1/inboxes: made within quotas, filled by real SMTP, waited for, read, and nobody else's. */
import nodemailer from 'nodemailer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { networkOf } from '../../relay/http/route.ts';
import * as wire from '../../relay/wire-inboxes.ts';
import { DAY, HOUR, MINUTE } from '../support/manual-clock.ts';
import { openFixture, type RelayFixture, ShiftedClock, type TestAgent } from '../support/relay-fixture.ts';

let fixture: RelayFixture;
let agent: TestAgent;
const clock = new ShiftedClock();

beforeAll(async () => {
  fixture = await openFixture({
    clock,
    env: {
      TURNPOST_INBOX_QUOTA: 'inboxes=4 messages=3 life=2d hourly=1000',
      TURNPOST_ANONYMOUS_INBOXES: 'on',
      TURNPOST_ANONYMOUS_INBOX_QUOTA: 'inboxes=2, messages=1, life=30m, hourly=3',
    },
  });
  agent = await fixture.agent('alice');
});
afterAll(() => fixture.close());

const NO_KEY = null;
const create = async (key: string | null = agent.key, body: object = {}) =>
  (await fixture.call('POST', '/v1/inboxes', { key, body })).as(wire.CreatedInbox);
const at = (address: string, rest = '') => `/v1/inboxes/${encodeURIComponent(address)}${rest}`;
const remove = (address: string, key: string | null = agent.key) => fixture.call('DELETE', at(address), { key });
const list = async (address: string, query = '', key: string | null = agent.key) =>
  (await fixture.call('GET', at(address, `/messages${query}`), { key })).as(wire.InboxMails).items;
const wait = (address: string, body: object, key: string | null = agent.key) =>
  fixture.call('POST', at(address, '/wait'), { key, body });

interface Letter {
  readonly from?: string;
  readonly subject?: string;
  readonly text?: string;
  readonly html?: string;
  readonly attachments?: { readonly filename: string; readonly content: string }[];
}

async function mail(to: string | string[], letter: Letter = {}) {
  const transport = nodemailer.createTransport({
    host: '127.0.0.1',
    port: fixture.relay.smtpPort ?? 0,
    ignoreTLS: true,
  });
  try {
    const from = 'no-reply@example.com';
    return await transport.sendMail({ from, to, subject: 'Welcome', text: 'Your code is 482913.', ...letter });
  } finally {
    transport.close();
  }
}

describe('an inbox', () => {
  test('has a friendly address, lives an hour, is listed with its counts, and is gone when deleted', async () => {
    const made = await create(agent.key, { label: 'a sign-up' });
    expect(made.address).toMatch(/^[a-z]+-[a-z]+-[1-9][0-9]@turnpost\.localhost$/);
    expect(made).toMatchObject({
      owner_type: 'agent',
      label: 'a sign-up',
      state: 'live',
      token: null,
      max_messages: 3,
    });
    expect(Date.parse(made.expires_at) - Date.parse(made.created_at)).toBe(HOUR);
    await mail(made.address);
    const { items } = (await fixture.call('GET', '/v1/inboxes', { key: agent.key })).as(wire.Inboxes);
    expect(items).toMatchObject([{ address: made.address, message_count: 1, unread_count: 1 }]);
    expect((await remove(made.address)).json).toEqual({ deleted: true, address: made.address });
    for (const [method, rest] of [
      ['GET', ''],
      ['GET', '/messages'],
      ['DELETE', ''],
    ] as const) {
      expect((await fixture.call(method, at(made.address, rest), { key: agent.key })).code).toBe('not_found');
    }
    await expect(mail(made.address)).rejects.toMatchObject({ responseCode: 550 });
  });

  test('is made once under one Idempotency-Key', async () => {
    const options = { key: agent.key, body: { ttl_minutes: 5 }, headers: { 'idempotency-key': 'once' } };
    const [one, two] = [
      await fixture.call('POST', '/v1/inboxes', options),
      await fixture.call('POST', '/v1/inboxes', options),
    ];
    expect(one.json).toEqual(two.json);
    await remove(one.as(wire.CreatedInbox).address);
  });

  test('unknown fields, a life of no minutes and a query nobody knows are refused by name', async () => {
    const bad = await fixture.call('POST', '/v1/inboxes', { key: agent.key, body: { ttl_minutes: 0, ttl: 5 } });
    expect([bad.status, bad.code]).toEqual([422, 'invalid_request']);
    expect(bad.details?.['fields']).toMatchObject([{ path: 'ttl_minutes' }, { path: 'ttl' }]);
    expect((await fixture.call('GET', '/v1/inboxes?state=live', { key: agent.key })).code).toBe('invalid_request');
  });

  test('that expires takes no mail from that minute on, can be read until its time of keeping is over, then is gone', async () => {
    const made = await create(agent.key, { ttl_minutes: 1 });
    await mail(made.address);
    clock.advance(MINUTE);
    await expect(mail(made.address)).rejects.toMatchObject({ responseCode: 550 });
    expect((await fixture.call('GET', at(made.address), { key: agent.key })).json).toMatchObject({ state: 'expired' });
    expect(await list(made.address)).toHaveLength(1);
    expect((await wait(made.address, { timeout: '1m' })).code).toBe('expired');
    clock.advance(DAY);
    expect((await fixture.call('GET', at(made.address), { key: agent.key })).code).toBe('not_found');
    await expect.poll(() => fixture.relay.stores.inboxes.prune(clock.now() - DAY), { timeout: 10_000 }).toBe(0);
  });
});

describe('its mail', () => {
  test('is listed without text, read on request, and its attachments are fetched by number', async () => {
    const { address } = await create();
    const attachments = [{ filename: 'terms.txt', content: 'the terms' }];
    await mail(address, {
      from: 'Example <no-reply@example.com>',
      html: '<p>Your code is <b>482913</b>.</p>',
      attachments,
    });
    const [item] = await list(address);
    expect(item).toMatchObject({
      inbox: address,
      from: { address: 'no-reply@example.com', name: 'Example' },
      subject: 'Welcome',
      read_at: null,
      author_proven: false,
      attachments: [{ index: 0, filename: 'terms.txt', size: 9 }],
    });
    expect(item).not.toHaveProperty('text');
    expect(item?.auth).not.toBeNull();
    const id = item?.id ?? '';
    expect(id).toMatch(/^eml_[0-9a-z]{26}$/);
    const seen = await fixture.call('GET', at(address, `/messages/${id}`), { key: agent.key });
    expect(seen.as(wire.WholeInboxMail)).toMatchObject({ text: expect.stringContaining('482913'), read_at: null });
    const read = await fixture.call('POST', at('any', `/messages/${id}/read`), { key: agent.key, body: {} });
    expect(read.as(wire.WholeInboxMail).read_at).not.toBeNull();
    expect((await list(address))[0]?.read_at).not.toBeNull();
    const file = await fixture.call('GET', at(address, `/messages/${id}/attachments/0`), { key: agent.key });
    expect([file.text, file.headers['content-type']]).toEqual(['the terms', 'application/octet-stream']);
    expect((await fixture.call('GET', at(address, `/messages/${id}/attachments/1`), { key: agent.key })).status).toBe(
      404,
    );
    const code = await fixture.call('POST', at('any', `/messages/${id}/extract-code`), { key: agent.key, body: {} });
    expect(code.as(wire.ExtractedCode)).toMatchObject({ message_id: id, code: '482913', confidence: 'high' });
    await remove(address);
  });

  test('a link is found, those of preferred domains first', async () => {
    const { address } = await create();
    const links = ['https://a.example.com/verify?token=1', 'https://login.example.net/confirm?token=2'];
    await mail(address, { text: `Confirm your address:\n${links.join('\n')}\nhttps://example.com/unsubscribe` });
    const [item] = await list(address);
    const extract = async (body: object) =>
      (await fixture.call('POST', at(address, `/messages/${item?.id}/extract-link`), { key: agent.key, body })).as(
        wire.ExtractedLink,
      );
    expect(await extract({})).toMatchObject({ link: { url: links[0] }, alternatives: [{ url: links[1] }] });
    expect((await extract({ preferred_domains: ['example.net'] })).link).toMatchObject({ domain: 'login.example.net' });
    await remove(address);
  });

  test('from machines is welcome, wakes no agent and is held by nobody', async () => {
    const { address } = await create();
    const raw = `From: no-reply@example.com\r\nTo: ${address}\r\nAuto-Submitted: auto-generated\r\nPrecedence: bulk\r\nList-Id: <x.example.com>\r\nSubject: x\r\nMessage-ID: <1@example.com>\r\n\r\nYour code is 482913\r\n`;
    const transport = nodemailer.createTransport({
      host: '127.0.0.1',
      port: fixture.relay.smtpPort ?? 0,
      ignoreTLS: true,
    });
    await transport.sendMail({ envelope: { from: '', to: [address] }, raw });
    await transport.sendMail({ envelope: { from: '', to: [address] }, raw });
    transport.close();
    expect(await list(address), 'the same mail twice is one').toHaveLength(1);
    const inbound = await fixture.call('GET', '/v1/agents/me/messages', { key: agent.key });
    expect(inbound.json).toMatchObject({ items: [] });
    expect((await fixture.call('GET', '/v1/holds')).json).toMatchObject({ items: [] });
    await remove(address);
  });

  test('that answers an agent, but is sent to the inbox alone, does not reach the agent', async () => {
    const { address } = await create();
    await fixture.send(agent, 'person@example.com', { subject: 'Question' });
    const outbox = await fixture.call('GET', '/v1/outbox');
    const reference = JSON.stringify(outbox.json).match(/<tp\.[^>]+>/)?.[0] ?? '';
    expect(reference).not.toBe('');
    const raw = `From: person@example.com\r\nTo: ${address}\r\nIn-Reply-To: ${reference}\r\nSubject: Re: x\r\n\r\nhello\r\n`;
    const transport = nodemailer.createTransport({
      host: '127.0.0.1',
      port: fixture.relay.smtpPort ?? 0,
      ignoreTLS: true,
    });
    await transport.sendMail({ envelope: { from: 'person@example.com', to: [address] }, raw });
    transport.close();
    expect(await list(address)).toHaveLength(1);
    expect((await fixture.call('GET', '/v1/holds')).json).toMatchObject({ items: [] });
    await remove(address);
  });

  test('that cannot be taken apart is there all the same, and says why', async () => {
    const { address } = await create();
    const raw = `Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(600)}--b--\r\n`;
    const transport = nodemailer.createTransport({
      host: '127.0.0.1',
      port: fixture.relay.smtpPort ?? 0,
      ignoreTLS: true,
    });
    await transport.sendMail({ envelope: { from: 'x@example.com', to: [address] }, raw });
    transport.close();
    expect((await list(address))[0]).toMatchObject({
      from: null,
      notes: [expect.stringMatching(/could not be taken in/)],
    });
    await remove(address);
  });
});

describe('waiting', () => {
  test('gives what comes while it waits, and never what was there', async () => {
    const { address } = await create();
    await mail(address, { subject: 'old' });
    expect((await wait(address, { timeout: '100ms' })).json).toMatchObject({ items: [] });
    const [one, two] = [wait(address, { timeout: '20s' }), wait(address, { timeout: '20s', subject: 'NEW' })];
    await expect.poll(() => fixture.metric('turnpost_waiters')).toBeGreaterThanOrEqual(2);
    await mail(address, { subject: 'new' });
    const answers = (await Promise.all([one, two])).map((reply) => reply.as(wire.InboxWaitAnswer));
    expect(answers.map(({ items }) => items.map(({ subject }) => subject))).toEqual([['new'], ['new']]);
    const since = answers[0]?.since;
    expect((await wait(address, { timeout: '1ms', since })).json).toEqual({ items: [], since });
    await remove(address);
  });

  test('with a time or a position of before gives what came since, by author and subject', async () => {
    const { address } = await create();
    const before = (await wait(address, { timeout: '1ms' })).as(wire.InboxWaitAnswer).since;
    await mail(address, { subject: 'one' });
    const [first] = await list(address);
    await mail(address, { subject: 'two', from: 'billing@example.org' });
    const subjects = async (body: object) =>
      (await wait(address, { timeout: '1ms', ...body })).as(wire.InboxWaitAnswer).items.map(({ subject }) => subject);
    expect(await subjects({ since: before })).toEqual(['one', 'two']);
    expect(await subjects({ since: first?.received_at })).toEqual(['two']);
    expect(await subjects({ since: before, from: 'example.org' })).toEqual(['two']);
    expect(await subjects({ since: before, from: 'nobody@' })).toEqual([]);
    expect((await wait(address, { since: 'nonsense' })).code).toBe('invalid_cursor');
    expect((await wait(address, { timeout: '11m' })).code).toBe('invalid_request');
    await remove(address);
  });

  test('ends when the inbox is deleted, and when the key dies', async () => {
    const { address } = await create();
    const waiting = wait(address, { timeout: '20s' });
    await expect.poll(() => fixture.metric('turnpost_waiters')).toBeGreaterThan(0);
    await remove(address);
    expect((await waiting).code).toBe('not_found');
    const brief = await fixture.agent();
    const other = await create(brief.key);
    const poll = wait(other.address, { timeout: '20s' }, brief.key);
    await expect.poll(() => fixture.metric('turnpost_waiters')).toBeGreaterThan(0);
    await fixture.call('DELETE', `/v1/agents/${brief.name}/keys/${brief.keyId}`);
    expect((await poll).code).toBe('unauthorized');
    await expect(mail(other.address), 'nobody can read it').rejects.toMatchObject({ responseCode: 550 });
  });
});

describe('quotas', () => {
  test('too long a life: 403 that says how long it may be', async () => {
    const reply = await fixture.call('POST', '/v1/inboxes', { key: agent.key, body: { ttl_minutes: 2 * 24 * 60 + 1 } });
    expect([reply.status, reply.code, reply.details]).toEqual([403, 'forbidden', { max_ttl_minutes: 2880 }]);
  });

  test('too many at once: 429 and when one will be free', async () => {
    const made = [];
    for (let n = 0; n < 4; n += 1) made.push(await create(agent.key, { ttl_minutes: 10 + n }));
    const reply = await fixture.call('POST', '/v1/inboxes', { key: agent.key, body: {} });
    expect([reply.status, reply.code]).toEqual([429, 'quota_exceeded']);
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(590);
    expect(Number(reply.headers['retry-after'])).toBeLessThanOrEqual(600);
    for (const { address } of made) await remove(address);
    const again = await create();
    await remove(again.address);
  });

  test('a full inbox: 552 that says so', async () => {
    const { address } = await create();
    for (let n = 0; n < 3; n += 1) await mail(address, { subject: String(n) });
    await expect(mail(address)).rejects.toMatchObject({
      responseCode: 552,
      response: expect.stringMatching(/all the mail/),
    });
    expect(await list(address)).toHaveLength(3);
    await remove(address);
  });
});

describe('isolation', () => {
  test("another agent, another key of the same agent and an admin find nothing of it; the key's successor finds it", async () => {
    const { address } = await create();
    await mail(address);
    const [item] = await list(address);
    const other = await fixture.agent();
    const second = await fixture.call('POST', '/v1/agents/alice/keys', { body: {} });
    const secondKey = second.as(wire.CreatedInbox.pick({ id: true }).loose())['secret'];
    for (const key of [other.key, String(secondKey), fixture.adminKey]) {
      expect((await fixture.call('GET', '/v1/inboxes', { key })).json).toEqual({ items: [], next_cursor: null });
      for (const [method, where] of [
        ['GET', at(address)],
        ['GET', at(address, '/messages')],
        ['GET', at(address, `/messages/${item?.id}`)],
        ['GET', at('any', `/messages/${item?.id}`)],
        ['GET', at(address, `/messages/${item?.id}/attachments/0`)],
        ['POST', at('any', `/messages/${item?.id}/read`)],
        ['POST', at('any', `/messages/${item?.id}/extract-code`)],
        ['POST', at(address, `/messages/${item?.id}/extract-link`)],
        ['POST', at(address, '/wait')],
        ['DELETE', at(address)],
      ] as const) {
        const reply = await fixture.call(method, where, { key, ...(method === 'POST' && { body: {} }) });
        expect([reply.status, reply.code], `${method} ${where}`).toEqual([404, 'not_found']);
      }
    }
    const rotated = await fixture.call('POST', `/v1/agents/alice/keys/${agent.keyId}/rotate`, {
      body: { grace: '1h' },
    });
    const next = String(rotated.as(wire.CreatedInbox.pick({ id: true }).loose())['secret']);
    expect(await list(address, '', next)).toHaveLength(1);
    expect((await remove(address, next)).status).toBe(200);
  });

  test('an admin has inboxes of its own', async () => {
    const made = await create(fixture.adminKey);
    expect(made.owner_type).toBe('api');
    expect((await fixture.call('GET', at(made.address), { key: agent.key })).code).toBe('not_found');
    await remove(made.address, fixture.adminKey);
  });
});

describe('without a key', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::5:6', '2001:db8:0:0'],
    ['2001:db8::7', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['socket', 'socket'],
  ])('%s is counted as %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  test('an inbox comes with a token, once, and only the token opens it', async () => {
    const made = await create(NO_KEY, {});
    expect(made).toMatchObject({
      owner_type: 'anonymous',
      max_messages: 1,
      token: expect.stringMatching(/^tp_inbox_/),
    });
    expect(Date.parse(made.expires_at) - Date.parse(made.created_at)).toBe(30 * MINUTE);
    await mail(made.address);
    expect(await list(made.address, '', made.token)).toHaveLength(1);
    await expect(mail(made.address)).rejects.toMatchObject({ responseCode: 552 });
    for (const key of [NO_KEY, 'tp_inbox_unknown']) {
      expect((await fixture.call('GET', at(made.address), { key })).status).toBe(401);
      expect((await fixture.call('GET', '/v1/inboxes', { key })).status).toBe(401);
    }
    expect((await fixture.call('GET', at(made.address), { key: agent.key })).code).toBe('not_found');
    expect((await fixture.call('GET', '/v1/agents', { key: made.token })).status).toBe(401);
    const more = await create(made.token, {});
    expect(more.token, 'the session has its token').toBeNull();
    expect((await fixture.call('GET', '/v1/inboxes', { key: made.token })).json).toMatchObject({
      items: { length: 2 },
    });
    const tooMany = await fixture.call('POST', '/v1/inboxes', { key: NO_KEY, body: {} });
    expect([tooMany.status, tooMany.code]).toEqual([429, 'quota_exceeded']);
    for (const { address } of [made, more]) await remove(address, made.token);
    const third = await create(NO_KEY, {});
    await remove(third.address, third.token);
    const tooFast = await fixture.call('POST', '/v1/inboxes', { key: NO_KEY, body: {} });
    expect([tooFast.status, tooFast.code]).toEqual([429, 'rate_limited']);
    expect(Number(tooFast.headers['retry-after'])).toBeGreaterThan(3000);
    clock.advance(HOUR);
    const [a, b] = await Promise.all([1, 2].map(() => createWith('the same')));
    expect(a?.token, "nobody gets another's token by its Idempotency-Key").not.toBe(b?.token);
  });

  const createWith = async (key: string) =>
    (await fixture.call('POST', '/v1/inboxes', { key: NO_KEY, body: {}, headers: { 'idempotency-key': key } })).as(
      wire.CreatedInbox,
    );

  test('nothing is made where that is off', async () => {
    await using closed = await openFixture();
    expect((await closed.call('POST', '/v1/inboxes', { key: NO_KEY, body: {} })).status).toBe(401);
  });
});
