/** The rules of disposable inboxes with a clock that is moved by hand: addresses, IMAP, expiry, who is woken, what is kept. */
import { describe, expect, test } from 'vitest';
import { keepHouseOnce } from '../../../relay/broker/housekeeping.ts';
import { getInboxMail, waitForInboxMail } from '../../../relay/broker/inboxes/inbox-mail.ts';
import { type InboxOwner, inboxOwner } from '../../../relay/broker/inboxes/inbox-owner.ts';
import { createInbox, getInbox } from '../../../relay/broker/inboxes/inboxes.ts';
import { takeEmail } from '../../../relay/broker/intake/intake.ts';
import { letterBoxKeeper, smtpDesk } from '../../../relay/broker/mail-desk.ts';
import { Waiters } from '../../../relay/push/waiters.ts';
import { type Broker, openBroker } from '../../support/broker-fixture.ts';
import { DAY, HOUR, MINUTE } from '../../support/manual-clock.ts';
import { byImap, bySmtp, rawEmail } from '../../support/raw-email.ts';

const LETTER_SETTINGS = { mailboxAddresses: ['box@example.com'] };

async function ownerIn(broker: Broker, name = 'alice'): Promise<InboxOwner> {
  const { registered } = await broker.agent(name);
  const secret = registered.key.secret;
  return inboxOwner(broker.deps, { secret, remote: '192.0.2.1', isTool: false, mayBegin: false });
}

const arrives = (broker: Broker, raw: Buffer, to: string) =>
  takeEmail(broker.deps, { ...bySmtp(raw, to), receivedAt: broker.clock.now() });

describe('addresses', () => {
  test('at a domain of its own an inbox lives there, also where a mailbox is read', async () => {
    const broker = await openBroker({ settings: { ...LETTER_SETTINGS, domain: 'agents.example.com' } });
    const { inbox } = await createInbox(broker.deps, await ownerIn(broker), {});
    expect(inbox.address).toBe(`${inbox.name}@agents.example.com`);
  });

  test('where the domain is this machine only, it lives in the first mailbox, and mail found there is taken', async () => {
    const broker = await openBroker({ settings: LETTER_SETTINGS });
    const owner = await ownerIn(broker);
    const { inbox } = await createInbox(broker.deps, owner, {});
    expect(inbox.address).toBe(`box+${inbox.name}@example.com`);
    const keeper = letterBoxKeeper(broker.deps);
    const candidate = { addresses: [inbox.address], references: [] };
    expect(await keeper.isOurs(candidate)).toBe(true);
    expect(await keeper.isOurs({ ...candidate, addresses: ['box+quiet-owl-11@example.com'] })).toBe(false);
    const email = byImap(rawEmail({ to: inbox.address, text: 'Your code is 482913.' }));
    await takeEmail(broker.deps, { ...email, receivedAt: broker.clock.now() });
    await takeEmail(broker.deps, { ...email, receivedAt: broker.clock.now() });
    expect(await getInbox(broker.deps, owner, inbox.address)).toMatchObject({ messageCount: 1 });
    expect(await broker.deps.stores.mailboxes.find('box@example.com', 'INBOX')).toMatchObject({ lastUid: 7 });
    expect(broker.woken).toEqual([inbox.id]);
    broker.clock.advance(HOUR);
    expect(await keeper.isOurs(candidate), 'expired: left alone').toBe(false);
  });

  test('mail for a full inbox reaches no agent either, whatever it refers to', async () => {
    const tokenLetsIn = { smtp: true, imap: true, http: true };
    const broker = await openBroker({ settings: { ...LETTER_SETTINGS, tokenLetsIn } });
    const { inbox } = await createInbox(broker.deps, await ownerIn(broker), {});
    const bob = await broker.agent('bob');
    const { message } = await broker.send(bob, 'person@example.com');
    const answers = [`In-Reply-To: ${message.emailMessageId}`];
    const takes = async (uid: number) =>
      takeEmail(broker.deps, {
        ...byImap(rawEmail({ to: inbox.address, headers: answers }), uid),
        receivedAt: broker.clock.now(),
      });
    for (let uid = 1; uid <= 6; uid += 1) await takes(uid);
    const held = await broker.deps.stores.holds.list({ cursor: undefined, limit: 10 });
    expect(held.items).toEqual([]);
  });

  test('a tag behind the name is the same inbox (RFC 5233)', async () => {
    const broker = await openBroker();
    const owner = await ownerIn(broker);
    const { inbox } = await createInbox(broker.deps, owner, {});
    await arrives(broker, rawEmail({ to: inbox.address }), inbox.address.replace('@', '+news@'));
    expect(await getInbox(broker.deps, owner, inbox.address.toUpperCase())).toMatchObject({ messageCount: 1 });
  });

  test('a name that is taken is passed over for the next', async () => {
    const same = Buffer.alloc(64, 7);
    let given = 0;
    // The first two names are the same.
    const randomBytes = (size: number): Buffer => {
      given += 1;
      return given <= 6 ? same.subarray(0, size) : Buffer.alloc(size, given);
    };
    const broker = await openBroker({ randomBytes });
    const owner = await ownerIn(broker);
    const one = await createInbox(broker.deps, owner, {});
    const two = await createInbox(broker.deps, owner, {});
    expect(two.inbox.name).not.toBe(one.inbox.name);
  });
});

