/** One call of a session: evidence, release, lease, in this order. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Stores, Turn } from '../../relay/store/stores.ts';
import { MINUTE } from '../support/manual-clock.ts';
import {
  ALL,
  aTurn,
  LEASE_MS,
  type LeaseWish,
  post,
  type Registered,
  register,
  START,
  stateOf,
} from '../support/store-fixture.ts';
import type { OpenStores } from './stores.ts';

type Changes = Partial<Omit<Turn, 'lease'>> & { readonly lease?: Partial<LeaseWish> | null };

export function turnSuite(open: OpenStores): void {
  let stores: Stores;
  let reader: Registered;
  beforeEach(async () => {
    stores = await open();
    reader = await register(stores, 'reader');
  });
  afterEach(() => stores.close());

  const turn = (changes: Changes = {}, now = START) => stores.deliveries.turn(aTurn(reader, now, changes));
  const evidence = (...messageIds: string[]): Changes => ({ evidence: [{ messageIds, kind: 'transcript' }] });

  describe('handing out', () => {
    test('urgent first, else oldest first, up to what is asked for; each with its attempt and its lease', async () => {
      const old = await post(stores, reader);
      const low = await post(stores, reader, { priority: 'low' });
      const urgent = await post(stores, reader, { priority: 'urgent' });
      await post(stores, reader, { priority: 'high' });
      const { items, lease, waiting } = await turn({ lease: { max: 3 } });
      expect(items.map(({ message }) => message.id)).toEqual([urgent, old, low].map(({ message }) => message.id));
      expect(items.map(({ delivery }) => [delivery.state, delivery.attempt])).toEqual(Array(3).fill(['leased', 1]));
      expect(items.every(({ delivery }) => delivery.leaseId === lease?.id)).toBe(true);
      expect(lease).toMatchObject({ sessionId: 'session-1', promptId: 'prompt-1', expiresAt: START + LEASE_MS });
      expect(waiting).toBe(1);
    });

    test('what one session holds no other gets, and nothing means no lease', async () => {
      await post(stores, reader);
      await turn();
      const second = await turn({ sessionId: 'session-2' });
      expect(second).toMatchObject({ items: [], lease: null, waiting: 0 });
    });

    test('one agent never gets the mail of another', async () => {
      const other = await register(stores, 'other');
      await post(stores, other);
      expect((await turn()).items).toEqual([]);
    });

    test('only what the rules choose is taken; what they refuse is held with the reason', async () => {
      const [first, second, third] = [
        await post(stores, reader),
        await post(stores, reader),
        await post(stores, reader),
      ];
      const result = await turn({
        lease: {
          choose: () => ({
            take: [third.delivery.id],
            quarantine: [{ deliveryId: first.delivery.id, holdId: 'hld_1', reason: 'it is not what was signed' }],
          }),
        },
      });
      expect(result).toMatchObject({ quarantined: 1, waiting: 1, items: [{ message: { id: third.message.id } }] });
      expect(await stateOf(stores, second.delivery)).toBe('available');
      expect(await stores.holds.find('hld_1')).toMatchObject({
        hold: { kind: 'quarantine', reason: 'it is not what was signed', createdAt: START },
        delivery: { id: first.delivery.id, state: 'held' },
      });
      expect((await stores.holds.list(ALL)).items).toHaveLength(1);
    });

    test('what was not offered cannot be chosen', async () => {
      const other = await register(stores, 'other');
      const { delivery } = await post(stores, other);
      const quarantine = [{ deliveryId: delivery.id, holdId: 'hld_1', reason: 'broken' }];
      const result = await turn({ lease: { choose: () => ({ take: [delivery.id], quarantine }) } });
      expect(result).toMatchObject({ items: [], lease: null, quarantined: 0 });
      expect(await stateOf(stores, delivery)).toBe('available');
    });

    test('what is refused is not taken, even when it is chosen too', async () => {
      const { delivery } = await post(stores, reader);
      const quarantine = [{ deliveryId: delivery.id, holdId: 'hld_1', reason: 'broken' }];
      const result = await turn({ lease: { choose: () => ({ take: [delivery.id], quarantine }) } });
      expect(result).toMatchObject({ items: [], lease: null, quarantined: 1 });
      expect(await stateOf(stores, delivery)).toBe('held');
    });

    test('expired mail is not handed out, even before it was looked after', async () => {
      await post(stores, reader, { expiresAt: START + 5 });
      expect((await turn({}, START + 5)).items).toEqual([]);
      expect((await turn({}, START + 4)).items).toHaveLength(1);
    });
  });

  describe('evidence', () => {
    test('confirms what is leased, once, and keeps the first evidence', async () => {
      const { message, delivery } = await post(stores, reader);
      await turn();
      expect((await turn(evidence(message.id), START + 1)).confirmed).toBe(1);
      expect((await turn(evidence(message.id), START + 2)).confirmed).toBe(0);
      expect(await stores.deliveries.find(delivery.id)).toMatchObject({
        state: 'delivered',
        evidence: 'transcript',
        deliveredAt: START + 1,
        finalizedAt: START + 1,
        leaseId: null,
      });
    });

    test('counts from whatever attempt: after a release, and while another session holds it', async () => {
      const released = await post(stores, reader);
      await turn();
      await turn({ release: 'all', lease: null });
      expect(await stateOf(stores, released.delivery)).toBe('available');
      await turn({ ...evidence(released.message.id), lease: null });
      expect(await stateOf(stores, released.delivery)).toBe('delivered');

      const moved = await post(stores, reader);
      await turn();
      await turn({ release: 'all', lease: null });
      await turn({ sessionId: 'session-2' });
      await turn({ ...evidence(moved.message.id), lease: null });
      expect(await stateOf(stores, moved.delivery)).toBe('delivered');
    });

    test('of a message that was never handed out is none', async () => {
      const { message, delivery } = await post(stores, reader);
      expect((await turn({ ...evidence(message.id), lease: null })).confirmed).toBe(0);
      expect(await stateOf(stores, delivery)).toBe('available');
    });

    test("of another agent's message is none", async () => {
      const other = await register(stores, 'other');
      const { message, delivery } = await post(stores, other);
      await stores.deliveries.turn(aTurn(other, START));
      expect((await turn(evidence(message.id))).confirmed).toBe(0);
      expect(await stateOf(stores, delivery)).toBe('leased');
    });

    test('wins over release and over expiry in the same call', async () => {
      const { message, delivery } = await post(stores, reader, { expiresAt: START + 5 });
      await turn();
      const result = await turn({ ...evidence(message.id), release: 'all' }, START + 10);
      expect(result).toMatchObject({ confirmed: 1, released: 0, items: [] });
      expect(await stateOf(stores, delivery)).toBe('delivered');
    });

    test('asking again confirms what this session was given by this path, and nothing else', async () => {
      const byTool = await post(stores, reader);
      await turn({ promptId: null, lease: { path: 'tool' } });
      const byHook = await post(stores, reader);
      await turn();
      const elsewhere = await post(stores, reader);
      await turn({ sessionId: 'session-2', promptId: null, lease: { path: 'tool' } });
      const fresh = await post(stores, reader);
      const again = await turn({
        promptId: null,
        confirmPath: { path: 'tool', kind: 'asked_again' },
        lease: { path: 'tool' },
      });
      expect(again).toMatchObject({ confirmed: 1, items: [{ message: { id: fresh.message.id } }] });
      expect(await stores.deliveries.find(byTool.delivery.id)).toMatchObject({ evidence: 'asked_again' });
      expect(await stateOf(stores, byHook.delivery)).toBe('leased');
      expect(await stateOf(stores, elsewhere.delivery)).toBe('leased');
    });

    test('a continuation confirms what that one lease gave, in the same prompt only', async () => {
      const confirm = (leaseId: string | undefined): Changes => ({
        confirmLease: { leaseId: leaseId ?? '', kind: 'continuation' },
        lease: null,
      });
      const first = await post(stores, reader);
      const given = await turn();
      const second = await post(stores, reader);
      await turn();
      expect((await turn({ ...confirm(given.lease?.id), promptId: 'prompt-2' })).confirmed).toBe(0);
      expect((await turn({ ...confirm(given.lease?.id), sessionId: 'session-2' })).confirmed).toBe(0);
      expect((await turn(confirm(given.lease?.id))).confirmed).toBe(1);
      expect(await stores.deliveries.find(first.delivery.id)).toMatchObject({ evidence: 'continuation' });
      expect(await stateOf(stores, second.delivery)).toBe('leased');
    });

    test('a host that names no prompts gives no continuation evidence', async () => {
      await post(stores, reader);
      const { lease } = await turn({ promptId: null });
      const confirmLease = { leaseId: lease?.id ?? '', kind: 'continuation' } as const;
      expect((await turn({ promptId: null, confirmLease, lease: null })).confirmed).toBe(0);
    });

    test('by name (read, acknowledged) it counts without a hand-out; the final state answers the same again', async () => {
      const { message, delivery } = await post(stores, reader);
      const confirmed = await stores.deliveries.confirm(reader.agent.id, message.id, 'read', START + 1);
      expect(confirmed).toMatchObject({ id: delivery.id, state: 'delivered', evidence: 'read', attempt: 0 });
      expect(await stores.deliveries.confirm(reader.agent.id, message.id, 'ack', START + 2)).toEqual(confirmed);
      expect(await stores.deliveries.confirm(reader.agent.id, 'msg_none', 'ack', START)).toBeUndefined();
    });
  });

  describe('release', () => {
    test("an earlier prompt's end of turn is given up and comes again in the same call, the next attempt", async () => {
      const { message } = await post(stores, reader);
      await turn();
      const again = await turn({ promptId: 'prompt-2', release: 'earlier_prompt' });
      expect(again).toMatchObject({ released: 1, items: [{ message: { id: message.id }, delivery: { attempt: 2 } }] });
    });

    test('the same prompt gives up nothing; without prompt ids any earlier call does', async () => {
      const { delivery } = await post(stores, reader);
      await turn();
      expect((await turn({ release: 'earlier_prompt' })).released).toBe(0);
      expect(await stateOf(stores, delivery)).toBe('leased');
      expect((await turn({ release: 'earlier_prompt', promptId: null, lease: null })).released).toBe(1);
    });

    test('a prompt gives up neither what a tool was given nor what another session holds', async () => {
      const byTool = await post(stores, reader);
      await turn({ promptId: null, lease: { path: 'tool' } });
      const elsewhere = await post(stores, reader);
      await turn({ sessionId: 'session-2' });
      await turn({ promptId: 'prompt-2', release: 'earlier_prompt' });
      expect(await stateOf(stores, byTool.delivery)).toBe('leased');
      expect(await stateOf(stores, elsewhere.delivery)).toBe('leased');
      expect((await turn({ release: 'all', lease: null })).released).toBe(1);
      expect(await stateOf(stores, elsewhere.delivery)).toBe('leased');
    });

    test('what expired while leased is expired when it is given up', async () => {
      const { delivery } = await post(stores, reader, { expiresAt: START + 5 });
      await turn();
      await turn({ release: 'all' }, START + 5);
      expect(await stores.deliveries.find(delivery.id)).toMatchObject({ state: 'expired', finalizedAt: START + 5 });
    });

    test('a lease is given back by its own holder, once; a late caller changes nothing', async () => {
      const { delivery } = await post(stores, reader);
      const other = await register(stores, 'other');
      const first = (await turn()).lease?.id ?? '';
      expect(await stores.deliveries.releaseIfHeld(other.agent.id, first, START)).toBeUndefined();
      expect(await stores.deliveries.releaseIfHeld(reader.agent.id, 'lse_none', START)).toBeUndefined();
      expect(await stores.deliveries.releaseIfHeld(reader.agent.id, first, START)).toBe(1);
      await turn();
      expect(await stores.deliveries.releaseIfHeld(reader.agent.id, first, START)).toBeUndefined();
      expect(await stores.deliveries.find(delivery.id)).toMatchObject({ state: 'leased', attempt: 2 });
    });

    test('a lease ends with the evidence for all it covers: then there is nothing to give back', async () => {
      const [one, two] = [await post(stores, reader), await post(stores, reader)];
      const lease = (await turn()).lease?.id ?? '';
      await turn({ ...evidence(one.message.id), lease: null });
      await stores.deliveries.confirm(reader.agent.id, two.message.id, 'ack', START);
      expect(await stores.deliveries.releaseIfHeld(reader.agent.id, lease, START)).toBeUndefined();
    });
  });

  describe('running out', () => {
    test('a lease that ran out is rescued, and who has mail again is told; before that nothing happens', async () => {
      const { delivery } = await post(stores, reader);
      await turn();
      expect(await stores.deliveries.rescue(START + LEASE_MS - 1)).toEqual([]);
      expect(await stores.deliveries.rescue(START + LEASE_MS)).toEqual([reader.agent.id]);
      expect(await stores.deliveries.find(delivery.id)).toMatchObject({
        state: 'available',
        attempt: 1,
        leaseId: null,
      });
    });

    test('any call of the session renews its leases by their own length; another session does not', async () => {
      const { delivery } = await post(stores, reader);
      await turn();
      await turn({ lease: null }, START + 9 * MINUTE);
      await turn({ sessionId: 'session-2', lease: null }, START + 12 * MINUTE);
      expect(await stores.deliveries.rescue(START + 18 * MINUTE)).toEqual([]);
      expect(await stateOf(stores, delivery)).toBe('leased');
      expect(await stores.deliveries.rescue(START + 19 * MINUTE)).toEqual([reader.agent.id]);
    });

    test('a lease that has run out is not renewed by a late call', async () => {
      await post(stores, reader);
      await turn();
      await turn({ lease: null }, START + LEASE_MS);
      expect(await stores.deliveries.rescue(START + LEASE_MS)).toEqual([reader.agent.id]);
    });

    test('what nobody took in time expires; what is leased is judged when its lease ends', async () => {
      const leased = await post(stores, reader, { expiresAt: START + 5 });
      await turn();
      const waiting = await post(stores, reader, { expiresAt: START + 5 });
      const forever = await post(stores, reader);
      expect((await stores.deliveries.expire(START + 4, () => undefined)).expired).toBe(0);
      expect((await stores.deliveries.expire(START + 5, () => undefined)).expired).toBe(1);
      expect(await stateOf(stores, waiting.delivery)).toBe('expired');
      expect(await stateOf(stores, leased.delivery)).toBe('leased');
      await stores.deliveries.rescue(START + LEASE_MS);
      expect(await stateOf(stores, leased.delivery)).toBe('expired');
      expect(await stateOf(stores, forever.delivery)).toBe('available');
      expect(await stores.deliveries.countOpen()).toEqual(new Map([['available', 1]]));
    });
  });
}
