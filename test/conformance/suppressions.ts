/** Addresses that get no email from here, and whom a machine of ours has answered today. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Stores } from '../../relay/store/stores.ts';
import { DAY } from '../support/manual-clock.ts';
import { ALL, aSuppression, START } from '../support/store-fixture.ts';
import type { OpenStores } from './stores.ts';

const GONE = 'gone@example.com';

export function suppressionSuite(open: OpenStores): void {
  let stores: Stores;
  beforeEach(async () => {
    stores = await open();
  });
  afterEach(() => stores.close());

  const find = (address: string, agentId: string | null = null, now = START) =>
    stores.suppressions.find(address, agentId, now);
  const addresses = async () => (await stores.suppressions.list(ALL)).items.map(({ address }) => address);

  describe('suppressions', () => {
    test('keep every agent from an address, however it is written', async () => {
      await stores.suppressions.add(aSuppression('Gone@Example.com'));
      expect(await find('GONE@example.com', 'agt_1')).toEqual(aSuppression(GONE));
      expect(await find('other@example.com')).toBeUndefined();
    });

    test('are added once: since when and why stays what it was', async () => {
      expect(await stores.suppressions.add(aSuppression(GONE))).toBe(true);
      expect(await stores.suppressions.add(aSuppression(GONE, { createdAt: START + 1, code: '5.1.2' }))).toBe(false);
      expect(await find(GONE)).toEqual(aSuppression(GONE));
      expect(await addresses()).toEqual([GONE]);
    });

    test('of one agent keep only that agent from it', async () => {
      const suppression = aSuppression(GONE, { agentId: 'agt_1', reason: 'unsubscribe', code: null });
      await stores.suppressions.add(suppression);
      expect(await find(GONE, 'agt_1')).toEqual(suppression);
      expect(await find(GONE, 'agt_2')).toBeUndefined();
      expect(await find(GONE)).toBeUndefined();
    });

    test('that a person asked for are named before what a server said', async () => {
      await stores.suppressions.add(aSuppression(GONE));
      await stores.suppressions.add(aSuppression(GONE, { reason: 'complaint', code: null }));
      expect((await find(GONE))?.reason).toBe('complaint');
    });

    test('are removed all, or those of one reason', async () => {
      await stores.suppressions.add(aSuppression(GONE));
      await stores.suppressions.add(aSuppression(GONE, { reason: 'complaint' }));
      await stores.suppressions.add(aSuppression(GONE, { reason: 'complaint', agentId: 'agt_1' }));
      expect(await stores.suppressions.remove('Gone@example.com', 'bounce')).toBe(1);
      expect((await find(GONE))?.reason).toBe('complaint');
      expect(await stores.suppressions.remove(GONE)).toBe(2);
      expect(await find(GONE)).toBeUndefined();
      expect(await stores.suppressions.remove(GONE)).toBe(0);
    });

    test('end, make room for another, and are pruned', async () => {
      const ends = aSuppression(GONE, { expiresAt: START + DAY });
      await stores.suppressions.add(ends);
      await stores.suppressions.add(aSuppression('kept@example.com'));
      expect(await find(GONE, null, START + DAY - 1)).toEqual(ends);
      expect(await find(GONE, null, START + DAY)).toBeUndefined();
      const again = aSuppression(GONE, { createdAt: START + DAY, expiresAt: START + 2 * DAY });
      expect(await stores.suppressions.add(again)).toBe(true);
      expect(await find(GONE, null, START + DAY)).toEqual(again);
      expect(await stores.suppressions.prune(START + 2 * DAY)).toBe(1);
      expect(await addresses()).toEqual(['kept@example.com']);
    });

    test('are listed newest first, page by page', async () => {
      for (const name of ['a', 'b', 'c']) await stores.suppressions.add(aSuppression(`${name}@example.com`));
      const first = await stores.suppressions.list({ cursor: undefined, limit: 2 });
      expect(first.items.map(({ address }) => address)).toEqual(['c@example.com', 'b@example.com']);
      const rest = await stores.suppressions.list({ cursor: first.nextCursor ?? '', limit: 2 });
      expect(rest.items.map(({ address }) => address)).toEqual(['a@example.com']);
      expect(rest.nextCursor).toBeNull();
    });
  });

  describe('automatic answers', () => {
    test('go to an address once a day, even if asked for at once', async () => {
      const claims = ['You@example.com', 'you@example.com'].map((one) => stores.autoAnswers.claim(one, '2026-03-02'));
      expect((await Promise.all(claims)).filter(Boolean)).toHaveLength(1);
      expect(await stores.autoAnswers.claim('other@example.com', '2026-03-02')).toBe(true);
      expect(await stores.autoAnswers.claim('you@example.com', '2026-03-03')).toBe(true);
    });

    test('of earlier days are forgotten', async () => {
      await stores.autoAnswers.claim('you@example.com', '2026-03-02');
      await stores.autoAnswers.claim('you@example.com', '2026-03-03');
      expect(await stores.autoAnswers.prune('2026-03-03')).toBe(1);
      expect(await stores.autoAnswers.claim('you@example.com', '2026-03-03')).toBe(false);
    });
  });
}
