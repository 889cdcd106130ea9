/** Keys: issued, rotated, revoked. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Stores } from '../../relay/store/stores.ts';
import { MINUTE } from '../support/manual-clock.ts';
import {
  ALL,
  aDelivery,
  aKey,
  aMessage,
  aReceipt,
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

export function keySuite(open: OpenStores): void {
  let stores: Stores;
  let reader: Registered;
  let writer: Registered;
  beforeEach(async () => {
    stores = await open();
    reader = await register(stores, 'reader');
    writer = await register(stores, 'writer');
  });
  afterEach(() => stores.close());

  describe('keys', () => {
    test('an issued key is found by hash and by id as it was, with its receipt', async () => {
      const key = aKey(null, { label: 'admin.key' });
      await stores.keys.issue(key, aReceipt('scope'));
      expect(await stores.keys.find(key.id)).toEqual(key);
      expect(await stores.keys.findByHash(key.hash)).toEqual(key);
      expect(await stores.keys.findByHash('none')).toBeUndefined();
      expect(await stores.receipts.find('scope', 0)).toBeDefined();
    });

    test('of configured keys with one label only the last lives; others are not touched', async () => {
      const [first, second] = ['one', 'two'].map(() => aKey(null, { label: 'configured' }));
      const other = aKey(null, { label: 'other' });
      await stores.keys.issue(other);
      for (const key of [first, second, second]) if (key) await stores.keys.replaceConfigured(key, START + 1);
      expect(await stores.keys.find(first?.id ?? '')).toMatchObject({ revokedAt: START + 1 });
      for (const key of [second, other, reader.key]) {
        expect(await stores.keys.find(key?.id ?? '')).toMatchObject({ revokedAt: null });
      }
    });

    test('rotation adds the next key and shortens the life of the old one, never lengthens it', async () => {
      const next = aKey(reader.agent.id, { createdAt: START + 1 });
      expect(await stores.keys.rotateIfLive(reader.key.id, next, START + MINUTE, aReceipt('scope'))).toBe(true);
      expect(await stores.keys.find(next.id)).toEqual(next);
      expect(await stores.receipts.find('scope', 0)).toBeDefined();
      expect((await stores.keys.find(reader.key.id))?.expiresAt).toBe(START + MINUTE);
      const third = aKey(reader.agent.id, { createdAt: START + 2 });
      expect(await stores.keys.rotateIfLive(reader.key.id, third, START + 2 * MINUTE)).toBe(true);
      expect((await stores.keys.find(reader.key.id))?.expiresAt).toBe(START + MINUTE);
    });

    test('a dead key is not rotated: expired, revoked, unknown', async () => {
      const next = () => aKey(reader.agent.id, { createdAt: START + MINUTE });
      const expired = aKey(reader.agent.id, { expiresAt: START + MINUTE });
      await stores.keys.issue(expired);
      await stores.keys.revokeIfLive(reader.key.id, START, null);
      for (const id of [expired.id, reader.key.id, 'key_none']) {
        const made = next();
        expect(await stores.keys.rotateIfLive(id, made, START + 2 * MINUTE, aReceipt(id))).toBe(false);
        expect(await stores.keys.find(made.id)).toBeUndefined();
        expect(await stores.receipts.find(id, 0)).toBeUndefined();
      }
    });

    test('a key is revoked once', async () => {
      expect(await stores.keys.revokeIfLive(reader.key.id, START + 1, 'lost')).toEqual({ held: 0 });
      expect(await stores.keys.revokeIfLive(reader.key.id, START + 2, null)).toBeUndefined();
      expect(await stores.keys.find(reader.key.id)).toMatchObject({ revokedAt: START + 1, revokeReason: 'lost' });
      expect(await stores.keys.revokeIfLive('key_none', START, null)).toBeUndefined();
    });

    test('revoking returns the leases that were taken with this key, and only those', async () => {
      const other = aKey(reader.agent.id);
      await stores.keys.issue(other);
      const mine = await post(stores, reader);
      await stores.deliveries.turn(aTurn(reader, START, { sessionId: 'a' }));
      const theirs = await post(stores, reader);
      await stores.deliveries.turn(aTurn(reader, START, { sessionId: 'b', lease: { keyId: other.id } }));
      await stores.keys.revokeIfLive(reader.key.id, START + 1, null);
      expect(await stores.deliveries.find(mine.delivery.id)).toMatchObject({ state: 'available', attempt: 1 });
      expect(await stateOf(stores, theirs.delivery)).toBe('leased');
    });

    test('of a dead key it may still be said, once, that it was compromised: what it sent is held then', async () => {
      const untaken = await post(stores, reader, { senderAgentId: writer.agent.id, senderKeyId: writer.key.id });
      await stores.keys.revokeIfLive(writer.key.id, START + 1, 'left');
      expect(await stores.keys.revokeIfLive(writer.key.id, START + 2, 'compromised')).toEqual({ held: 1 });
      expect(await stateOf(stores, untaken.delivery)).toBe('held');
      expect(await stores.keys.find(writer.key.id)).toMatchObject({
        revokedAt: START + 1,
        revokeReason: 'compromised',
      });
      expect(await stores.keys.revokeIfLive(writer.key.id, START + 3, 'compromised')).toBeUndefined();
    });

    test('a compromised key: what it sent and nobody has yet is held, with a hold for each', async () => {
      const from = { senderAgentId: writer.agent.id, senderKeyId: writer.key.id };
      const read = await post(stores, reader, from);
      await stores.deliveries.confirm(reader.agent.id, read.message.id, 'ack', START);
      const leased = await post(stores, reader, from);
      await stores.deliveries.turn(aTurn(reader, START));
      const untaken = await post(stores, reader, from);
      const email = await postEmail(stores, from);
      const honest = await post(stores, reader);

      expect(await stores.keys.revokeIfLive(writer.key.id, START + 1, 'compromised')).toEqual({ held: 2 });
      expect(await stateOf(stores, read.delivery)).toBe('delivered');
      expect(await stateOf(stores, leased.delivery)).toBe('leased');
      expect(await stateOf(stores, untaken.delivery)).toBe('held');
      expect(await stateOf(stores, email.delivery)).toBe('held');
      expect(await stateOf(stores, honest.delivery)).toBe('available');
      const holds = await stores.holds.list(ALL);
      expect(holds.items.map(({ delivery }) => delivery.id).toSorted()).toEqual(
        [untaken.delivery.id, email.delivery.id].toSorted(),
      );
      expect(holds.items[0]?.hold).toMatchObject({
        kind: 'quarantine',
        reason: expect.stringContaining('compromised'),
      });
    });

    test('what a compromised key sent and a session gives back unread is held too, not handed out again', async () => {
      const from = { senderAgentId: writer.agent.id, senderKeyId: writer.key.id };
      const given = await post(stores, reader, from);
      const honest = await post(stores, reader);
      await stores.deliveries.turn(aTurn(reader, START));
      await stores.keys.revokeIfLive(writer.key.id, START + 1, 'compromised');
      await stores.deliveries.turn(aTurn(reader, START + 2, { release: 'all', lease: null }));
      expect(await stateOf(stores, given.delivery)).toBe('held');
      expect(await stateOf(stores, honest.delivery)).toBe('available');
      expect((await stores.holds.list(ALL)).items.map(({ delivery }) => delivery.id)).toEqual([given.delivery.id]);
    });

    test('any other reason holds nothing', async () => {
      const sent = await post(stores, reader, { senderAgentId: writer.agent.id, senderKeyId: writer.key.id });
      expect(await stores.keys.revokeIfLive(writer.key.id, START, 'rotated')).toEqual({ held: 0 });
      expect(await stateOf(stores, sent.delivery)).toBe('available');
    });

    test('what a dead key sends is refused and nothing of it stays', async () => {
      const expired = aKey(writer.agent.id, { expiresAt: START });
      await stores.keys.issue(expired);
      await stores.keys.revokeIfLive(writer.key.id, START, null);
      for (const senderKeyId of [expired.id, writer.key.id]) {
        const { message, delivery } = mailFor(reader, { senderAgentId: writer.agent.id, senderKeyId });
        const receipt = aReceipt('scope');
        await expect(stores.messages.accept({ message, deliveries: [delivery], receipt })).rejects.toMatchObject({
          code: 'unauthorized',
        });
        expect(await stores.messages.find(message.id)).toBeUndefined();
        expect(await stores.receipts.find('scope', 0)).toBeUndefined();
      }
    });

    test('a message to one who is gone meanwhile is refused whole', async () => {
      await stores.agents.end(reader.agent.id, START);
      const message = aMessage();
      const deliveries = [writer, reader].map(({ agent }) => aDelivery(message, { agentId: agent.id }));
      await expect(stores.messages.accept({ message, deliveries })).rejects.toMatchObject({
        code: 'recipient_unknown',
      });
      expect(await stores.deliveries.countAvailable(writer.agent.id)).toBe(0);
    });
  });
}
