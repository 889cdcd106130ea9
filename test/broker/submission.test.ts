/** What a mail program submits as an agent: whose name it may bear, who gets it, what becomes of it, and once. */
import { describe, expect, test } from 'vitest';
import { issueKey, revokeKey } from '../../relay/broker/keys.ts';
import { smtpDesk } from '../../relay/broker/mail-desk.ts';
import type { DeskReply, Submitter } from '../../relay/mail/smtp/smtp-desk.ts';
import type { Message } from '../../relay/types.ts';
import { openBroker } from '../support/broker-fixture.ts';
import { DAY } from '../support/manual-clock.ts';
import { rawEmail } from '../support/raw-email.ts';
import { ALL } from '../support/store-fixture.ts';

type Parts = Partial<Parameters<typeof rawEmail>[0]>;

async function openDesk(options: Parameters<typeof openBroker>[0] = {}) {
  const broker = await openBroker(options);
  const alice = await broker.agent('alice');
  const bob = await broker.agent('bob');
  const desk = smtpDesk(broker.deps);
  const { secret } = alice.registered.key;
  const submitter = await desk.logIn(['alice'], secret);
  if (submitter === undefined) throw new Error('no login');
  const mail = (parts: Parts = {}) => rawEmail({ from: alice.address, to: bob.address, ...parts });
  const submit = (raw: Buffer, ...to: string[]) =>
    submitter.submit({ raw, envelopeTo: to.length === 0 ? [bob.address] : to });
  const sent = async (reply: DeskReply): Promise<Message> => {
    const id = /msg_\w+/.exec(reply.accepted ? (reply.text ?? '') : '')?.[0] ?? '';
    const message = await broker.deps.stores.messages.find(id);
    if (message === undefined) throw new Error(JSON.stringify(reply));
    return message;
  };
  return { broker, alice, bob, desk, secret, submitter, mail, submit, sent };
}

const refusal = (reply: DeskReply): string => (reply.accepted ? 'accepted' : `${reply.code} ${reply.text}`);

describe('a login', () => {
  test('by name or address of the agent whose key it is, and by no other', async () => {
    const { desk, secret } = await openDesk({ settings: { mailboxAddresses: ['box@example.com'] } });
    for (const name of ['alice', 'Alice', 'alice@turnpost.localhost', 'box+alice@example.com']) {
      expect(await desk.logIn([name], secret), name).toBeDefined();
    }
    for (const name of ['bob', 'alice@example.com', 'box@example.com', '']) {
      expect(await desk.logIn([name], secret), name).toBeUndefined();
    }
    expect(await desk.logIn(['alice', 'bob'], secret)).toBeUndefined();
    expect(await desk.logIn(['alice'], `${secret}x`)).toBeUndefined();
  });

  test('not by an admin key', async () => {
    const { broker, alice, desk } = await openDesk();
    const { secret } = await issueKey(broker.deps, alice.caller.agent, { scope: 'admin' }, undefined);
    expect(await desk.logIn(['alice'], secret)).toBeUndefined();
  });
});

describe('who it is from', () => {
  test('MAIL FROM must be the agent’s own address', async () => {
    const { submitter } = await openDesk({ settings: { mailboxAddresses: ['box@example.com'] } });
    expect(await submitter.checkSender('alice@turnpost.localhost')).toEqual({ accepted: true });
    expect(await submitter.checkSender('box+alice@example.com')).toEqual({ accepted: true });
    for (const address of ['bob@turnpost.localhost', 'person@example.com', 'alice', '']) {
      expect(refusal(await submitter.checkSender(address)), address).toMatch(/^553 5\.7\.1/);
    }
  });

  test.each([
    ['another agent', { from: 'bob@turnpost.localhost' }],
    ['a person', { from: 'person@example.com' }],
    ['two authors', { from: 'alice@turnpost.localhost, bob@turnpost.localhost' }],
    ['a second From', { headers: ['From: bob@turnpost.localhost'] }],
    ['its own address as the name of another', { from: '"alice@turnpost.localhost" <bob@turnpost.localhost>' }],
    ['a group', { from: 'alice@turnpost.localhost:;' }],
    ['another Sender', { headers: ['Sender: bob@turnpost.localhost'] }],
    ['another Resent-From', { headers: ['Resent-From: bob@turnpost.localhost'] }],
    ['another Resent-Sender', { headers: ['Resent-Sender: <bob@turnpost.localhost>'] }],
  ])('%s is refused with 550', async (_, parts) => {
    const { mail, submit } = await openDesk();
    expect(refusal(await submit(mail(parts)))).toMatch(/^550 5\.7\.1/);
  });

  test('the answer goes to the agent, whatever Reply-To says', async () => {
    const { broker, mail, submit } = await openDesk();
    await submit(mail({ headers: ['Reply-To: evil@example.com'] }), 'person@example.com');
    const [item] = (await broker.deps.stores.outbox.list(ALL)).items;
    expect(item?.email.raw.toString()).not.toContain('evil@example.com');
  });
});

