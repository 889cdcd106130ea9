/** Agents and enrolments. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Stores } from '../../relay/store/stores.ts';
import { MINUTE } from '../support/manual-clock.ts';
import {
  ALL,
  aKey,
  anAgent,
  aReceipt,
  aTurn,
  hashOf,
  post,
  postEmail,
  postHeld,
  register,
  START,
  stateOf,
} from '../support/store-fixture.ts';
import type { OpenStores } from './stores.ts';

export function agentSuite(open: OpenStores): void {
  let stores: Stores;
  beforeEach(async () => {
    stores = await open();
  });
  afterEach(() => stores.close());

  describe('agents', () => {
    test('a registered agent is found by id and by name as it was, with its key', async () => {
      const agent = anAgent('robin', { capabilities: ['review', 'déployer'], owner: 'you@example.com', model: 'm' });
      const key = aKey(agent.id, { label: 'first', expiresAt: START + 1 });
      await stores.agents.register({ agent, key });
      expect(await stores.agents.find(agent.id)).toEqual(agent);
      expect(await stores.agents.findByName('robin')).toEqual(agent);
      expect(await stores.keys.findByHash(key.hash)).toEqual(key);
      expect(await stores.agents.find('agt_none')).toBeUndefined();
      expect(await stores.agents.findByName('none')).toBeUndefined();
    });

    test('a name is taken once, also after its agent has ended, and nothing of a refused registration stays', async () => {
      const { agent } = await register(stores, 'robin');
      await stores.agents.end(agent.id, START);
      const late = anAgent('robin');
      const key = aKey(late.id);
      const receipt = aReceipt('scope');
      await expect(stores.agents.register({ agent: late, key, receipt })).rejects.toMatchObject({ code: 'name_taken' });
      expect(await stores.agents.find(late.id)).toBeUndefined();
      expect(await stores.keys.find(key.id)).toBeUndefined();
      expect(await stores.receipts.find('scope', 0)).toBeUndefined();
      expect((await stores.agents.findByName('robin'))?.id).toBe(agent.id);
    });

    test('the list holds living agents in the order they came, page by page', async () => {
      for (const name of ['one', 'two', 'three']) await register(stores, name);
      const gone = await register(stores, 'gone');
      await stores.agents.end(gone.agent.id, START);
      const first = await stores.agents.list({}, { cursor: undefined, limit: 2 });
      expect(first.items.map(({ name }) => name)).toEqual(['one', 'two']);
      const rest = await stores.agents.list({}, { cursor: first.nextCursor ?? '', limit: 2 });
      expect(rest.items.map(({ name }) => name)).toEqual(['three']);
      expect(rest.nextCursor).toBeNull();
    });

    test('a page that ends exactly at the end of the list has no next one', async () => {
      for (const name of ['one', 'two']) await register(stores, name);
      expect((await stores.agents.list({}, { cursor: undefined, limit: 2 })).nextCursor).toBeNull();
    });

    test('a cursor that is none of ours is refused', async () => {
      for (const cursor of ['x', '', 'c3g', Buffer.from('s1;drop').toString('base64url')]) {
        await expect(stores.agents.list({}, { cursor, limit: 2 })).rejects.toMatchObject({ code: 'invalid_cursor' });
      }
    });

    test('the list is narrowed by words in name or description, whatever their case, and by a capability', async () => {
      await register(stores, 'robin', { description: 'Reviews Rust', capabilities: ['review'] });
      await register(stores, 'wren', { displayName: 'Robin too' });
      await register(stores, 'crane', { capabilities: ['reviews'] });
      const names = async (filter: { query?: string; capability?: string }) =>
        (await stores.agents.list(filter, ALL)).items.map(({ name }) => name);
      expect(await names({ query: 'ROBIN' })).toEqual(['robin', 'wren']);
      expect(await names({ query: 'rust' })).toEqual(['robin']);
      expect(await names({ query: '%' })).toEqual([]);
      expect(await names({ capability: 'review' })).toEqual(['robin']);
    });

    test('a patch changes what it names and nothing else; an agent that ended is not changed', async () => {
      const { agent } = await register(stores, 'robin', { owner: 'you@example.com', program: 'p' });
      const after = await stores.agents.patch(agent.id, { program: null, capabilities: ['a'] }, START + 5);
      expect(after).toEqual({ ...agent, program: null, capabilities: ['a'], updatedAt: START + 5 });
      expect(await stores.agents.find(agent.id)).toEqual(after);
      await stores.agents.end(agent.id, START + 6);
      expect(await stores.agents.patch(agent.id, { program: 'late' }, START + 7)).toBeUndefined();
      expect((await stores.agents.find(agent.id))?.program).toBeNull();
      expect(await stores.agents.patch('agt_none', {}, START)).toBeUndefined();
    });

    test('an agent that ends takes its keys, its leases and its open mail with it; what is final stays', async () => {
      const reader = await register(stores, 'reader');
      const other = await register(stores, 'other');
      const done = await post(stores, reader);
      await stores.deliveries.confirm(reader.agent.id, done.message.id, 'ack', START);
      const leased = await post(stores, reader);
      const turn = await stores.deliveries.turn(aTurn(reader, START));
      const available = await post(stores, reader);
      const held = await postHeld(stores, reader);
      const elsewhere = await post(stores, other);
      const email = await postEmail(stores);

      expect(await stores.agents.end(reader.agent.id, START + MINUTE)).toBe(true);
      for (const { delivery } of [leased, available, held]) {
        expect(await stores.deliveries.find(delivery.id)).toMatchObject({
          state: 'cancelled',
          leaseId: null,
          finalizedAt: START + MINUTE,
        });
      }
      expect(await stateOf(stores, done.delivery)).toBe('delivered');
      expect(await stateOf(stores, elsewhere.delivery)).toBe('available');
      expect(await stateOf(stores, email.delivery)).toBe('available');
      expect(await stores.deliveries.releaseIfHeld(reader.agent.id, turn.lease?.id ?? '', START)).toBeUndefined();
      expect(await stores.keys.find(reader.key.id)).toMatchObject({ revokedAt: START + MINUTE });
      expect(await stores.keys.find(other.key.id)).toMatchObject({ revokedAt: null });
      expect(await stores.holds.decideIfOpen(held.hold.id, 'accepted', START)).toBeUndefined();
      expect(await stores.agents.end(reader.agent.id, START + 2 * MINUTE)).toBe(false);
      expect((await stores.agents.find(reader.agent.id))?.deletedAt).toBe(START + MINUTE);
    });
  });

  describe('enrolments', () => {
    const enrolment = {
      hash: hashOf('code'),
      name: 'robin',
      createdAt: START,
      expiresAt: START + MINUTE,
      usedAt: null,
      mcpAccess: false,
    };

    test('a code is found by its hash, unused, with the receipt of the request that made it', async () => {
      await stores.enrolments.create(enrolment, aReceipt('scope'));
      expect(await stores.enrolments.find(enrolment.hash)).toEqual(enrolment);
      expect(await stores.enrolments.find(hashOf('other'))).toBeUndefined();
      expect(await stores.receipts.find('scope', 0)).toBeDefined();
    });

    test('a code lets one agent register, once', async () => {
      await stores.enrolments.create(enrolment);
      const [first, second] = [anAgent('robin'), anAgent('wren')];
      const use = (agent: typeof first, at: number) =>
        stores.agents.register({
          agent: { ...agent, createdAt: at },
          key: aKey(agent.id),
          enrolmentHash: enrolment.hash,
        });
      await use(first, START + 1);
      expect((await stores.enrolments.find(enrolment.hash))?.usedAt).toBe(START + 1);
      await expect(use(second, START + 2)).rejects.toMatchObject({ code: 'expired' });
      expect(await stores.agents.findByName('wren')).toBeUndefined();
    });

    test('of two that use a code at the same moment one is refused', async () => {
      await stores.enrolments.create(enrolment);
      const both = await Promise.allSettled(
        ['robin', 'wren'].map((name) => {
          const agent = anAgent(name);
          return stores.agents.register({ agent, key: aKey(agent.id), enrolmentHash: enrolment.hash });
        }),
      );
      expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    });

    test('a code that has run out, or that nobody made, lets nobody in; a taken name does not use it up', async () => {
      await stores.enrolments.create(enrolment);
      const agent = anAgent('robin', { createdAt: enrolment.expiresAt });
      const key = aKey(agent.id);
      for (const enrolmentHash of [enrolment.hash, hashOf('nobody made it')]) {
        await expect(stores.agents.register({ agent, key, enrolmentHash })).rejects.toMatchObject({ code: 'expired' });
      }
      await register(stores, 'wren');
      const wren = anAgent('wren');
      await expect(
        stores.agents.register({ agent: wren, key: aKey(wren.id), enrolmentHash: enrolment.hash }),
      ).rejects.toMatchObject({ code: 'name_taken' });
      expect((await stores.enrolments.find(enrolment.hash))?.usedAt).toBeNull();
    });
  });
}
