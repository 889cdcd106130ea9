/** What an agent sends: all recipients or none, signed, answered into the right thread and session. */
import { createHash } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { describe, expect, test } from 'vitest';
import { acceptMessage, MAX_HOPS } from '../../relay/broker/accept.ts';
import { endAgent } from '../../relay/broker/agents.ts';
import { revokeKey } from '../../relay/broker/keys.ts';
import { findTokens } from '../../relay/mail/reply-token.ts';
import { type Broker, DOMAIN, openBroker } from '../support/broker-fixture.ts';
import { ALL, aMessage, mailFor, START } from '../support/store-fixture.ts';

async function openPair(...options: Parameters<typeof openBroker>) {
  const broker = await openBroker(...options);
  const [writer, reader] = [await broker.agent('writer'), await broker.agent('reader')];
  return { broker, writer, reader };
}

const stored = async (broker: Broker, agentId: string) =>
  (await broker.deps.stores.messages.list(agentId, { direction: 'all' }, ALL)).items.length;

describe('recipients', () => {
  test('a name, an address of ours and an email address; each gets one copy, `to` before `cc`', async () => {
    const { broker, writer, reader } = await openPair();
    const sent = await broker.send(writer, 'READER', {
      cc: [reader.address, 'Person@Example.com', 'person@example.com', 'writer'],
    });
    expect(sent.message.to).toEqual([reader.address]);
    expect(sent.message.cc).toEqual(['person@example.com', writer.address]);
    expect(sent.deliveries.map(({ address, trust }) => [address, trust])).toEqual([
      [reader.address, 'peer'],
      ['person@example.com', null],
      [writer.address, 'peer'],
    ]);
    expect(broker.woken).toEqual([reader.id, writer.id]);
  });

  test('one that cannot be accepted: nothing is sent, and each is named', async () => {
    const { broker, writer, reader } = await openPair();
    const error = await broker
      .send(writer, reader, { cc: ['nobody', 'also-nobody@turnpost.localhost', 'not an@address'] })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'recipient_unknown',
      details: {
        recipients: [
          { to: 'nobody', code: 'recipient_unknown' },
          { to: 'also-nobody@turnpost.localhost', code: 'recipient_unknown' },
          { to: 'not an@address', code: 'invalid_request' },
        ],
      },
    });
    expect(await stored(broker, writer.id)).toBe(0);
    expect(broker.woken).toEqual([]);
  });

  test('one who is gone, and a sender whose key died meanwhile', async () => {
    const { broker, writer, reader } = await openPair();
    await endAgent(broker.deps, reader.caller.agent);
    await expect(broker.send(writer, reader)).rejects.toMatchObject({ code: 'recipient_unknown' });
    const other = await broker.agent('other');
    await revokeKey(broker.deps, writer.caller.agent, writer.caller.key.id, null);
    await expect(broker.send(writer, other)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  test('an agent at a mailbox of ours is that agent, not an email', async () => {
    const { broker, writer, reader } = await openPair({ settings: { mailboxAddresses: ['box@example.com'] } });
    const sent = await broker.send(writer, 'box+reader@example.com');
    expect(sent.deliveries[0]).toMatchObject({ agentId: reader.id, address: reader.address });
  });
});

describe('threads', () => {
  test('an answer takes thread, subject and priority, prefers the session that asked, and confirms what it answers', async () => {
    const { broker, writer, reader } = await openPair();
    const asked = await broker.send(writer, reader, { subject: 'Build', priority: 'urgent', sessionId: 'session-1' });
    const answer = await broker.send(reader, writer, { inReplyTo: asked.message.id });
    expect(answer.message).toMatchObject({
      threadId: asked.message.threadId,
      inReplyTo: asked.message.id,
      subject: 'Re: Build',
      priority: 'urgent',
      type: 'response',
    });
    expect(answer.deliveries[0]?.preferredSessionId).toBe('session-1');
    expect(await broker.deliveryOf(asked)).toMatchObject({ state: 'delivered', evidence: 'reply' });
    const again = await broker.send(writer, reader, { inReplyTo: answer.message.id });
    expect(again.message.subject).toBe('Re: Build');
  });

  test('only what one can see can be answered, only a thread one is in can be continued', async () => {
    const { broker, writer, reader } = await openPair();
    const stranger = await broker.agent('stranger');
    const sent = await broker.send(writer, reader);
    await expect(broker.send(stranger, reader, { inReplyTo: sent.message.id })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(broker.send(stranger, reader, { threadId: sent.message.threadId })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(
      broker.send(reader, writer, { inReplyTo: sent.message.id, threadId: 'thr_other' }),
    ).rejects.toMatchObject({ code: 'invalid_request', details: { fields: [{ path: 'thread_id' }] } });
    expect((await broker.send(reader, writer, { threadId: sent.message.threadId })).message.inReplyTo).toBeNull();
  });
});

describe('limits', () => {
  test('body and files together, in bytes', async () => {
    const { broker, writer, reader } = await openPair({ settings: { maxMessage: 100 } });
    const file = (size: number) => [{ filename: 'a', contentType: 'text/plain', content: Buffer.alloc(size) }];
    await broker.send(writer, reader, { body: '語'.repeat(30), attachments: file(10) });
    await expect(broker.send(writer, reader, { body: '語'.repeat(30), attachments: file(11) })).rejects.toMatchObject({
      code: 'too_large',
    });
  });

  test('a time that is over is refused', async () => {
    const { broker, writer, reader } = await openPair();
    await expect(broker.send(writer, reader, { expiresAt: broker.clock.now() })).rejects.toMatchObject({
      code: 'invalid_request',
      details: { fields: [{ path: 'expires_at' }] },
    });
  });

  test('mail that went around too often is not answered; going out by email counts on the email only', async () => {
    const { broker, writer } = await openPair();
    const receive = async (hop: number) => {
      const mail = mailFor({ agent: writer.caller.agent, key: writer.caller.key }, { hop, createdAt: START });
      await broker.deps.stores.messages.accept({ message: mail.message, deliveries: [mail.delivery] });
      return mail.message.id;
    };
    const answer = await broker.send(writer, 'person@example.com', { inReplyTo: await receive(MAX_HOPS) });
    expect(answer.message.hop).toBe(MAX_HOPS);
    expect((await broker.deps.stores.outbox.list(ALL)).items[0]?.email.raw.toString()).toContain(
      `X-Agent-Hops: ${MAX_HOPS + 1}`,
    );
    const local = await broker.send(writer, 'reader', { inReplyTo: await receive(3) });
    expect(local.message.hop).toBe(3);
    await expect(
      broker.send(writer, 'person@example.com', { inReplyTo: await receive(MAX_HOPS + 1) }),
    ).rejects.toMatchObject({ code: 'blocked_by_policy' });
  });
});

describe('signatures', () => {
  test('a JWT by ES256 over the fixed parts, with our key in the set that is published', async () => {
    const { broker, writer, reader } = await openPair();
    const content = Buffer.from('file');
    const { message } = await broker.send(writer, reader, {
      cc: ['person@example.com'],
      body: 'Grüße',
      expiresAt: broker.clock.now() + 5_000,
      data: { n: 1 },
      attachments: [{ filename: 'a.txt', contentType: 'text/plain', content }],
    });
    const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
    const decoded = jwt.decode(message.jws ?? '', { complete: true });
    const [published] = broker.deps.signer.jwks().keys;
    expect(decoded?.header).toEqual({ alg: 'ES256', typ: 'agent-msg+jwt', kid: published?.['kid'] });
    expect(decoded?.payload).toEqual({
      iss: DOMAIN,
      sub: writer.address,
      aud: [reader.address, 'person@example.com'],
      jti: message.id,
      thr: message.threadId,
      iat: Math.floor(message.createdAt / 1000),
      exp: Math.floor(message.createdAt / 1000) + 5,
      hop: 0,
      bh: sha256('Grüße'),
      att: [sha256(content)],
      env: { subject: null, type: 'message', priority: 'normal', requires_response: false },
      dh: sha256('{\n  "n": 1\n}'),
    });
    expect(published).not.toHaveProperty('d');
    expect(broker.deps.signer.problem(message)).toBeNull();
  });

  test('what was signed before subject, type, priority and data were signed still holds', async () => {
    const { broker, writer, reader } = await openPair();
    const { message } = await broker.send(writer, reader, { data: { n: 1 } });
    const { env: _, dh: __, ...old } = jwt.decode(message.jws ?? '', { json: true }) ?? {};
    const [row] = await broker.deps.stores.signingKeys.list();
    const header = { alg: 'ES256', typ: 'agent-msg+jwt', kid: row?.kid ?? '' } as const;
    const jws = jwt.sign(old, row?.privatePem ?? '', { algorithm: 'ES256', header });
    expect(broker.deps.signer.problem({ ...message, jws })).toBeNull();
    expect(broker.deps.signer.problem({ ...message, jws, body: 'x' })).toBe('it is not what was signed');
    expect(broker.deps.signer.problem({ ...message, data: { n: 2 } })).toBe('it is not what was signed');
    expect(broker.deps.signer.problem({ ...message, subject: 'x' })).toBe('it is not what was signed');
  });

  test('an unsigned message of an agent is a problem, one of a person is none', async () => {
    const { broker } = await openPair();
    const from = { address: 'a@turnpost.localhost', name: null, kind: 'agent' as const };
    expect(broker.deps.signer.problem(aMessage({ from }))).toBe('it is not signed');
    expect(broker.deps.signer.problem(aMessage())).toBeNull();
  });
});

test('each person gets an email of their own, with tokens of their own, all under one Message-ID', async () => {
  const { broker, writer, reader } = await openPair({ settings: { mailboxAddresses: ['box@example.com'] } });
  const { message } = await broker.send(writer, reader, { cc: ['one@example.org', 'two@example.org'] });
  const { items } = await broker.deps.stores.outbox.list(ALL);
  expect(items.map(({ email }) => email.envelopeTo).toSorted()).toEqual(['one@example.org', 'two@example.org']);
  expect(new Set(items.map(({ email }) => email.envid)).size).toBe(2);
  for (const { email } of items) {
    const raw = email.raw.toString();
    expect(raw).toMatch(/^From: .*<box\+writer@example\.com>$/m);
    expect(raw).toContain(`Message-ID: ${message.emailMessageId}`);
    const [token] = findTokens([email.envelopeFrom]);
    expect(token?.purpose).toBe('bounce');
    expect(await broker.deps.stores.routes.find(token?.id ?? '')).toMatchObject({
      address: email.envelopeTo,
      messageId: message.id,
      agentId: writer.id,
    });
  }
  expect((await broker.deps.stores.messages.find(message.id))?.emailMessageId).toBe(message.emailMessageId);
});

test('the receipt of the request is stored with the message, and with nothing that was refused', async () => {
  const { broker, writer, reader } = await openPair();
  const wish = { to: [reader.address], cc: [], body: 'hello', sessionId: null };
  const receipt = (scope: string) => () => ({
    scope,
    bodyHash: 'body',
    status: 201,
    sealed: Buffer.from('sealed'),
    createdAt: broker.clock.now(),
  });
  await acceptMessage(broker.deps, writer.caller, wish, receipt('one'));
  expect(await broker.deps.stores.receipts.find('one', 0)).toBeDefined();
  await revokeKey(broker.deps, writer.caller.agent, writer.caller.key.id, null);
  await expect(acceptMessage(broker.deps, writer.caller, wish, receipt('two'))).rejects.toThrow();
  expect(await broker.deps.stores.receipts.find('two', 0)).toBeUndefined();
});