describe('SMTP', () => {
  test('an inbox is a recipient until it is full or expired; one that nobody made is none', async () => {
    const broker = await openBroker();
    const owner = await ownerIn(broker);
    const { inbox } = await createInbox(broker.deps, owner, { ttlMinutes: 10 });
    const desk = smtpDesk(broker.deps);
    expect(await desk.checkRecipient(inbox.address)).toEqual({ accepted: true });
    expect(await desk.checkRecipient('quiet-owl-11@turnpost.localhost')).toMatchObject({ accepted: false, code: 550 });
    for (let n = 0; n < 5; n += 1) await arrives(broker, rawEmail({ to: inbox.address }), inbox.address);
    expect(await desk.checkRecipient(inbox.address)).toMatchObject({ accepted: false, code: 552 });
    broker.clock.advance(10 * MINUTE - 1);
    expect(await desk.checkRecipient(inbox.address)).toMatchObject({ code: 552 });
    broker.clock.advance(1);
    expect(await desk.checkRecipient(inbox.address)).toMatchObject({ code: 550 });
  });

  test('that fills up or expires between RCPT and the end of the mail: come again', async () => {
    const broker = await openBroker();
    const { inbox } = await createInbox(broker.deps, await ownerIn(broker), { ttlMinutes: 1 });
    const raw = rawEmail({ to: inbox.address });
    broker.clock.advance(MINUTE);
    await expect(arrives(broker, raw, inbox.address)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('an email for an agent and an inbox reaches both, once each', async () => {
    const broker = await openBroker();
    const owner = await ownerIn(broker);
    const bob = await broker.agent('bob');
    const { inbox } = await createInbox(broker.deps, owner, {});
    const raw = rawEmail({ to: `${inbox.address}, ${bob.address}` });
    const email = bySmtp(raw, inbox.address);
    const both = { ...email.source, envelopeTo: [inbox.address, bob.address] };
    for (let n = 0; n < 2; n += 1) await takeEmail(broker.deps, { ...email, source: both });
    expect(await getInbox(broker.deps, owner, inbox.address)).toMatchObject({ messageCount: 1 });
    const held = await broker.deps.stores.holds.list({ cursor: undefined, limit: 10 });
    expect(held.items.map(({ delivery }) => delivery.agentId)).toEqual([bob.id]);
  });
});

describe('time', () => {
  const waitFor = (broker: Broker, waiters: Waiters, owner: InboxOwner, address: string, ms: number) =>
    waitForInboxMail(broker.deps, (id, left, signal) => waiters.wait(id, left, signal), owner, address, {
      after: undefined,
      filter: {},
      waitMs: ms,
      signal: new AbortController().signal,
    });

  test('a wait ends when the inbox does, empty; the next one is refused', async () => {
    const broker = await openBroker();
    const owner = await ownerIn(broker);
    const { inbox } = await createInbox(broker.deps, owner, { ttlMinutes: 1 });
    const waiters = new Waiters(broker.clock);
    const waiting = waitFor(broker, waiters, owner, inbox.address, 10 * MINUTE);
    await expect.poll(() => waiters.count).toBe(1);
    broker.clock.advance(MINUTE);
    expect((await waiting).items).toEqual([]);
    expect(waiters.count, 'nobody is left behind').toBe(0);
    await expect(waitFor(broker, waiters, owner, inbox.address, MINUTE)).rejects.toMatchObject({ code: 'expired' });
  });

  test('a wake for nothing goes on waiting, and the time is not given anew', async () => {
    const broker = await openBroker();
    const owner = await ownerIn(broker);
    const { inbox } = await createInbox(broker.deps, owner, {});
    const waiters = new Waiters(broker.clock);
    const waiting = waitFor(broker, waiters, owner, inbox.address, MINUTE);
    await expect.poll(() => waiters.count).toBe(1);
    broker.clock.advance(MINUTE / 2);
    waiters.wake([inbox.id]);
    await expect.poll(() => waiters.count).toBe(1);
    await arrives(broker, rawEmail({ to: inbox.address, subject: 'late' }), inbox.address);
    waiters.wake([inbox.id]);
    expect((await waiting).items.map(({ subject }) => subject)).toEqual(['late']);
  });

  test('housekeeping throws the mail away when its time of keeping is over, and not before', async () => {
    const broker = await openBroker();
    const owner = await ownerIn(broker);
    const { inbox } = await createInbox(broker.deps, owner, { ttlMinutes: 1 });
    await arrives(broker, rawEmail({ to: inbox.address }), inbox.address);
    const [mail] = (await broker.deps.stores.inboxes.mails(inbox.id, {}, { cursor: undefined, limit: 1 })).items;
    broker.clock.advance(MINUTE + DAY - 1);
    expect(await keepHouseOnce(broker.deps)).toMatchObject({ inboxes: 0 });
    expect(await getInboxMail(broker.deps, owner, null, mail?.id ?? '')).toBeDefined();
    broker.clock.advance(1);
    await expect(getInboxMail(broker.deps, owner, null, mail?.id ?? '')).rejects.toMatchObject({ code: 'not_found' });
    broker.clock.advance(1);
    expect(await keepHouseOnce(broker.deps)).toMatchObject({ inboxes: 1 });
    expect((await broker.deps.stores.inboxes.mails(inbox.id, {}, { cursor: undefined, limit: 1 })).items).toEqual([]);
  });
});

describe('who has no key', () => {
  const ask = (broker: Broker, remote: string, secret?: string) =>
    inboxOwner(broker.deps, { secret, remote, isTool: false, mayBegin: true });

  test('is counted by network address, whatever sessions it begins', async () => {
    const inboxes = { ...(await openBroker()).deps.settings.inboxes, anonymous: true };
    const broker = await openBroker({ settings: { inboxes } });
    const first = await ask(broker, '192.0.2.1');
    await createInbox(broker.deps, first, {});
    await expect(createInbox(broker.deps, await ask(broker, '192.0.2.1'), {})).rejects.toMatchObject({
      code: 'quota_exceeded',
      retryAfterSeconds: 3600,
    });
    await createInbox(broker.deps, await ask(broker, '192.0.2.2'), {});
    const again = await ask(broker, '192.0.2.1', first.newToken ?? '');
    expect([again.id, again.newToken]).toEqual([first.id, null]);
    const off = { ...broker.deps, settings: { ...broker.deps.settings, inboxes: { ...inboxes, anonymous: false } } };
    const secret = first.newToken ?? '';
    const still = await inboxOwner(off, { secret, remote: '192.0.2.1', isTool: false, mayBegin: false });
    expect(still.id, 'what was made before can be read').toBe(first.id);
    const more = inboxOwner(off, { secret, remote: '192.0.2.1', isTool: false, mayBegin: true });
    await expect(more, 'and no more is made').rejects.toMatchObject({ code: 'forbidden' });
    await expect(ask(broker, '192.0.2.1', 'tp_inbox_guessed')).rejects.toMatchObject({ code: 'unauthorized' });
  });
});
