/** The outbox: claimed by one worker, settled by that worker only. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OutboxItem, Stores } from '../../relay/store/stores.ts';
import type { Message } from '../../relay/types.ts';
import { MINUTE } from '../support/manual-clock.ts';
import {
  ALL,
  aSuppression,
  aTurn,
  mailFor,
  post,
  postEmail,
  type Registered,
  register,
  START,
  stateOf,
} from '../support/store-fixture.ts';
import type { OpenStores } from './stores.ts';

export function outboxSuite(open: OpenStores): void {
  let stores: Stores;
  let writer: Registered;
  let leases = 0;
  beforeEach(async () => {
    stores = await open();
    writer = await register(stores, 'writer');
  });
  afterEach(() => stores.close());

  const claim = async (now = START, leaseMs = MINUTE) => {
    leases += 1;
    return stores.outbox.claimNext(now, leaseMs, `lse_${leases}`);
  };
  const mustClaim = async (now = START): Promise<OutboxItem> => {
    const item = await claim(now);
    if (item === undefined) throw new Error('nothing was due');
    return item;
  };
  const settled = (changes: { retryAt?: number | null; now?: number } = {}) => ({
    retryAt: null,
    now: START,
    notice: undefined,
    ...changes,
  });
  const DELIVERED = { kind: 'delivered', reply: '250 ok' } as const;
  const DEFERRED = { kind: 'deferred', reason: '421 busy', code: 421 } as const;
  const REFUSED = { kind: 'refused', reason: '550 no such user', code: 550 } as const;

  describe('outbox', () => {
    test('what has been due longest goes first, with its bytes, and goes to one worker', async () => {
      const late = await postEmail(stores, {}, { availableAt: START + 2 });
      const soon = await postEmail(stores, {}, { availableAt: START + 1 });
      await post(stores, writer);
      expect(await claim(START)).toBeUndefined();
      expect(await stores.outbox.nextDueAt()).toBe(START + 1);
      const first = await mustClaim(START + 5);
      expect(first.email).toEqual(soon.email);
      expect(first.delivery).toMatchObject({ id: soon.delivery.id, state: 'leased', attempt: 1 });
      expect((await mustClaim(START + 5)).delivery.id).toBe(late.delivery.id);
      expect(await claim(START + 5)).toBeUndefined();
      expect(await stores.outbox.nextDueAt()).toBeUndefined();
    });

    test('two workers that ask at the same moment get different emails', async () => {
      await postEmail(stores);
      await postEmail(stores);
      const [one, two, three] = await Promise.all([claim(), claim(), claim()]);
      expect(new Set([one?.delivery.id, two?.delivery.id]).size).toBe(2);
      expect(three).toBeUndefined();
    });

    test('mail for a domain that may not be sent to holds up no other', async () => {
      const to = (address: string, availableAt: number) => postEmail(stores, {}, { address, availableAt });
      await to('a@busy.example.com', START);
      await to('b@busy.example.com', START + 1);
      const other = await to('c@example.org', START + 2);
      const last = await to('d@example.net', START + 3);
      const except = ['busy.example.com', 'nobody.example.com'];
      const claimExcept = (domains: readonly string[], id: string) =>
        stores.outbox.claimNext(START + 9, MINUTE, id, domains);
      expect(await stores.outbox.nextDueAt(except)).toBe(START + 2);
      expect((await claimExcept(except, 'lse_a'))?.delivery.id).toBe(other.delivery.id);
      expect((await claimExcept(except, 'lse_b'))?.delivery.id).toBe(last.delivery.id);
      expect(await claimExcept(except, 'lse_c')).toBeUndefined();
      expect(await stores.outbox.nextDueAt(except)).toBeUndefined();
      expect((await claimExcept([], 'lse_d'))?.delivery.address).toBe('a@busy.example.com');
    });

    test('of a domain, too, held, expired and later mail is not claimed', async () => {
      await postEmail(stores, {}, { address: 'a@example.org', state: 'held' });
      await postEmail(stores, { expiresAt: START }, { address: 'b@example.org' });
      await postEmail(stores, {}, { address: 'c@example.org', availableAt: START + 1 });
      const fine = await postEmail(stores, {}, { address: 'd@example.org' });
      const next = () => stores.outbox.claimNext(START, MINUTE, 'lse_a', ['x.example.com']);
      expect((await next())?.delivery.id).toBe(fine.delivery.id);
      expect(await next()).toBeUndefined();
    });

    test('what went out is known with its domain and time, also after a restart', async () => {
      for (const [address, now] of [
        ['a@example.org', START + 1],
        ['b@example.net', START + 2],
        ['c@example.org', START + 3],
      ] as const) {
        await postEmail(stores, {}, { address });
        await stores.outbox.settleIfClaimed(await mustClaim(START + 9), DELIVERED, settled({ now }));
      }
      await postEmail(stores);
      await stores.outbox.settleIfClaimed(await mustClaim(START + 9), REFUSED, settled({ now: START + 4 }));
      const [one, two, three] = [
        { domain: 'example.org', at: START + 1 },
        { domain: 'example.net', at: START + 2 },
        { domain: 'example.org', at: START + 3 },
      ];
      expect(await stores.outbox.sentSince(START, 9)).toEqual([one, two, three]);
      expect(await stores.outbox.sentSince(START + 1, 9)).toEqual([two, three]);
      expect(await stores.outbox.sentSince(START, 2)).toEqual([two, three]);
    });

    test('an alias of an email finds its message, once the email is settled', async () => {
      const { delivery } = await postEmail(stores);
      const alias = '<other@amazonses.com>';
      const item = await mustClaim();
      expect(await stores.messages.findByEmailMessageId([alias])).toBeUndefined();
      await stores.outbox.settleIfClaimed(item, DELIVERED, { ...settled(), alias });
      await stores.outbox.settleIfClaimed(item, DELIVERED, { ...settled(), alias: '<late@amazonses.com>' });
      expect((await stores.messages.findByEmailMessageId(['<x@y>', alias]))?.id).toBe(delivery.messageId);
      expect(await stores.messages.findByEmailMessageId(['<late@amazonses.com>'])).toBeUndefined();
    });

    test('held and expired emails are not claimed', async () => {
      await postEmail(stores, {}, { state: 'held' });
      await postEmail(stores, { expiresAt: START });
      expect(await claim()).toBeUndefined();
    });

    test('delivered: final, with the next server as evidence', async () => {
      await postEmail(stores);
      const after = await stores.outbox.settleIfClaimed(await mustClaim(), DELIVERED, settled({ now: START + 3 }));
      expect(after).toMatchObject({
        state: 'delivered',
        evidence: 'smtp',
        deliveredAt: START + 3,
        finalizedAt: START + 3,
        leaseId: null,
        lastError: null,
      });
    });

    test('deferred: due again at that time, with the reason; then delivered', async () => {
      await postEmail(stores);
      const after = await stores.outbox.settleIfClaimed(
        await mustClaim(),
        DEFERRED,
        settled({ retryAt: START + MINUTE }),
      );
      expect(after).toMatchObject({ state: 'deferred', availableAt: START + MINUTE, lastError: '421 busy' });
      expect(await stores.outbox.nextDueAt()).toBe(START + MINUTE);
      expect(await claim(START + MINUTE - 1)).toBeUndefined();
      const again = await mustClaim(START + MINUTE);
      expect(again.delivery.attempt).toBe(2);
      expect((await stores.outbox.settleIfClaimed(again, DELIVERED, settled()))?.state).toBe('delivered');
    });

    test('made smaller: every later attempt has the new bytes', async () => {
      await postEmail(stores);
      const raw = Buffer.from('Subject: smaller\r\n\r\n');
      await stores.outbox.settleIfClaimed(await mustClaim(), DEFERRED, { ...settled({ retryAt: START }), raw });
      const again = await mustClaim();
      expect(again.email.raw.equals(raw)).toBe(true);
      await stores.outbox.settleIfClaimed(again, DEFERRED, settled({ retryAt: START }));
      expect((await mustClaim()).email.raw.equals(raw)).toBe(true);
    });

    test('refused, or deferred without a next time: bounced', async () => {
      await postEmail(stores);
      const refused = await stores.outbox.settleIfClaimed(await mustClaim(), REFUSED, settled());
      expect(refused).toMatchObject({ state: 'bounced', lastError: '550 no such user', finalizedAt: START });
      await postEmail(stores);
      const gaveUp = await stores.outbox.settleIfClaimed(await mustClaim(), DEFERRED, settled());
      expect(gaveUp).toMatchObject({ state: 'bounced', lastError: 'gave up: 421 busy' });
    });

    test('the notice to the sender is stored in the same transaction, where the sender lives', async () => {
      await postEmail(stores);
      await postEmail(stores);
      const notice = () => {
        const { message, delivery } = mailFor(writer, { type: 'bounce' });
        return { message, deliveries: [delivery] };
      };
      await stores.outbox.settleIfClaimed(await mustClaim(), REFUSED, { ...settled(), notice: notice() });
      expect(await stores.deliveries.countAvailable(writer.agent.id)).toBe(1);
      await stores.agents.end(writer.agent.id, START);
      const last = notice();
      const after = await stores.outbox.settleIfClaimed(await mustClaim(), REFUSED, { ...settled(), notice: last });
      expect(after?.state).toBe('bounced');
      expect(await stores.messages.find(last.message.id)).toBeUndefined();
    });

    test('a stale claim settles nothing, neither after a rescue nor after another worker took it', async () => {
      const { delivery } = await postEmail(stores);
      const stale = await mustClaim();
      expect(await stores.deliveries.rescue(START + MINUTE)).toEqual([]);
      expect(await stateOf(stores, delivery)).toBe('available');
      const { message, delivery: copy } = mailFor(writer, { type: 'bounce' });
      const late = { ...settled(), notice: { message, deliveries: [copy] } };
      expect(await stores.outbox.settleIfClaimed(stale, REFUSED, late)).toBeUndefined();
      expect(await stateOf(stores, delivery)).toBe('available');
      const fresh = await mustClaim(START + MINUTE);
      expect(await stores.outbox.settleIfClaimed(stale, REFUSED, late)).toBeUndefined();
      expect(await stores.messages.find(message.id)).toBeUndefined();
      expect(await stores.deliveries.find(delivery.id)).toMatchObject({ state: 'leased', attempt: 2 });
      expect((await stores.outbox.settleIfClaimed(fresh, DELIVERED, settled()))?.state).toBe('delivered');
      expect(await stores.outbox.settleIfClaimed(fresh, REFUSED, settled())).toBeUndefined();
    });

    test('what expires tells its sender in the same step, where that one lives; what was in hand is ended the same way', async () => {
      const from = { expiresAt: START + 5, senderAgentId: writer.agent.id };
      const waiting = await postEmail(stores, from);
      await postEmail(stores, from, { address: 'other@example.com' });
      const inHand = await mustClaim();
      const tell = (message: Message) => {
        const mail = mailFor(writer, { type: 'bounce', inReplyTo: message.id });
        return { message: mail.message, deliveries: [mail.delivery] };
      };
      expect(await stores.deliveries.expire(START + 4, tell)).toEqual({ expired: 0, told: [] });
      const first = await stores.deliveries.expire(START + 5, tell);
      expect([first.expired, first.told.length]).toEqual([1, 1]);
      await stores.outbox.rescueAll(START + 6);
      expect(await stateOf(stores, inHand.delivery)).toBe('available');
      expect(await stores.outbox.claimNext(START + 6, MINUTE, 'lse_late')).toBeUndefined();
      const second = await stores.deliveries.expire(START + 6, tell);
      expect(await stateOf(stores, inHand.delivery)).toBe('expired');
      const told = [...first.told, ...second.told].map(({ message }) => message.inReplyTo);
      expect(told).toContain(waiting.message.id);
      expect(await stores.deliveries.countAvailable(writer.agent.id)).toBe(2);
      expect((await stores.deliveries.expire(START + 7, tell)).told).toEqual([]);

      await postEmail(stores, from, { address: 'third@example.com' });
      await stores.agents.end(writer.agent.id, START);
      expect(await stores.deliveries.expire(START + 8, tell)).toEqual({ expired: 1, told: [] });
    });

    test('an address that is no more is suppressed with the outcome, by the holder of the claim only', async () => {
      await postEmail(stores);
      const stale = await mustClaim();
      await stores.deliveries.rescue(START + MINUTE);
      const suppress = aSuppression('person@example.com');
      const find = () => stores.suppressions.find('person@example.com', null, START);
      await stores.outbox.settleIfClaimed(stale, REFUSED, { ...settled(), suppress });
      expect(await find()).toBeUndefined();
      await stores.outbox.settleIfClaimed(await mustClaim(START + MINUTE), REFUSED, { ...settled(), suppress });
      expect(await find()).toEqual(suppress);
    });

    test('at start, what a dead worker had in hand is due again; leases of sessions stay', async () => {
      const email = await postEmail(stores);
      const mail = await post(stores, writer);
      await mustClaim();
      await stores.deliveries.turn(aTurn(writer, START));
      await stores.outbox.rescueAll(START + 5);
      expect(await stores.deliveries.find(email.delivery.id)).toMatchObject({
        state: 'available',
        availableAt: START + 5,
      });
      expect(await stateOf(stores, mail.delivery)).toBe('leased');
    });

    test('the list is newest first, page by page; an email is found by its ENVID', async () => {
      const [one, two, three] = [await postEmail(stores), await postEmail(stores), await postEmail(stores)];
      const first = await stores.outbox.list({ cursor: undefined, limit: 2 });
      expect(first.items.map(({ delivery }) => delivery.id)).toEqual([three.delivery.id, two.delivery.id]);
      const rest = await stores.outbox.list({ cursor: first.nextCursor ?? '', limit: 2 });
      expect(rest.items).toEqual([{ delivery: one.delivery, email: one.email }]);
      expect((await stores.outbox.list(ALL)).nextCursor).toBeNull();
      expect((await stores.outbox.findByEnvid(two.email.envid))?.delivery.id).toBe(two.delivery.id);
      expect(await stores.outbox.findByEnvid('none')).toBeUndefined();
    });
  });
}