describe('a mail', () => {
  test('becomes a signed message, as if it were sent over HTTP', async () => {
    const { broker, alice, bob, mail, submit, sent } = await openDesk();
    const message = await sent(
      await submit(
        mail({
          subject: 'Build',
          text: 'Is it green?',
          headers: ['X-Agent-Message-Type: query', 'X-Agent-Priority: urgent', 'X-Agent-Requires-Response: true'],
        }),
      ),
    );
    expect(message).toMatchObject({
      from: { address: alice.address, kind: 'agent' },
      senderKeyId: alice.caller.key.id,
      to: [bob.address],
      subject: 'Build',
      body: 'Is it green?',
      type: 'query',
      priority: 'urgent',
      requiresResponse: true,
      verifiedBy: 'key',
    });
    expect(broker.deps.signer.problem(message)).toBeNull();
    const { items } = await broker.lease(bob);
    expect(items.map((item) => item.message.id)).toEqual([message.id]);
  });

  test('its files are attachments, agent-data.json is its data', async () => {
    const { broker, alice, bob, submit, sent } = await openDesk();
    const part = (name: string, type: string, text: string) =>
      `--x\r\nContent-Type: ${type}\r\nContent-Disposition: attachment; filename="${name}"\r\n\r\n${text}\r\n`;
    const raw = rawEmail({
      from: alice.address,
      to: bob.address,
      headers: ['MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=x'],
      text: `--x\r\n\r\nsee file\r\n${part('agent-data.json', 'application/json', '{"n":1}')}${part('a.csv', 'text/csv', 'a,b')}--x--`,
    });
    const message = await sent(await submit(raw));
    expect(message).toMatchObject({ body: 'see file', data: { n: 1 }, attachments: [{ index: 0, filename: 'a.csv' }] });
    expect((await broker.deps.stores.messages.attachment(message.id, 0))?.content.toString()).toBe('a,b');
  });

  test('the envelope says who gets it; who is in neither To nor Cc is named to nobody', async () => {
    const { broker, alice, bob, mail, submit, sent } = await openDesk();
    const carol = await broker.agent('carol');
    const raw = mail({
      to: `${bob.address}, absent@example.com`,
      headers: ['Cc: person@example.com', `Bcc: ${carol.address}, hidden@example.com`],
    });
    const to = [bob.address, 'person@example.com', carol.address, 'hidden@example.com'];
    const message = await sent(await submit(raw, ...to));
    expect([message.to, message.cc]).toEqual([[bob.address], ['person@example.com']]);
    const seen = await broker.deps.stores.messages.findSeen(alice.id, message.id);
    expect(seen?.deliveries?.map(({ address }) => address).toSorted()).toEqual(to.toSorted());
    const mails = (await broker.deps.stores.outbox.list(ALL)).items.map(({ email }) => email.raw.toString());
    expect(mails).toHaveLength(2);
    for (const text of mails) expect(text).not.toMatch(/^bcc|^(to|cc):.*(carol|hidden)/im);
  });

  test('one recipient that is not: nothing is sent, and each is told in the dialogue', async () => {
    const { broker, submitter, bob, mail, submit } = await openDesk();
    expect(refusal(await submitter.checkRecipient(bob.address))).toBe('accepted');
    expect(refusal(await submitter.checkRecipient('person@example.com'))).toBe('accepted');
    expect(refusal(await submitter.checkRecipient('nobody@turnpost.localhost'))).toMatch(/^550 5\.1\.1/);
    expect(refusal(await submit(mail(), bob.address, 'nobody@turnpost.localhost'))).toMatch(/^550 5\.1\.1/);
    expect((await broker.lease(bob)).items).toEqual([]);
  });

  test('a suppressed address 550, too large 552, a store that cannot write 451', async () => {
    const { broker, submitter, mail, submit } = await openDesk({ settings: { maxMessage: 1000 } });
    const now = broker.clock.now();
    await broker.deps.stores.suppressions.add({
      address: 'gone@example.com',
      agentId: null,
      reason: 'bounce',
      code: '5.1.1',
      source: 'a bounce',
      createdAt: now,
      expiresAt: null,
    });
    expect(refusal(await submitter.checkRecipient('gone@example.com'))).toMatch(/^550 5\.1\.6/);
    expect(refusal(await submit(mail({ text: 'x'.repeat(1001) })))).toMatch(/^552 5\.3\.4/);
    await broker.deps.stores.close();
    expect(refusal(await submit(mail()))).toMatch(/^451 4\.3\.0/);
  });

  test('answers what the agent can see, and nothing else', async () => {
    const { broker, alice, bob, mail, submit, sent } = await openDesk();
    const asked = await broker.send(bob, alice, { subject: 'Q' });
    const own = `<tp.${asked.message.id}@turnpost.localhost>`;
    const answer = await sent(await submit(mail({ headers: [`In-Reply-To: ${own}`] })));
    expect(answer).toMatchObject({ threadId: asked.message.threadId, inReplyTo: asked.message.id, type: 'response' });
    const later = await sent(await submit(mail({ headers: [`References: <x@example.com> ${own} <y@example.com>`] })));
    expect(later.threadId).toBe(asked.message.threadId);
    const carol = await broker.agent('carol');
    const secret = await broker.send(bob, carol);
    const foreign = await sent(
      await submit(mail({ headers: [`In-Reply-To: <tp.${secret.message.id}@turnpost.localhost>`] })),
    );
    expect(foreign.threadId).not.toBe(secret.message.threadId);
  });
});

