/** Messages: stored whole, seen by those who may. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Allowance, MessageFilter, NewMail, Stores } from '../../relay/store/stores.ts';
import type { Message } from '../../relay/types.ts';
import {
  ALL,
  aDelivery,
  aMessage,
  anAttachment,
  anEmail,
  aReceipt,
  aTurn,
  mailFor,
  post,
  postEmail,
  postHeld,
  type Registered,
  register,
  START,
} from '../support/store-fixture.ts';
import type { OpenStores } from './stores.ts';

export function messageSuite(open: OpenStores): void {
  let stores: Stores;
  let reader: Registered;
  let writer: Registered;
  beforeEach(async () => {
    stores = await open();
    reader = await register(stores, 'reader');
    writer = await register(stores, 'writer');
  });
  afterEach(() => stores.close());

  const byWriter = (changes: Partial<Message> = {}): Partial<Message> => ({
    senderAgentId: writer.agent.id,
    senderKeyId: writer.key.id,
    from: { address: 'writer@turnpost.localhost', name: 'Writer', kind: 'agent' },
    ...changes,
  });
  const idsOf = async (who: Registered, filter: Partial<MessageFilter> = {}) => {
    const page = await stores.messages.list(who.agent.id, { direction: 'inbound', ...filter }, ALL);
    return page.items.map(({ message }) => message.id);
  };

  describe('messages', () => {
    test('a message comes back as it went in, every field, and its files byte by byte', async () => {
      const files = [anAttachment(0, 'one'), anAttachment(1, 'two'), anAttachment(2, 'one')];
      const message = aMessage({
        ...byWriter(),
        senderSessionId: 'session-1',
        to: ['reader@turnpost.localhost', 'person@example.com'],
        cc: ['other@example.com'],
        subject: 'Grüße 👋',
        body: 'line\n\u0000\n\u2028 \'quoted\' "words"',
        quoted: '> before',
        signature: '-- \nme',
        type: 'query',
        priority: 'urgent',
        inReplyTo: 'msg_before',
        requiresResponse: true,
        expiresAt: START + 5,
        data: { callback: { method: 'email' }, list: [1, null] },
        verifiedBy: 'dmarc',
        auth: { spf: 'pass', dkim: 'pass', dmarc: 'pass', arc: 'none' },
        hop: 3,
        jws: 'a.b.c',
        emailMessageId: '<tp.x@turnpost.localhost>',
        attachments: files.map(({ content: _, ...info }) => info),
      });
      const delivery = aDelivery(message, { agentId: reader.agent.id });
      await stores.messages.accept({ message, deliveries: [delivery], attachments: files, receipt: aReceipt('scope') });
      expect(await stores.messages.find(message.id)).toEqual(message);
      expect(await stores.deliveries.find(delivery.id)).toEqual(delivery);
      for (const file of files) expect(await stores.messages.attachment(message.id, file.index)).toEqual(file);
      expect(await stores.messages.attachment(message.id, 3)).toBeUndefined();
      expect(await stores.receipts.find('scope', 0)).toEqual(aReceipt('scope'));
      expect(await stores.messages.find('msg_none')).toBeUndefined();
    });

    test('all of it or nothing: a second delivery to the same address undoes the first', async () => {
      const message = aMessage();
      const address = 'reader@turnpost.localhost';
      const deliveries = [1, 2].map(() => aDelivery(message, { agentId: reader.agent.id, address }));
      await expect(stores.messages.accept({ message, deliveries })).rejects.toThrow();
      expect(await stores.messages.find(message.id)).toBeUndefined();
      expect(await stores.deliveries.countAvailable(reader.agent.id)).toBe(0);
    });

    test('an answer confirms what it answers, also what was never handed out, but for its own sender only', async () => {
      const asked = await post(stores, writer);
      const other = await post(stores, reader);
      const answer = (answered: { agentId: string; messageId: string }) => {
        const { message, delivery } = mailFor(reader, byWriter({ createdAt: START + 9 }));
        return stores.messages.accept({ message, deliveries: [delivery], answered });
      };
      await answer({ agentId: writer.agent.id, messageId: other.message.id });
      expect((await stores.deliveries.find(other.delivery.id))?.state).toBe('available');
      await answer({ agentId: writer.agent.id, messageId: asked.message.id });
      expect(await stores.deliveries.find(asked.delivery.id)).toMatchObject({
        state: 'delivered',
        evidence: 'reply',
        deliveredAt: START + 9,
      });
    });

    test('a recipient sees its own delivery, a sender all of them, nobody else anything', async () => {
      const message = aMessage(byWriter());
      const other = await register(stores, 'other');
      const [mine, theirs] = [reader, other].map(({ agent }) => aDelivery(message, { agentId: agent.id }));
      await stores.messages.accept({ message, deliveries: [mine, theirs].flatMap((one) => one ?? []) });
      expect(await stores.messages.findSeen(reader.agent.id, message.id)).toEqual({
        message,
        delivery: mine,
        deliveries: null,
      });
      const sent = await stores.messages.findSeen(writer.agent.id, message.id);
      expect(sent?.delivery).toBeNull();
      expect(sent?.deliveries?.map(({ id }) => id)).toEqual([mine?.id, theirs?.id]);
      const stranger = await register(stores, 'stranger');
      expect(await stores.messages.findSeen(stranger.agent.id, message.id)).toBeUndefined();
      expect(await stores.messages.findSeen(reader.agent.id, 'msg_none')).toBeUndefined();
    });

    test('what is held is seen by its sender only: not found, not listed, not in a thread, not leased', async () => {
      const { message } = await postHeld(stores, reader, {}, byWriter());
      expect(await stores.messages.findSeen(reader.agent.id, message.id)).toBeUndefined();
      expect(await idsOf(reader, { direction: 'all' })).toEqual([]);
      expect(await idsOf(reader, { state: 'held' })).toEqual([]);
      expect(await stores.messages.thread(reader.agent.id, message.threadId)).toEqual([]);
      expect((await stores.messages.threads(reader.agent.id, ALL)).items).toEqual([]);
      expect((await stores.deliveries.turn(aTurn(reader, START))).items).toEqual([]);
      expect(await stores.deliveries.confirm(reader.agent.id, message.id, 'ack', START)).toBeUndefined();
      expect((await stores.messages.findSeen(writer.agent.id, message.id))?.deliveries?.[0]?.state).toBe('held');
    });

    test('lists are newest first, page by page, by direction, state, thread and time', async () => {
      const threadId = 'thr_one';
      const inbound = [];
      for (let at = 0; at < 5; at += 1) {
        inbound.push((await post(stores, reader, { createdAt: START + at, ...(at > 2 && { threadId }) })).message.id);
      }
      const [i0 = '', i1, i2, i3, i4] = inbound;
      const sent = (await post(stores, writer, { senderAgentId: reader.agent.id, threadId })).message.id;
      await stores.deliveries.confirm(reader.agent.id, i0, 'ack', START);

      expect(await idsOf(reader)).toEqual([i4, i3, i2, i1, i0]);
      expect(await idsOf(reader, { direction: 'outbound' })).toEqual([sent]);
      expect(await idsOf(reader, { direction: 'all' })).toEqual([sent, i4, i3, i2, i1, i0]);
      expect(await idsOf(reader, { state: 'delivered' })).toEqual([i0]);
      expect(await idsOf(reader, { direction: 'all', state: 'available', threadId })).toEqual([sent, i4, i3]);
      expect(await idsOf(reader, { since: START + 3 })).toEqual([i4, i3]);

      const seen = [];
      for (let cursor: string | undefined, pages = 0; pages < 9; pages += 1) {
        const page = await stores.messages.list(reader.agent.id, { direction: 'all' }, { cursor, limit: 2 });
        seen.push(...page.items.map(({ message }) => message.id));
        if (page.nextCursor === null) break;
        cursor = page.nextCursor;
      }
      expect(seen).toEqual([sent, i4, i3, i2, i1, i0]);
    });

    test('a message to oneself is listed once', async () => {
      const { message } = await post(stores, writer, byWriter());
      expect(await idsOf(writer, { direction: 'all' })).toEqual([message.id]);
    });

    test('threads come newest first, each with what this agent may see of it', async () => {
      const other = await register(stores, 'other');
      const first = await post(stores, reader, byWriter({ threadId: 'thr_a', subject: 'between us' }));
      await post(stores, reader, byWriter({ threadId: 'thr_b', subject: 'later' }));
      const third = await post(
        stores,
        other,
        byWriter({ threadId: 'thr_a', subject: 'for other', createdAt: START + 7 }),
      );
      const threads = await stores.messages.threads(writer.agent.id, ALL);
      expect(threads.items.map(({ id }) => id)).toEqual(['thr_a', 'thr_b']);
      expect(threads.items[0]).toEqual({
        id: 'thr_a',
        subject: 'between us',
        messageCount: 2,
        lastMessageAt: START + 7,
        participants: ['writer@turnpost.localhost'],
      });
      const narrow = await stores.messages.threads(other.agent.id, ALL);
      expect(narrow.items).toEqual([expect.objectContaining({ id: 'thr_a', subject: 'for other', messageCount: 1 })]);
      const page = await stores.messages.threads(writer.agent.id, { cursor: undefined, limit: 1 });
      const rest = await stores.messages.threads(writer.agent.id, { cursor: page.nextCursor ?? '', limit: 1 });
      expect(rest.items.map(({ id }) => id)).toEqual(['thr_b']);

      const seen = await stores.messages.thread(writer.agent.id, 'thr_a');
      expect(seen.map(({ message }) => message.id)).toEqual([first.message.id, third.message.id]);
      expect(await stores.messages.thread(other.agent.id, 'thr_a')).toHaveLength(1);
      expect(await stores.messages.thread(other.agent.id, 'thr_b')).toEqual([]);
    });

    test('email Message-IDs lead to the newest message that had one, and to a thread oldest first', async () => {
      const one = await post(stores, reader, { threadId: 'thr_a', emailMessageId: '<1@example.com>' });
      await post(stores, reader, { threadId: 'thr_a' });
      const two = await post(stores, reader, { threadId: 'thr_a', emailMessageId: '<2@example.com>' });
      const find = async (...ids: string[]) => (await stores.messages.findByEmailMessageId(ids))?.id;
      expect(await find('<1@example.com>')).toBe(one.message.id);
      expect(await find('<1@example.com>', '<2@example.com>')).toBe(two.message.id);
      expect(await find('<3@example.com>')).toBeUndefined();
      expect(await find()).toBeUndefined();
      expect(await stores.messages.emailMessageIds('thr_a')).toEqual(['<1@example.com>', '<2@example.com>']);
    });

    test('whom an agent wrote to by email in a thread: what went out, in that thread, by that agent', async () => {
      const sent = byWriter({ threadId: 'thr_a' });
      await postEmail(stores, sent);
      await postEmail(stores, sent, { address: 'waits@example.com', state: 'held' });
      await post(stores, reader, byWriter({ threadId: 'thr_a' }));
      const wrote = (address: string, threadId = 'thr_a', agentId = writer.agent.id) =>
        stores.messages.hasWrittenTo({ agentId, threadId, address });
      expect(await wrote('person@example.com')).toBe(true);
      expect(await wrote('person@example.com', 'thr_b')).toBe(false);
      expect(await wrote('person@example.com', 'thr_a', reader.agent.id)).toBe(false);
      expect(await wrote('other@example.com')).toBe(false);
      expect(await wrote('waits@example.com')).toBe(false);
      expect(await wrote('reader@turnpost.localhost')).toBe(false);
    });

    describe('an allowance', () => {
      const allowance = { since: START, threadTurns: 2, emailsToAddress: 2 };
      const at = (createdAt: number) => byWriter({ threadId: 'thr_a', createdAt });
      const toReader = (createdAt = START + 1) => {
        const mail = mailFor(reader, at(createdAt));
        return { message: mail.message, deliveries: [mail.delivery] };
      };
      const byEmail = (address: string, createdAt = START + 1) => {
        const message = aMessage(at(createdAt));
        const delivery = aDelivery(message, { address, availableAt: createdAt });
        return { message, deliveries: [delivery], emails: [anEmail(delivery)] };
      };
      const accept = (mail: NewMail, changes: Partial<Allowance> = {}) =>
        stores.messages.acceptIfWithin(mail, { ...allowance, ...changes });

      test('lets so many pass, also of those that come at once, and stores nothing of the next', async () => {
        await accept(toReader(START));
        const sent = [toReader(), toReader(), toReader()];
        const found = await Promise.all(sent.map((mail) => accept(mail)));
        expect(found).toEqual([undefined, undefined, { thread: true, addresses: [] }]);
        expect(await stores.messages.find(sent[2]?.message.id ?? '')).toBeUndefined();
      });

      test('of a thread is not for one that begins, nor for emails', async () => {
        for (let n = 0; n < 3; n += 1) expect(await accept(toReader(), { threadTurns: null })).toBeUndefined();
        expect(await accept(byEmail('person@example.com'))).toBeUndefined();
      });

      test('of emails is for one agent and one address, and for what was sent since then', async () => {
        await accept(byEmail('person@example.com', START));
        for (let n = 0; n < 2; n += 1) expect(await accept(byEmail('person@example.com'))).toBeUndefined();
        expect(await accept(byEmail('person@example.com'))).toEqual({
          thread: false,
          addresses: ['person@example.com'],
        });
        expect(await accept(byEmail('other@example.com'))).toBeUndefined();
        expect(await accept(byEmail('person@example.com'), { since: START + 1 })).toBeUndefined();
      });
    });

    test("a thread's turns are what agents sent in it since then", async () => {
      await post(stores, reader, byWriter({ threadId: 'thr_a' }));
      await post(stores, reader, byWriter({ threadId: 'thr_a', createdAt: START + 10 }));
      await post(stores, reader, byWriter({ threadId: 'thr_b' }));
      await post(stores, reader, { threadId: 'thr_a' });
      expect(await stores.messages.countAgentTurns('thr_a', START - 1)).toBe(2);
      expect(await stores.messages.countAgentTurns('thr_a', START)).toBe(1);
    });
  });
}
