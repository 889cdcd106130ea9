/** Leases by tool and API: handed out, waited for, confirmed by asking again, given back. */
import { describe, expect, test, vi } from 'vitest';
import {
  acknowledge,
  type ClaimRequest,
  claim,
  noteToolCall,
  releaseLease,
  type WaitForMail,
} from '../../relay/broker/claims.ts';
import { keepHouseOnce, RECEIPT_LIVES_MS } from '../../relay/broker/housekeeping.ts';
import { revokeKey, rotateKey } from '../../relay/broker/keys.ts';
import { Waiters } from '../../relay/push/waiters.ts';
import { openBroker } from '../support/broker-fixture.ts';
import { HostSession } from '../support/host-session.ts';
import { MINUTE } from '../support/manual-clock.ts';
import { aKey, aReceipt } from '../support/store-fixture.ts';

async function openPair() {
  const broker = await openBroker();
  const [writer, reader] = [await broker.agent('writer'), await broker.agent('reader')];
  const waiters = new Waiters(broker.clock);
  const deps = { ...broker.deps, wake: (ids: readonly string[]) => waiters.wake(ids) };
  const wait: WaitForMail = (ids, ms, signal) => waiters.wait(ids, ms, signal);
  const ask = (more: Partial<ClaimRequest> = {}) =>
    claim(deps, wait, {
      caller: reader.caller,
      sessionId: null,
      path: 'api',
      max: 10,
      leaseMs: 10 * MINUTE,
      waitMs: 0,
      confirmPrevious: false,
      signal: new AbortController().signal,
      ...more,
    });
  return { broker, deps, writer, reader, waiters, ask };
}