describe('the same submission again', () => {
  test('is one message, also at once, also composed anew; another text or recipient is another', async () => {
    const { broker, alice, bob, mail, submit } = await openDesk();
    const parts = { messageId: '<one@example.com>' };
    const both = await Promise.all([submit(mail(parts)), submit(mail(parts))]);
    const again = await submit(mail({ ...parts, headers: ['Date: Mon, 02 Mar 2026 10:00:00 +0000'] }));
    expect([...both, again]).toEqual(Array(3).fill(both[0]));
    expect((await broker.lease(bob)).items).toHaveLength(1);
    const others = [
      await submit(mail({ ...parts, text: 'Another text.' })),
      await submit(mail(parts), 'person@example.com'),
    ];
    expect(new Set([both[0], ...others].map((reply) => JSON.stringify(reply))).size).toBe(3);
    const { items } = await broker.deps.stores.messages.list(alice.id, { direction: 'outbound' }, ALL);
    expect(items).toHaveLength(3);
  });

  test('after 24 hours it is a new one; without a Message-ID its bytes count', async () => {
    const { broker, mail, submit } = await openDesk();
    const raw = mail({ messageId: '<one@example.com>' });
    const first = await submit(raw);
    broker.clock.advance(DAY + 1);
    expect(await submit(raw)).not.toEqual(first);
    const bare = Buffer.from(
      mail()
        .toString()
        .replace(/^Message-ID:.*\r\n/m, ''),
    );
    expect(await submit(bare)).toEqual(await submit(bare));
    expect(await submit(Buffer.concat([bare, Buffer.from('P.S.\r\n')]))).not.toEqual(await submit(bare));
  });
});

describe('a key that is revoked', () => {
  test('ends an open session at its next command, and no new one begins', async () => {
    const { broker, alice, bob, desk, secret, submitter, mail } = await openDesk();
    expect(await submitter.checkSender(alice.address)).toEqual({ accepted: true });
    await revokeKey(broker.deps, alice.caller.agent, alice.caller.key.id, null);
    const replies = [
      await submitter.checkSender(alice.address),
      await submitter.checkRecipient(bob.address),
      await submitter.submit({ raw: mail(), envelopeTo: [bob.address] }),
    ];
    for (const reply of replies) expect(refusal(reply)).toMatch(/^535 5\.7\.8/);
    expect(await desk.logIn(['alice'], secret)).toBeUndefined();
    expect((await broker.lease(bob)).items).toEqual([]);
  });

  test('between the last look and the commit: nothing is stored', async () => {
    const { broker, alice, bob, submitter, mail } = await openDesk();
    const { keys } = broker.deps.stores;
    const find = keys.find.bind(keys);
    // The look says it lives; it dies right after.
    keys.find = async (id) => {
      const key = await find(id);
      await keys.revokeIfLive(id, broker.clock.now(), null);
      return key;
    };
    const reply = await submitter.submit({ raw: mail(), envelopeTo: [bob.address] });
    expect(refusal(reply)).toMatch(/^535 5\.7\.8/);
    expect((await broker.lease(bob)).items).toEqual([]);
    expect(alice.id).toBeDefined();
  });

  test('of an agent that was deleted: no login', async () => {
    const { broker, alice, desk, secret } = await openDesk();
    await broker.deps.stores.agents.end(alice.id, broker.clock.now());
    const submitter: Submitter | undefined = await desk.logIn(['alice'], secret);
    expect(submitter).toBeUndefined();
  });
});
