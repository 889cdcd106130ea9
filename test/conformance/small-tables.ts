/** Receipts, reply routes, secrets, signing keys. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Stores } from '../../relay/store/stores.ts';
import type { ReplyRoute } from '../../relay/types.ts';
import { DAY } from '../support/manual-clock.ts';
import { aDelivery, aKey, aMessage, aReceipt, type Registered, register, START } from '../support/store-fixture.ts';
import type { OpenStores } from './stores.ts';

export function smallTableSuite(open: OpenStores): void {
  let stores: Stores;
  let reader: Registered;
  beforeEach(async () => {
    stores = await open();
    reader = await register(stores, 'reader');
  });
  afterEach(() => stores.close());

  const keep = (receipt: ReturnType<typeof aReceipt>) => stores.keys.issue(aKey(reader.agent.id), receipt);

  describe('receipts', () => {
    test('are found while they are younger than asked for', async () => {
      const receipt = aReceipt('scope', { sealed: Buffer.from([0, 255, 1]) });
      await keep(receipt);
      expect(await stores.receipts.find('scope', START - 1)).toEqual(receipt);
      expect(await stores.receipts.find('scope', START)).toBeUndefined();
      expect(await stores.receipts.find('other', 0)).toBeUndefined();
    });

    test('are replaced by the receipt of a later request under the same key, after 24 h', async () => {
      await keep(aReceipt('scope'));
      const later = aReceipt('scope', { bodyHash: 'other', status: 200, createdAt: START + DAY });
      await keep(later);
      expect(await stores.receipts.find('scope', START)).toEqual(later);
    });

    test('are pruned when they are older, and counted', async () => {
      await keep(aReceipt('old'));
      await keep(aReceipt('young', { createdAt: START + 1 }));
      expect(await stores.receipts.prune(START)).toBe(0);
      expect(await stores.receipts.prune(START + 1)).toBe(1);
      expect(await stores.receipts.find('old', 0)).toBeUndefined();
      expect(await stores.receipts.find('young', 0)).toBeDefined();
    });
  });

  test('a reply route is found by its id', async () => {
    const message = aMessage();
    const deliveries = ['a@example.com', 'b@example.com'].map((address) => aDelivery(message, { address }));
    const routes = deliveries.map(
      ({ id, address }, index): ReplyRoute => ({
        id: `abcdefghijklmno${index}`,
        agentId: reader.agent.id,
        threadId: message.threadId,
        messageId: message.id,
        deliveryId: id,
        address,
        createdAt: START,
      }),
    );
    await stores.messages.accept({ message, deliveries, routes });
    expect(await stores.routes.find('abcdefghijklmno0')).toEqual(routes[0]);
    expect(await stores.routes.find('none')).toBeUndefined();
  });

  test('a secret is made once, and the first one stays', async () => {
    const first = await stores.secrets.getOrMake('reply_token', () => Buffer.from('first'));
    const second = await stores.secrets.getOrMake('reply_token', () => Buffer.from('second'));
    expect([first.toString(), second.toString()]).toEqual(['first', 'first']);
    expect((await stores.secrets.getOrMake('other', () => Buffer.from('third'))).toString()).toBe('third');
  });

  test('a secret that is put takes the place of the one there was', async () => {
    expect(await stores.secrets.find('oauth:you@example.com')).toBeUndefined();
    await stores.secrets.put('oauth:you@example.com', Buffer.from('first'));
    await stores.secrets.put('oauth:you@example.com', Buffer.from('second'));
    expect((await stores.secrets.find('oauth:you@example.com'))?.toString()).toBe('second');
  });

  test('signing keys are listed in the order in which they become valid', async () => {
    const key = (kid: string, validFrom: number, retiredAt: number | null = null) => ({
      kid,
      privatePem: `pem of ${kid}`,
      publicJwk: { kty: 'EC', x: kid },
      validFrom,
      retiredAt,
    });
    const [late, early] = [key('a', START + 1), key('b', START, START + 2)];
    await stores.signingKeys.add(late);
    await stores.signingKeys.add(early);
    expect(await stores.signingKeys.list()).toEqual([early, late]);
    await expect(stores.signingKeys.add(key('a', 0))).rejects.toThrow();
  });

  test('DKIM keys wait until they are switched to, and those before them retire', async () => {
    const key = (selector: string, algorithm: 'rsa' | 'ed25519', usedFrom: number | null) => ({
      selector,
      algorithm,
      privatePem: `pem of ${selector}`,
      createdAt: START,
      usedFrom,
      retiredAt: null,
    });
    const [one, two] = [key('tp1r', 'rsa', START), key('tp1e', 'ed25519', START)];
    expect(await stores.dkimKeys.addIfNew([one, two])).toBe(true);
    expect(await stores.dkimKeys.addIfNew([key('tp2r', 'rsa', null), key('tp1e', 'ed25519', null)])).toBe(false);
    expect(await stores.dkimKeys.list()).toEqual([one, two]);
    expect(await stores.dkimKeys.switchIfWaiting(START + 1)).toBe(false);
    expect(await stores.dkimKeys.addIfNew([key('tp2r', 'rsa', null)])).toBe(true);
    expect(await stores.dkimKeys.switchIfWaiting(START + 2)).toBe(true);
    expect(await stores.dkimKeys.list()).toEqual([
      { ...one, retiredAt: START + 2 },
      { ...two, retiredAt: START + 2 },
      { ...key('tp2r', 'rsa', START + 2) },
    ]);
  });

  test("other relays' keys are kept; what a relay publishes no more is gone until it is back", async () => {
    const row = (iss: string, kid: string) => ({ iss, kid, jwk: { kty: 'EC', x: kid }, seenAt: START, goneAt: null });
    const [a1, a2, b1] = [row('a.example', '1'), row('a.example', '2'), row('b.example', '1')];
    for (const key of [a1, a2, b1, a1]) await stores.peerKeys.keep(key);
    expect(await stores.peerKeys.list()).toEqual([a1, a2, b1]);
    expect(await stores.peerKeys.keepOnly('a.example', ['2', '3'], START + 1)).toEqual(['1']);
    expect(await stores.peerKeys.keepOnly('a.example', ['2'], START + 2)).toEqual([]);
    expect(await stores.peerKeys.list()).toEqual([{ ...a1, goneAt: START + 1 }, a2, b1]);
    await stores.peerKeys.keep({ ...a1, seenAt: START + 3 });
    expect(await stores.peerKeys.list()).toEqual([a1, a2, b1]);
  });
}
