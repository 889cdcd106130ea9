/** Several sessions of one agent, runs of injections, and calls that cost no write. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Stores, Turn } from '../../relay/store/stores.ts';
import { HOUR, MINUTE } from '../support/manual-clock.ts';
import { aTurn, type LeaseWish, post, type Registered, register, START } from '../support/store-fixture.ts';
import type { OpenStores } from './stores.ts';

type Changes = Partial<Omit<Turn, 'lease'>> & { readonly lease?: Partial<LeaseWish> | null };

export function sessionSuite(open: OpenStores): void {
  let stores: Stores;
  let reader: Registered;
  beforeEach(async () => {
    stores = await open();
    reader = await register(stores, 'reader');
  });
  afterEach(() => stores.close());

  const turn = (changes: Changes = {}, now = START) => stores.deliveries.turn(aTurn(reader, now, changes));
  const hasWork = (changes: Changes = {}, now = START) => stores.deliveries.hasWork(aTurn(reader, now, changes));

  describe('the session that asked', () => {
    const forAsker = () => post(stores, reader, {}, { preferredSessionId: 'asker' });

    test('gets the answer first while it lives; then anyone', async () => {
      await turn({ sessionId: 'asker', lease: null });
      await forAsker();
      expect(await turn({ sessionId: 'other' })).toMatchObject({ items: [], waiting: 0 });
      expect(await hasWork({ sessionId: 'other' })).toBe(false);
      expect((await turn({ sessionId: 'asker' })).items).toHaveLength(1);
      await turn({ sessionId: 'asker', release: 'all', endSession: true, lease: null });
      expect((await turn({ sessionId: 'other' })).items).toHaveLength(1);
    });

    test('keeps nothing to itself when it has not called for an hour, or was never seen, or is no host', async () => {
      await turn({ sessionId: 'asker', lease: null });
      await forAsker();
      expect((await turn({ sessionId: 'other' }, START + HOUR - 1)).items).toEqual([]);
      expect((await turn({ sessionId: 'other' }, START + HOUR)).items).toHaveLength(1);
      await post(stores, reader, {}, { preferredSessionId: 'never-seen' });
      await turn({ sessionId: 'a-tool', host: null, lease: null });
      await post(stores, reader, {}, { preferredSessionId: 'a-tool' });
      expect((await turn({ sessionId: 'other' })).items).toHaveLength(2);
    });

    test('lives again when it comes back', async () => {
      await turn({ sessionId: 'asker', endSession: true, lease: null });
      await turn({ sessionId: 'asker', lease: null });
      await forAsker();
      expect((await turn({ sessionId: 'other' })).items).toEqual([]);
    });

    test('a caller without a session waits as well', async () => {
      await turn({ sessionId: 'asker', lease: null });
      await forAsker();
      expect((await turn({ sessionId: null, host: null, lease: { path: 'api' } })).items).toEqual([]);
    });
  });

  test('old sessions are forgotten, but for those that hold something', async () => {
    await turn({ sessionId: 'old', lease: null });
    await post(stores, reader);
    await turn({ sessionId: 'holds', lease: { leaseMs: 3 * HOUR } });
    await turn({ sessionId: 'young', lease: null }, START + HOUR);
    expect(await stores.deliveries.pruneSessions(START)).toBe(0);
    expect(await stores.deliveries.pruneSessions(START + HOUR)).toBe(1);
    expect(await hasWork({ sessionId: 'holds', release: 'all', lease: null })).toBe(true);
    await turn({ sessionId: 'holds', release: 'all', lease: null });
    expect(await stores.deliveries.pruneSessions(START + HOUR)).toBe(1);
    expect(await stores.deliveries.pruneSessions(START + HOUR + 1)).toBe(1);
  });

  describe('runs', () => {
    const inject = async (changes: Changes = {}) => {
      await post(stores, reader);
      return (await turn({ ...changes, lease: { maxRun: 2 } })).items.length;
    };

    test('not more than so many injections in a run; a new run starts anew', async () => {
      expect([await inject({ newRun: true }), await inject(), await inject(), await inject()]).toEqual([1, 1, 0, 0]);
      expect(await inject({ newRun: true })).toBe(5 - 2);
    });

    test('an empty turn does not count', async () => {
      for (let at = 0; at < 5; at += 1) await turn({ lease: { maxRun: 2 } });
      expect(await inject()).toBe(1);
    });

    test('each session has a run of its own', async () => {
      await inject();
      await inject();
      expect(await inject({ sessionId: 'session-2' })).toBe(1);
    });

    test('a tool starts a new run in its own session, or in any where it does not know its own', async () => {
      const spend = async (sessionId: string) => {
        while ((await inject({ sessionId })) > 0);
      };
      const tool = (sessionId: string | null) => turn({ sessionId, host: null, newRun: true, lease: null });
      await spend('session-1');
      await spend('session-2');
      await tool('session-1');
      expect(await inject({ sessionId: 'session-2' })).toBe(0);
      expect(await inject({ sessionId: 'session-1' })).toBeGreaterThan(0);
      await spend('session-1');
      await tool('mcp-of-its-own');
      expect(await inject({ sessionId: 'session-2' })).toBeGreaterThan(0);
      await spend('session-1');
      await tool(null);
      expect(await inject({ sessionId: 'session-1' })).toBeGreaterThan(0);
    });
  });

  describe('hasWork', () => {
    test('a session that was seen and an agent without mail: none, until a minute has passed', async () => {
      expect(await hasWork()).toBe(true);
      await turn();
      expect(await hasWork()).toBe(false);
      expect(await hasWork({ release: 'earlier_prompt', newRun: true })).toBe(false);
      expect(await hasWork({ lease: null })).toBe(false);
      expect(await hasWork({}, START + MINUTE)).toBe(true);
    });

    test('mail, evidence, a lease in hand, a run to reset and an end are work', async () => {
      await turn();
      const { message } = await post(stores, reader);
      expect(await hasWork()).toBe(true);
      expect(await hasWork({ lease: null })).toBe(false);
      await turn({ lease: { maxRun: 7 } });
      expect(await hasWork({ lease: null })).toBe(true);
      await turn({ release: 'all', lease: null });
      expect(await hasWork({ lease: null })).toBe(false);
      expect(await hasWork({ lease: null, newRun: true })).toBe(true);
      expect(await hasWork({ lease: null, evidence: [{ messageIds: [message.id], kind: 'transcript' }] })).toBe(true);
      expect(await hasWork({ lease: null, evidence: [{ messageIds: ['msg_none'], kind: 'transcript' }] })).toBe(false);
      expect(await hasWork({ lease: null, endSession: true })).toBe(true);
    });
  });

  test('holding says what a session was given before this call and has not confirmed', async () => {
    const one = await post(stores, reader);
    expect((await turn()).holding).toEqual([]);
    const two = await post(stores, reader);
    expect((await turn()).holding).toEqual([one.message.id]);
    const after = await turn({ evidence: [{ messageIds: [one.message.id], kind: 'transcript' }] });
    expect(after.holding).toEqual([two.message.id]);
  });
}
