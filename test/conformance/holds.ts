/** Holds: listed, decided once. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Stores } from '../../relay/store/stores.ts';
import type { Hold } from '../../relay/types.ts';
import {
  ALL,
  aDelivery,
  aHold,
  aMessage,
  anEmail,
  aTurn,
  mailFor,
  postHeld,
  type Registered,
  register,
  START,
  stateOf,
} from '../support/store-fixture.ts';
import type { OpenStores } from './stores.ts';

export function holdSuite(open: OpenStores): void {
  let stores: Stores;
  let reader: Registered;
  beforeEach(async () => {
    stores = await open();
    reader = await register(stores, 'reader');
  });
  afterEach(() => stores.close());

  describe('holds', () => {
    test('are listed newest first with delivery and message, page by page, until decided', async () => {
      const [one, two, three] = [
        await postHeld(stores, reader),
        await postHeld(stores, reader),
        await postHeld(stores, reader),
      ];
      const first = await stores.holds.list({ cursor: undefined, limit: 2 });
      expect(first.items.map(({ hold }) => hold.id)).toEqual([three.hold.id, two.hold.id]);
      expect(first.items[0]).toEqual({ hold: three.hold, delivery: three.delivery, message: three.message });
      const rest = await stores.holds.list({ cursor: first.nextCursor ?? '', limit: 2 });
      expect(rest.items.map(({ hold }) => hold.id)).toEqual([one.hold.id]);
      await stores.holds.decideIfOpen(two.hold.id, 'dropped', START);
      expect((await stores.holds.list(ALL)).items.map(({ hold }) => hold.id)).toEqual([three.hold.id, one.hold.id]);
      expect(await stores.holds.find('hld_none')).toBeUndefined();
    });

    test('accepted: available now, its sender known from then on, and it can be handed out', async () => {
      const { hold, delivery } = await postHeld(stores, reader);
      const decided = await stores.holds.decideIfOpen(hold.id, 'accepted', START + 5);
      expect(decided).toMatchObject({
        hold: { decidedAt: START + 5, decision: 'accepted' },
        delivery: { id: delivery.id, state: 'available', trust: 'known', availableAt: START + 5 },
      });
      expect((await stores.deliveries.turn(aTurn(reader, START + 5))).items).toHaveLength(1);
    });

    test('an accepted peer stays a peer', async () => {
      const { message, delivery } = mailFor(reader, {}, { state: 'held', trust: 'peer' });
      const hold = aHold(delivery, { kind: 'approval' });
      await stores.messages.accept({ message, deliveries: [delivery], holds: [hold] });
      expect((await stores.holds.decideIfOpen(hold.id, 'accepted', START))?.delivery.trust).toBe('peer');
    });

    test('dropped: cancelled for good', async () => {
      const { hold, delivery } = await postHeld(stores, reader);
      await stores.holds.decideIfOpen(hold.id, 'dropped', START + 5);
      expect(await stores.deliveries.find(delivery.id)).toMatchObject({ state: 'cancelled', finalizedAt: START + 5 });
    });

    test('a hold is decided once', async () => {
      const { hold, delivery } = await postHeld(stores, reader);
      await stores.holds.decideIfOpen(hold.id, 'dropped', START);
      expect(await stores.holds.decideIfOpen(hold.id, 'accepted', START + 1)).toBeUndefined();
      expect(await stateOf(stores, delivery)).toBe('cancelled');
      expect(await stores.holds.decideIfOpen('hld_none', 'accepted', START)).toBeUndefined();
    });

    test('a hold that was decided decides nothing when its message is held again', async () => {
      const { hold, delivery } = await postHeld(stores, reader);
      await stores.holds.decideIfOpen(hold.id, 'accepted', START);
      const quarantine = [{ deliveryId: delivery.id, holdId: 'hld_2', reason: 'broken' }];
      await stores.deliveries.turn(aTurn(reader, START, { lease: { choose: () => ({ take: [], quarantine }) } }));
      expect(await stores.holds.decideIfOpen(hold.id, 'accepted', START + 1)).toBeUndefined();
      expect(await stateOf(stores, delivery)).toBe('held');
      expect((await stores.holds.decideIfOpen('hld_2', 'dropped', START + 1))?.delivery.state).toBe('cancelled');
    });

    test('what expired while it waited can no longer be accepted, and leaves the list', async () => {
      const { hold, delivery } = await postHeld(stores, reader, {}, { expiresAt: START + 5 });
      expect((await stores.deliveries.expire(START + 5, () => undefined)).expired).toBe(1);
      expect(await stores.holds.decideIfOpen(hold.id, 'accepted', START + 6)).toBeUndefined();
      expect(await stateOf(stores, delivery)).toBe('expired');
      expect((await stores.holds.list(ALL)).items).toEqual([]);
    });

    test("a thread's open approvals are counted, not its quarantine, not what was decided", async () => {
      const threadId = 'thr_a';
      const one = await postHeld(stores, reader, { kind: 'approval' }, { threadId });
      await postHeld(stores, reader, { kind: 'approval' }, { threadId });
      await postHeld(stores, reader, { kind: 'approval' }, { threadId: 'thr_b' });
      await postHeld(stores, reader, { kind: 'quarantine' }, { threadId });
      expect(await stores.holds.countOpenApprovals(threadId)).toBe(2);
      await stores.holds.decideIfOpen(one.hold.id, 'accepted', START);
      expect(await stores.holds.countOpenApprovals(threadId)).toBe(1);
    });

    test("an agent's open approvals to an address are counted, not another's, not what was decided", async () => {
      const send = async (address: string, kind: Hold['kind'] = 'approval') => {
        const message = aMessage({ senderAgentId: reader.agent.id });
        const delivery = aDelivery(message, { address, state: 'held' });
        const hold = aHold(delivery, { kind });
        await stores.messages.accept({ message, deliveries: [delivery], holds: [hold], emails: [anEmail(delivery)] });
        return hold;
      };
      const first = await send('person@example.com');
      await send('person@example.com');
      await send('other@example.com');
      await send('person@example.com', 'quarantine');
      const count = (agentId = reader.agent.id) => stores.holds.countOpenApprovalsTo(agentId, 'person@example.com');
      expect([await count(), await count('agt_other')]).toEqual([2, 0]);
      await stores.holds.decideIfOpen(first.id, 'dropped', START);
      expect(await count()).toBe(1);
    });
  });
}
