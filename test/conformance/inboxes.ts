/** Disposable inboxes: quotas, names, expiry, isolation, what is kept and what is thrown away. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DisposableInbox, InboxMail } from '../../relay/disposable-inbox.ts';
import { newId } from '../../relay/ids.ts';
import type { Stores } from '../../relay/store/stores.ts';
import { DAY, HOUR, MINUTE } from '../support/manual-clock.ts';
import {
  ALL,
  aKey,
  anAttachment,
  aReceipt,
  hashOf,
  mailFor,
  type Registered,
  register,
  START,
} from '../support/store-fixture.ts';
import type { OpenStores } from './stores.ts';

export function inboxSuite(open: OpenStores): void {
  let stores: Stores;
  let owner: Registered;
  let counter = 0;
  beforeEach(async () => {
    stores = await open();
    owner = await register(stores, 'owner');
  });
  afterEach(() => stores.close());

  const LIMITS = { inboxes: 3, perHour: 5 };
  const anInbox = (changes: Partial<DisposableInbox> = {}): DisposableInbox => {
    counter += 1;
    const name = changes.name ?? `brisk-heron-${counter}`;
    return {
      id: newId('ibx', START),
      name,
      address: `${name}@turnpost.localhost`,
      ownerType: 'agent',
      ownerId: owner.key.line,
      quotaKey: owner.key.line,
      label: null,
      maxMessages: 3,
      createdAt: START,
      expiresAt: START + HOUR,
      ...changes,
    };
  };
  const create = async (changes: Partial<DisposableInbox> = {}) => {
    const inbox = anInbox(changes);
    expect(await stores.inboxes.createIfAllowed(inbox, { inboxes: 100, perHour: 100 })).toEqual({ kind: 'created' });
    return inbox;
  };
  const reader = (inbox: DisposableInbox, goneBefore = START) => ({ ownerId: inbox.ownerId, goneBefore });
  const aMail = (inbox: DisposableInbox, changes: Partial<InboxMail> = {}): InboxMail => ({
    id: newId('eml', START),
    inboxId: inbox.id,
    inboxAddress: inbox.address,
    from: { address: 'no-reply@example.com', name: 'Example' },
    to: [inbox.address],
    subject: 'Ihre Bestätigung',
    text: 'Your code is 123456.',
    html: '<p>Your code is 123456.</p>',
    notes: ['a note'],
    auth: { spf: 'pass', dkim: 'pass', dmarc: 'pass', arc: 'none' },
    authorProven: true,
    size: 1000,
    receivedAt: START + 1,
    readAt: null,
    attachments: [],
    ...changes,
  });
  const receive = async (mail: InboxMail, files = [] as ReturnType<typeof anAttachment>[], raw = 'raw') => {
    counter += 1;
    const email = {
      id: `eml_${counter}`,
      source: 'smtp 192.0.2.1',
      raw: Buffer.from(raw),
      receivedAt: mail.receivedAt,
      cursor: null,
    };
    const intake = { dedupeKey: `key-${counter}`, mail: null, inboxMail: { mail, attachments: files } };
    return stores.messages.receive(email, [intake]);
  };
  const put = async (inbox: DisposableInbox, changes: Partial<InboxMail> = {}): Promise<InboxMail> => {
    const mail = aMail(inbox, changes);
    await receive(mail);
    return mail;
  };

  describe('disposable inboxes: names and quotas', () => {
    test('one is created with the receipt of the request, and found by its owner and by its name', async () => {
      const inbox = anInbox({ label: 'sign-up' });
      await stores.inboxes.createIfAllowed(inbox, LIMITS, aReceipt('scope'));
      const counted = { ...inbox, messageCount: 0, unreadCount: 0 };
      expect(await stores.inboxes.find(reader(inbox), inbox.address)).toEqual(counted);
      expect(await stores.inboxes.findLiveByName(inbox.name, START)).toEqual(counted);
      expect(await stores.receipts.find('scope', 0)).toBeDefined();
    });

    test('a name that an agent or an inbox has, or had, is not given out again; nor is it to an agent', async () => {
      const inbox = await create();
      await stores.inboxes.deleteIfOwned(reader(inbox), inbox.address, START);
      await stores.inboxes.prune(START + DAY);
      await stores.agents.end(owner.agent.id, START);
      for (const name of [inbox.name, 'owner']) {
        const again = await stores.inboxes.createIfAllowed(anInbox({ name }), LIMITS);
        expect(again, name).toEqual({ kind: 'name_taken' });
      }
      await expect(register(stores, inbox.name)).rejects.toMatchObject({ code: 'name_taken' });
    });

    test('of those at once only so many are created, and it is said when one is free', async () => {
      const wishes = [3, 1, 2, 4, 5].map((hours) => anInbox({ expiresAt: START + hours * HOUR }));
      const made = await Promise.all(wishes.map((inbox) => stores.inboxes.createIfAllowed(inbox, LIMITS)));
      expect(made.map(({ kind }) => kind)).toEqual(['created', 'created', 'created', 'too_many', 'too_many']);
      expect(made[3]).toEqual({ kind: 'too_many', until: START + HOUR });
      const later = anInbox({ createdAt: START + HOUR, expiresAt: START + 2 * HOUR });
      expect(await stores.inboxes.createIfAllowed(later, LIMITS)).toEqual({ kind: 'created' });
    });

    test('deleted ones count for the hour and not for those alive; another quota is another', async () => {
      for (let made = 0; made < 5; made += 1) {
        const inbox = anInbox({ createdAt: START + made, expiresAt: START + HOUR });
        expect(await stores.inboxes.createIfAllowed(inbox, LIMITS)).toEqual({ kind: 'created' });
        await stores.inboxes.deleteIfOwned(reader(inbox), inbox.address, START + made);
      }
      const sixth = anInbox({ createdAt: START + 10 });
      expect(await stores.inboxes.createIfAllowed(sixth, LIMITS)).toEqual({ kind: 'too_fast', until: START + HOUR });
      expect(await stores.inboxes.createIfAllowed(anInbox({ quotaKey: 'other' }), LIMITS)).toEqual({ kind: 'created' });
      const anHourLater = anInbox({ createdAt: START + HOUR, expiresAt: START + 2 * HOUR });
      expect(await stores.inboxes.createIfAllowed(anHourLater, LIMITS)).toEqual({ kind: 'created' });
    });
  });

  describe('disposable inboxes: whose they are, and until when', () => {
    test('mail is taken until the very moment of expiry, and read until it is gone', async () => {
      const inbox = await create();
      const mail = await put(inbox, { receivedAt: inbox.expiresAt - 1 });
      await expect(put(inbox, { receivedAt: inbox.expiresAt })).rejects.toMatchObject({ code: 'recipient_unknown' });
      expect(await stores.inboxes.findLiveByName(inbox.name, inbox.expiresAt - 1)).toBeDefined();
      expect(await stores.inboxes.findLiveByName(inbox.name, inbox.expiresAt)).toBeUndefined();
      const last = reader(inbox, inbox.expiresAt - 1);
      expect(await stores.inboxes.findMail(last, null, mail.id)).toEqual(mail);
      const gone = reader(inbox, inbox.expiresAt);
      expect(await stores.inboxes.find(gone, inbox.address)).toBeUndefined();
      expect(await stores.inboxes.findMail(gone, null, mail.id)).toBeUndefined();
      expect((await stores.inboxes.list(gone, ALL)).items).toEqual([]);
      expect([await stores.inboxes.isOwner(last), await stores.inboxes.isOwner(gone)]).toEqual([true, false]);
    });

    test('nobody finds the inbox, the mail or the delete of another', async () => {
      const [mine, other] = [await create(), await create({ ownerId: 'other' })];
      const mail = await put(mine);
      const stranger = reader(other);
      expect(await stores.inboxes.find(stranger, mine.address)).toBeUndefined();
      expect(await stores.inboxes.findMail(stranger, mine.address, mail.id)).toBeUndefined();
      expect(await stores.inboxes.findMail(stranger, null, mail.id)).toBeUndefined();
      expect(await stores.inboxes.findMail(reader(mine), other.address, mail.id)).toBeUndefined();
      expect(await stores.inboxes.deleteIfOwned(stranger, mine.address, START)).toBeUndefined();
      expect((await stores.inboxes.list(stranger, ALL)).items.map(({ id }) => id)).toEqual([other.id]);
    });

    test('one whose keys are all dead takes no mail; a rotated key is of the same line', async () => {
      const inbox = await create();
      const next = aKey(owner.agent.id, { line: owner.key.line });
      await stores.keys.rotateIfLive(owner.key.id, next, START + MINUTE);
      expect(await stores.inboxes.findLiveByName(inbox.name, START + 2 * MINUTE)).toBeDefined();
      await stores.keys.revokeIfLive(next.id, START + 2 * MINUTE, null);
      expect(await stores.inboxes.findLiveByName(inbox.name, START + 2 * MINUTE)).toBeUndefined();
      await expect(put(inbox, { receivedAt: START + 2 * MINUTE })).rejects.toMatchObject({ code: 'recipient_unknown' });
      const anonymous = await create({ ownerType: 'anonymous', ownerId: hashOf('token') });
      expect(await stores.inboxes.findLiveByName(anonymous.name, START)).toBeDefined();
    });

    test('a deleted one and its mail are gone at once', async () => {
      const inbox = await create();
      const mail = await put(inbox);
      expect(await stores.inboxes.deleteIfOwned(reader(inbox), inbox.address, START + 2)).toMatchObject({
        id: inbox.id,
      });
      expect(await stores.inboxes.find(reader(inbox), inbox.address)).toBeUndefined();
      expect(await stores.inboxes.findMail(reader(inbox), null, mail.id)).toBeUndefined();
      expect(await stores.inboxes.findLiveByName(inbox.name, START)).toBeUndefined();
      await expect(put(inbox)).rejects.toMatchObject({ code: 'recipient_unknown' });
      expect(await stores.inboxes.deleteIfOwned(reader(inbox), inbox.address, START + 3)).toBeUndefined();
    });
  });

  describe('disposable inboxes: mail', () => {
    test('mail is stored with its files, told as new, and counted until it is read', async () => {
      const inbox = await create();
      const files = [anAttachment(0, 'first'), anAttachment(1, 'second')];
      const infos = files.map(({ content: _, ...info }) => info);
      const mail = aMail(inbox, { attachments: infos });
      expect(await receive(mail, files)).toHaveLength(1);
      expect(await stores.inboxes.findMail(reader(inbox), inbox.address, mail.id)).toEqual(mail);
      expect((await stores.inboxes.attachment(mail.id, 1))?.content.toString()).toBe('second');
      expect(await stores.inboxes.attachment(mail.id, 2)).toBeUndefined();
      const counts = async () => (await stores.inboxes.list(reader(inbox), ALL)).items[0];
      expect(await counts()).toMatchObject({ messageCount: 1, unreadCount: 1 });
      await stores.inboxes.markRead(mail.id, START + 5);
      await stores.inboxes.markRead(mail.id, START + 9);
      expect(await counts()).toMatchObject({ messageCount: 1, unreadCount: 0 });
      expect((await stores.inboxes.findMail(reader(inbox), null, mail.id))?.readAt).toBe(START + 5);
    });

    test('an inbox that is full takes no more', async () => {
      const inbox = await create({ maxMessages: 2 });
      await put(inbox);
      await put(inbox);
      await expect(put(inbox)).rejects.toMatchObject({ code: 'quota_exceeded' });
      expect(await stores.inboxes.findLiveByName(inbox.name, START)).toMatchObject({ messageCount: 2, maxMessages: 2 });
    });

    test('the same mail by another way is stored once', async () => {
      const inbox = await create();
      const intake = (mail: InboxMail) => ({ dedupeKey: 'same', mail: null, inboxMail: { mail, attachments: [] } });
      const email = (id: string) => ({ id, source: 'smtp', raw: null, receivedAt: START, cursor: null });
      expect(await stores.messages.receive(email('eml_a'), [intake(aMail(inbox))])).toHaveLength(1);
      expect(await stores.messages.receive(email('eml_b'), [intake(aMail(inbox))])).toHaveLength(0);
      expect(await stores.inboxes.findLiveByName(inbox.name, START)).toMatchObject({ messageCount: 1 });
    });

    test('a list is newest first, by pages, by time, author and subject', async () => {
      const inbox = await create();
      const one = await put(inbox, { receivedAt: START + 1 });
      const two = await put(inbox, { receivedAt: START + 2, from: { address: 'billing@example.org', name: null } });
      const three = await put(inbox, { receivedAt: START + 3, subject: null, from: null });
      const ids = async (filter = {}, page: { cursor: string | undefined; limit: number } = ALL) =>
        (await stores.inboxes.mails(inbox.id, filter, page)).items.map(({ id }) => id);
      expect(await ids()).toEqual([three.id, two.id, one.id]);
      expect(await ids({ since: START + 2 })).toEqual([three.id]);
      expect(await ids({ from: '@Example.ORG' })).toEqual([two.id]);
      expect(await ids({ subject: 'BESTÄTIGUNG' })).toEqual([two.id, one.id]);
      const first = await stores.inboxes.mails(inbox.id, {}, { cursor: undefined, limit: 2 });
      const { text: _, html: __, ...listed } = three;
      expect(first.items[0], 'without the texts, which may be large').toEqual(listed);
      expect((await stores.inboxes.newMails(inbox.id, undefined, {}, 10)).items[2]).toEqual(listed);
      expect(await ids({}, { cursor: first.nextCursor ?? '', limit: 2 })).toEqual([one.id]);
    });

    test('what came after a position, oldest first, and never what was there before', async () => {
      const inbox = await create({ maxMessages: 100 });
      await put(inbox);
      const start = await stores.inboxes.position(inbox.id);
      const nothing = await stores.inboxes.newMails(inbox.id, start, {}, 10);
      expect(nothing).toEqual({ items: [], position: start });
      const mails = [await put(inbox), await put(inbox), await put(inbox, { subject: 'other' })];
      const first = await stores.inboxes.newMails(inbox.id, start, {}, 2);
      expect(first.items.map(({ id }) => id)).toEqual([mails[0]?.id, mails[1]?.id]);
      const rest = await stores.inboxes.newMails(inbox.id, first.position, {}, 2);
      expect(rest.items.map(({ id }) => id)).toEqual([mails[2]?.id]);
      expect((await stores.inboxes.newMails(inbox.id, rest.position, {}, 2)).items).toEqual([]);
      const passedOver = await stores.inboxes.newMails(inbox.id, start, { subject: 'nobody wrote this' }, 2);
      expect((await stores.inboxes.newMails(inbox.id, passedOver.position, {}, 10)).items).toEqual([]);
      await expect(stores.inboxes.newMails(inbox.id, 'x', {}, 1)).rejects.toMatchObject({ code: 'invalid_cursor' });
    });

    test('pruning throws away mail, files and raw email, and nothing that an agent has', async () => {
      const [old, young] = [await create(), await create({ expiresAt: START + 2 * HOUR })];
      const shared = anAttachment(0, 'shared');
      const { content: _, ...info } = shared;
      const mail = aMail(old, { attachments: [info] });
      await receive(mail, [shared]);
      const kept = await put(young);
      const { message, delivery } = mailFor(owner, { attachments: [info] });
      await stores.messages.accept({ message, deliveries: [delivery], attachments: [shared] });
      expect(await stores.inboxes.prune(old.expiresAt)).toBe(0);
      expect(await stores.inboxes.prune(old.expiresAt + 1)).toBe(1);
      expect(await stores.inboxes.prune(old.expiresAt + 1)).toBe(0);
      expect(await stores.inboxes.findMail(reader(old, 0), null, mail.id)).toBeUndefined();
      expect(await stores.inboxes.findMail(reader(young), null, kept.id)).toEqual(kept);
      expect((await stores.messages.attachment(message.id, 0))?.content.toString()).toBe('shared');
    });
  });
}
