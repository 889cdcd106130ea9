/** Emails that come in: dedupe, cursor, reports, all in one transaction. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CursorMove, Intake, ReceivedEmail, Stores } from '../../relay/store/stores.ts';
import {
  aSuppression,
  mailFor,
  postEmail,
  type Registered,
  register,
  START,
  stateOf,
} from '../support/store-fixture.ts';
import type { OpenStores } from './stores.ts';

export function receivingSuite(open: OpenStores): void {
  let stores: Stores;
  let reader: Registered;
  let counter = 0;
  beforeEach(async () => {
    stores = await open();
    reader = await register(stores, 'reader');
  });
  afterEach(() => stores.close());

  const email = (cursor: CursorMove | null = null): ReceivedEmail => {
    counter += 1;
    return { id: `eml_${counter}`, source: 'smtp 192.0.2.1', raw: Buffer.from('raw'), receivedAt: START, cursor };
  };
  const intake = (dedupeKey: string): Intake => {
    const { message, delivery } = mailFor(reader);
    return { dedupeKey, mail: { message, deliveries: [delivery] } };
  };
  const cursor = (lastUid: number, uidValidity = '7'): CursorMove => ({
    account: 'you@example.com',
    folder: 'INBOX',
    uidValidity,
    lastUid,
  });
  const position = () => stores.mailboxes.find('you@example.com', 'INBOX');

  test('tries of an email that was sent back are counted, and forgotten after a while', async () => {
    expect(await stores.deferrals.count('hash', START)).toEqual({ tries: 1, firstAt: START });
    expect(await stores.deferrals.count('hash', START + 5)).toEqual({ tries: 2, firstAt: START });
    expect(await stores.deferrals.count('other', START + 9)).toEqual({ tries: 1, firstAt: START + 9 });
    await stores.deferrals.prune(START + 9);
    expect(await stores.deferrals.count('hash', START + 10)).toEqual({ tries: 1, firstAt: START + 10 });
    expect(await stores.deferrals.count('other', START + 10)).toMatchObject({ tries: 2 });
  });

  describe('emails in', () => {
    test('mail and cursor move together, and what was new is told', async () => {
      const one = intake('key-1');
      expect(await stores.messages.receive(email(cursor(5)), [one])).toEqual([one]);
      expect(await stores.deliveries.countAvailable(reader.agent.id)).toBe(1);
      expect(await position()).toMatchObject({ uidValidity: '7', lastUid: 5 });
    });

    test('the same mail by another way is stored once, and its cursor moves all the same', async () => {
      await stores.messages.receive(email(), [intake('key-1')]);
      const other = intake('key-2');
      expect(await stores.messages.receive(email(cursor(6)), [intake('key-1'), other])).toEqual([other]);
      expect(await stores.deliveries.countAvailable(reader.agent.id)).toBe(2);
      expect((await position())?.lastUid).toBe(6);
    });

    test('the same key twice in one mail is one', async () => {
      expect(await stores.messages.receive(email(), [intake('key-1'), intake('key-1')])).toHaveLength(1);
      expect(await stores.deliveries.countAvailable(reader.agent.id)).toBe(1);
    });

    test('a mail that nobody stands for is the same as the proven one, but does not keep it out', async () => {
      const unproven = (): Intake => ({ ...intake('unproven-1'), provenKey: 'key-1' });
      expect(await stores.messages.receive(email(), [unproven()])).toHaveLength(1);
      expect(await stores.messages.receive(email(), [unproven()])).toHaveLength(0);
      expect(await stores.messages.receive(email(), [intake('key-1')])).toHaveLength(1);
      expect(await stores.messages.receive(email(), [{ ...unproven(), dedupeKey: 'unproven-2' }])).toHaveLength(0);
    });

    test('what is only remembered is not new the second time', async () => {
      const remembered: Intake = { dedupeKey: 'key-1', mail: null };
      expect(await stores.messages.receive(email(), [remembered])).toEqual([remembered]);
      expect(await stores.messages.receive(email(), [remembered])).toEqual([]);
    });

    test('a recipient who is gone undoes all of it, the cursor too', async () => {
      const gone = await register(stores, 'gone');
      const { message, delivery } = mailFor(gone);
      await stores.agents.end(gone.agent.id, START);
      const both: Intake[] = [intake('key-1'), { dedupeKey: 'key-2', mail: { message, deliveries: [delivery] } }];
      await expect(stores.messages.receive(email(cursor(9)), both)).rejects.toMatchObject({
        code: 'recipient_unknown',
      });
      expect(await position()).toBeUndefined();
      expect(await stores.deliveries.countAvailable(reader.agent.id)).toBe(0);
      expect(await stores.messages.receive(email(), [intake('key-1')])).toHaveLength(1);
    });

    test('a report makes a delivered email bounced, with the reason', async () => {
      const sent = await postEmail(stores);
      const item = await stores.outbox.claimNext(START, 1000, 'lse_1');
      if (item === undefined) throw new Error('nothing was due');
      const settled = { retryAt: null, now: START, notice: undefined };
      await stores.outbox.settleIfClaimed(item, { kind: 'delivered', reply: '250 ok' }, settled);
      const bounced = { deliveryId: sent.delivery.id, reason: '5.1.1 no such user' };
      await stores.messages.receive({ ...email(), receivedAt: START + 5 }, [{ ...intake('key-1'), bounced }]);
      expect(await stores.deliveries.find(sent.delivery.id)).toMatchObject({
        state: 'bounced',
        lastError: '5.1.1 no such user',
        finalizedAt: START + 5,
      });
      expect(await stores.deliveries.countAvailable(reader.agent.id)).toBe(1);
    });

    test('a second report of what has bounced changes nothing and tells nobody again', async () => {
      const sent = await postEmail(stores);
      const report = (key: string, reason: string): Intake => ({
        ...intake(key),
        bounced: { deliveryId: sent.delivery.id, reason },
      });
      await stores.messages.receive(email(), [report('key-1', 'first')]);
      const [again] = await stores.messages.receive(email(), [report('key-2', 'second')]);
      expect(again?.mail).toBeNull();
      expect((await stores.deliveries.find(sent.delivery.id))?.lastError).toBe('first');
      expect(await stores.deliveries.countAvailable(reader.agent.id)).toBe(1);
    });

    test("a report cannot bounce an agent's delivery", async () => {
      const one = intake('key-1');
      await stores.messages.receive(email(), [one]);
      const deliveryId = one.mail?.deliveries[0]?.id ?? '';
      await stores.messages.receive(email(), [
        { dedupeKey: 'key-2', mail: null, bounced: { deliveryId, reason: 'forged' } },
      ]);
      expect(await stateOf(stores, { id: deliveryId })).toBe('available');
    });
  });

  test('what a report or a proven sender says of an address is stored in the same step, once', async () => {
    const suppress = aSuppression('gone@example.com');
    const find = () => stores.suppressions.find('gone@example.com', null, START);
    const [reported, proven] = [
      { dedupeKey: 'report', mail: null, suppress },
      { dedupeKey: 'alive', mail: null },
    ];
    await stores.messages.receive(email(), [reported]);
    expect(await find()).toEqual(suppress);
    await stores.suppressions.add({ ...suppress, reason: 'complaint' });
    await stores.messages.receive(email(), [{ ...proven, lifts: 'gone@example.com' }]);
    expect((await find())?.reason).toBe('complaint');
    await stores.suppressions.remove('gone@example.com');
    await stores.messages.receive(email(), [reported]);
    expect(await find()).toBeUndefined();
  });

  describe('mailboxes', () => {
    test('a cursor never moves back in the same mailbox, and starts anew in a rebuilt one', async () => {
      expect(await position()).toBeUndefined();
      await stores.mailboxes.move(cursor(10));
      await stores.mailboxes.move(cursor(4));
      expect(await position()).toMatchObject({ uidValidity: '7', lastUid: 10 });
      await stores.messages.receive(email(cursor(3)), []);
      expect((await position())?.lastUid).toBe(10);
      await stores.mailboxes.move(cursor(2, '8'));
      expect(await position()).toMatchObject({ uidValidity: '8', lastUid: 2 });
    });

    test('where reading began stays as it was at the first move, until the mailbox is rebuilt', async () => {
      await stores.mailboxes.move(cursor(10));
      await stores.mailboxes.move(cursor(12));
      await stores.messages.receive(email(cursor(4)), []);
      expect(await position()).toEqual({ uidValidity: '7', firstUid: 11, lastUid: 12 });
      await stores.mailboxes.move(cursor(0, '8'));
      await stores.mailboxes.move(cursor(5, '8'));
      expect(await position()).toEqual({ uidValidity: '8', firstUid: 1, lastUid: 5 });
    });

    test('mailboxes and folders have each their own cursor', async () => {
      await stores.mailboxes.move(cursor(1));
      await stores.mailboxes.move({ ...cursor(2), folder: 'Agents' });
      await stores.mailboxes.move({ ...cursor(3), account: 'other@example.com' });
      expect((await position())?.lastUid).toBe(1);
    });

    test('failures are counted by UID until the cursor is moved onto it, or far past it', async () => {
      const fail = (uid: number, uidValidity = '7') =>
        stores.mailboxes.countFailure('you@example.com', 'INBOX', uidValidity, uid);
      expect([await fail(5), await fail(5), await fail(6), await fail(5, '8')]).toEqual([1, 2, 1, 1]);
      await stores.mailboxes.move(cursor(5));
      expect([await fail(5), await fail(6), await fail(5, '8')]).toEqual([1, 2, 1]);
      await stores.mailboxes.move(cursor(7));
      expect([await fail(5), await fail(6)]).toEqual([2, 3]);
      await stores.mailboxes.move(cursor(2000));
      expect(await fail(5)).toBe(1);
    });
  });
}