describe('leases', () => {
  test('all there is up to max, then nothing', async () => {
    const { broker, writer, reader, ask } = await openPair();
    for (let at = 0; at < 3; at += 1) await broker.send(writer, reader);
    expect((await ask({ max: 2 })).items).toHaveLength(2);
    expect((await ask({ max: 2 })).items).toHaveLength(1);
    expect(await ask()).toMatchObject({ items: [], lease: null });
  });

  test('asking again confirms what the same session was given by the same path', async () => {
    const { broker, writer, reader, ask } = await openPair();
    const tool = { path: 'tool', sessionId: 'mcp-1' } as const;
    const first = await broker.send(writer, reader);
    await ask(tool);
    const byApi = await broker.send(writer, reader);
    await ask();
    expect((await ask({ ...tool, confirmPrevious: true })).confirmed).toBe(1);
    expect(await broker.deliveryOf(first)).toMatchObject({ state: 'delivered', evidence: 'asked_again' });
    expect(await broker.stateOf(byApi)).toBe('leased');
  });

  test('without that, asking again says what is held and confirms nothing', async () => {
    const { broker, writer, reader, ask } = await openPair();
    const sent = await broker.send(writer, reader);
    await ask();
    expect(await ask()).toMatchObject({ confirmed: 0, holding: [sent.message.id] });
  });

  test('given back: available at once, waiters woken; twice, or by another: state_conflict', async () => {
    const { broker, writer, reader, ask } = await openPair();
    const sent = await broker.send(writer, reader);
    const { lease } = await ask();
    const id = lease?.id ?? '';
    await expect(releaseLease(broker.deps, writer.id, id)).rejects.toMatchObject({ code: 'state_conflict' });
    expect(await releaseLease(broker.deps, reader.id, id)).toBe(1);
    expect(broker.woken.at(-1)).toBe(reader.id);
    expect(await broker.stateOf(sent)).toBe('available');
    await ask();
    await expect(releaseLease(broker.deps, reader.id, id)).rejects.toMatchObject({ code: 'state_conflict' });
    expect(await broker.stateOf(sent)).toBe('leased');
  });

  test('acknowledged: delivered; again: the same answer; what one does not have: not_found', async () => {
    const { broker, writer, reader } = await openPair();
    const sent = await broker.send(writer, reader);
    const first = await acknowledge(broker.deps, reader.id, sent.message.id);
    expect(first.delivery).toMatchObject({ state: 'delivered', evidence: 'ack' });
    broker.clock.advance(MINUTE);
    expect((await acknowledge(broker.deps, reader.id, sent.message.id)).delivery).toEqual(first.delivery);
    await expect(acknowledge(broker.deps, writer.id, sent.message.id)).rejects.toMatchObject({ code: 'not_found' });
    await expect(acknowledge(broker.deps, reader.id, 'msg_none')).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('waiting', () => {
  test('mail that comes while waiting is handed out at once', async () => {
    const { broker, deps, writer, reader, waiters, ask } = await openPair();
    const asked = ask({ waitMs: MINUTE });
    await vi.waitUntil(() => waiters.count === 1);
    const sent = await broker.send(writer, reader);
    deps.wake([reader.id]);
    expect((await asked).items.map(({ message }) => message.id)).toEqual([sent.message.id]);
    expect(waiters.count).toBe(0);
  });

  test('the time runs out, or the caller goes away: nothing is leased', async () => {
    const { broker, deps, writer, reader, waiters, ask } = await openPair();
    const patient = ask({ waitMs: MINUTE });
    await vi.waitUntil(() => waiters.count === 1);
    broker.clock.advance(MINUTE);
    expect(await patient).toMatchObject({ items: [], lease: null });

    const gone = new AbortController();
    const left = ask({ waitMs: MINUTE, signal: gone.signal });
    await vi.waitUntil(() => waiters.count === 1);
    const sent = await broker.send(writer, reader);
    gone.abort();
    deps.wake([reader.id]);
    expect((await left).items).toEqual([]);
    expect(await broker.stateOf(sent)).toBe('available');
    expect(waiters.count).toBe(0);
  });

  test('asking again confirms before the wait, never what came while waiting', async () => {
    const { broker, deps, writer, reader, waiters, ask } = await openPair();
    const sent = await broker.send(writer, reader);
    const asked = ask({ waitMs: MINUTE, confirmPrevious: true, max: 1 });
    expect((await asked).items).toHaveLength(1);
    const again = ask({ waitMs: MINUTE, confirmPrevious: true });
    await vi.waitUntil(async () => (await broker.stateOf(sent)) === 'delivered' && waiters.count === 1);
    const next = await broker.send(writer, reader);
    deps.wake([reader.id]);
    expect((await again).items).toHaveLength(1);
    expect(await broker.stateOf(next)).toBe('leased');
  });

  test('the key dies while waiting: unauthorized at once, nothing leased', async () => {
    const { broker, deps, writer, reader, waiters, ask } = await openPair();
    const asked = ask({ waitMs: MINUTE });
    await vi.waitUntil(() => waiters.count === 1);
    const refused = expect(asked).rejects.toMatchObject({ code: 'unauthorized' });
    const sent = await broker.send(writer, reader);
    await revokeKey(deps, reader.caller.agent, reader.caller.key.id, 'lost');
    await refused;
    expect(await broker.stateOf(sent)).toBe('available');
  });

  test('a rotated key lives for its grace and is dead after it', async () => {
    const { broker, deps, reader, ask } = await openPair();
    await rotateKey(deps, reader.caller.agent, reader.caller.key.id, MINUTE, undefined);
    await ask();
    broker.clock.advance(MINUTE);
    await expect(rotateKey(deps, reader.caller.agent, reader.caller.key.id, MINUTE, undefined)).rejects.toMatchObject({
      code: 'state_conflict',
    });
  });
});

test('a tool call without mail or run costs no write', async () => {
  const { broker, reader } = await openPair();
  const session = new HostSession(broker, reader);
  await session.stop();
  const turn = vi.spyOn(broker.deps.stores.deliveries, 'turn');
  await noteToolCall(broker.deps, reader.caller, session.id);
  expect(turn).not.toHaveBeenCalled();
});

test('housekeeping: leases that ran out, mail nobody took, receipts older than a day', async () => {
  const { broker, writer, reader, ask } = await openPair();
  const leased = await broker.send(writer, reader);
  await ask({ leaseMs: MINUTE });
  const late = await broker.send(writer, reader, { expiresAt: broker.clock.now() + MINUTE });
  await broker.deps.stores.keys.issue(aKey(reader.id), aReceipt('scope', { createdAt: broker.clock.now() }));
  broker.clock.advance(MINUTE);
  expect(await keepHouseOnce(broker.deps)).toMatchObject({ expired: 1, receipts: 0 });
  expect([await broker.stateOf(leased), await broker.stateOf(late)]).toEqual(['available', 'expired']);
  expect(broker.woken).toContain(reader.id);
  broker.clock.advance(RECEIPT_LIVES_MS);
  expect(await keepHouseOnce(broker.deps)).toMatchObject({ expired: 0, receipts: 1 });
});
