/** Emails out: retried by a rule, bounced in the end, and the sending agent is told. */
import { describe, expect, test, vi } from 'vitest';
import { keepHouseOnce } from '../../../relay/broker/housekeeping.ts';
import { Outbox, WORKERS } from '../../../relay/broker/outbox/outbox.ts';
import { nextRetryAt, RETRY_WAITS } from '../../../relay/broker/outbox/retry-policy.ts';
import { RelayError } from '../../../relay/errors.ts';
import type { Outcome } from '../../../relay/types.ts';
import { openBroker } from '../../support/broker-fixture.ts';
import { HostSession } from '../../support/host-session.ts';
import { DAY, MINUTE } from '../../support/manual-clock.ts';
import { DEFERRED, DELIVERED, REFUSED, ScriptedCourier } from '../../support/scripted-courier.ts';
import { ALL } from '../../support/store-fixture.ts';

async function openSender(...script: ConstructorParameters<typeof ScriptedCourier>) {
  const broker = await openBroker();
  const writer = await broker.agent('writer');
  const courier = new ScriptedCourier(...script);
  return { broker, writer, courier, outbox: new Outbox(broker.deps, courier) };
}

describe('retry policy', () => {
  test('after attempt n anything up to the n-th wait, by chance; then no more', () => {
    expect(nextRetryAt(1, 1_000, 0)).toBe(1_000 + 5_000);
    expect(nextRetryAt(1, 1_000, 1)).toBe(1_000 + 2 * MINUTE);
    expect(nextRetryAt(3, 0, 0.5)).toBe(15 * MINUTE);
    expect(nextRetryAt(RETRY_WAITS.length, 0, 0.5)).toBe(24 * 60 * MINUTE);
    expect(nextRetryAt(RETRY_WAITS.length + 1, 0, 0)).toBeNull();
  });

  test('waits never get shorter, and go on for about four days on the average', () => {
    expect(RETRY_WAITS.toSorted((a, b) => a - b)).toEqual(RETRY_WAITS);
    const all = RETRY_WAITS.reduce((sum, wait) => sum + wait, 0);
    expect(all / 2 / DAY).toBeGreaterThan(3.9);
    expect(all / 2 / DAY).toBeLessThan(5);
  });
});

describe('one email', () => {
  test('delivered: final, the same bytes and ENVID as composed; nothing more is due', async () => {
    const { broker, writer, courier, outbox } = await openSender(DELIVERED);
    const sent = await broker.send(writer, 'person@example.com', { subject: 'Question' });
    expect(broker.rung()).toBe(1);
    expect(await outbox.workOnce()).toMatchObject({ outcome: DELIVERED, delivery: { state: 'delivered' } });
    expect(await broker.deliveryOf(sent)).toMatchObject({ evidence: 'smtp', attempt: 1 });
    expect(courier.carried[0]?.envelopeTo).toBe('person@example.com');
    expect(courier.carried[0]?.raw.toString()).toContain('Subject: Question');
    expect(await outbox.workOnce()).toBeUndefined();
    expect(broker.counted.get('emails_sent')).toBe(1);
  });

  test('deferred: again when the wait is over, with the same bytes, until delivered', async () => {
    const { broker, writer, courier, outbox } = await openSender(DEFERRED, DEFERRED, DELIVERED);
    const sent = await broker.send(writer, 'person@example.com');
    await outbox.workOnce();
    expect(await broker.deliveryOf(sent)).toMatchObject({ state: 'deferred', lastError: DEFERRED.reason });
    expect(await outbox.workOnce()).toBeUndefined();
    broker.clock.advance(MINUTE - 1);
    expect(await outbox.workOnce()).toBeUndefined();
    broker.clock.advance(1);
    await outbox.workOnce();
    broker.clock.advance(5 * MINUTE);
    await outbox.workOnce();
    expect(await broker.deliveryOf(sent)).toMatchObject({ state: 'delivered', attempt: 3 });
    expect(new Set(courier.carried.map(({ raw, envid }) => raw.toString('hex') + envid)).size).toBe(1);
  });

  test('refused: bounced, and the sending agent gets a message of type bounce in its thread', async () => {
    const { broker, writer, outbox } = await openSender(REFUSED);
    const session = new HostSession(broker, writer);
    await session.start();
    const sent = await broker.send(writer, 'gone@example.com', { subject: 'Question', sessionId: 'session-1' });
    await outbox.workOnce();
    expect(await broker.deliveryOf(sent)).toMatchObject({ state: 'bounced', lastError: REFUSED.reason });
    expect(broker.woken).toContain(writer.id);
    expect((await new HostSession(broker, writer, { id: 'other' }).stop()).raw).toBe('');
    const { text } = await session.stop();
    expect(text).toContain('subject: "Not delivered: Question"');
    expect(text).toContain(
      `${sent.message.id} could not be delivered to gone@example.com: 5.1.1, the address does not exist`,
    );
    expect(text).toContain(`thread: ${sent.message.threadId}, answers ${sent.message.id}`);
    expect(text).toContain('type: bounce');
  });

  test('out of attempts: bounced after days, and said so', async () => {
    const { broker, writer, outbox } = await openSender(...Array(20).fill(DEFERRED));
    const sent = await broker.send(writer, 'person@example.com');
    let attempts = 0;
    while ((await broker.stateOf(sent)) !== 'bounced') {
      if ((await outbox.workOnce()) !== undefined) attempts += 1;
      broker.clock.advance(DAY);
    }
    expect(attempts).toBe(RETRY_WAITS.length + 1);
    expect((await broker.deliveryOf(sent)).lastError).toBe(`gave up: ${DEFERRED.reason}`);
    expect(await broker.deps.stores.deliveries.countAvailable(writer.id)).toBe(1);
  });

  test('of several people one bounces: the others are not touched', async () => {
    const { broker, writer, outbox } = await openSender(DELIVERED, REFUSED);
    const sent = await broker.send(writer, 'one@example.com', { cc: ['two@example.com'] });
    await outbox.workOnce();
    await outbox.workOnce();
    expect([await broker.stateOf(sent, 0), await broker.stateOf(sent, 1)]).toEqual(['delivered', 'bounced']);
  });

  test('an outcome that comes after the claim ran out changes nothing: the email is sent again', async () => {
    const { broker, writer, outbox } = await openSender(async () => {
      broker.clock.advance(15 * MINUTE);
      await keepHouseOnce(broker.deps);
      return REFUSED;
    }, DELIVERED);
    const sent = await broker.send(writer, 'person@example.com');
    expect((await outbox.workOnce())?.delivery).toBeUndefined();
    expect(await broker.deps.stores.deliveries.countAvailable(writer.id)).toBe(0);
    await outbox.workOnce();
    expect(await broker.deliveryOf(sent)).toMatchObject({ state: 'delivered', attempt: 2 });
  });

  test('the sender was deleted meanwhile: bounced all the same, nobody is told', async () => {
    const { broker, writer, outbox } = await openSender(async () => {
      await broker.deps.stores.agents.end(writer.id, broker.clock.now());
      return REFUSED;
    });
    const sent = await broker.send(writer, 'person@example.com');
    expect((await outbox.workOnce())?.delivery?.state).toBe('bounced');
    expect(await broker.stateOf(sent)).toBe('bounced');
  });

  test('it expires before it was sent: never handed to the courier', async () => {
    const { broker, writer, courier, outbox } = await openSender();
    const sent = await broker.send(writer, 'person@example.com', { expiresAt: broker.clock.now() + MINUTE });
    broker.clock.advance(MINUTE);
    expect(await outbox.workOnce()).toBeUndefined();
    await keepHouseOnce(broker.deps);
    expect(await broker.stateOf(sent)).toBe('expired');
    expect(courier.carried).toEqual([]);
    await keepHouseOnce(broker.deps);
    const { items } = await broker.deps.stores.messages.list(writer.id, { direction: 'inbound' }, ALL);
    expect(items.map(({ message: { type, body } }) => [type, body])).toEqual([
      ['bounce', expect.stringMatching(/to person@example.com was to be delivered until .* It is not tried any more/)],
    ]);
    expect(broker.woken).toContain(writer.id);
  });
});

describe('the duty', () => {
  function run(outbox: Outbox) {
    const stop = new AbortController();
    const ended = outbox.run(stop.signal);
    return { stop: () => stop.abort(), ended };
  }

  test('works what is due, naps, is woken by new mail and by the time, and closes the courier at its end', async () => {
    const { broker, writer, courier, outbox } = await openSender(DELIVERED, DEFERRED, DELIVERED);
    const duty = run(outbox);
    await vi.waitUntil(() => broker.clock.sleeping === WORKERS);
    const first = await broker.send(writer, 'one@example.com');
    outbox.wake();
    await vi.waitUntil(async () => (await broker.stateOf(first)) === 'delivered');
    const second = await broker.send(writer, 'two@example.com');
    outbox.wake();
    await vi.waitUntil(async () => (await broker.stateOf(second)) === 'deferred' && broker.clock.sleeping === WORKERS);
    broker.clock.advance(MINUTE);
    await vi.waitUntil(async () => (await broker.stateOf(second)) === 'delivered');
    expect(courier.closed).toBe(false);
    duty.stop();
    await duty.ended;
    expect(courier.closed).toBe(true);
  });

  test('what is in hand at the end is finished, and nothing new is begun', async () => {
    let finish: (outcome: Outcome) => void = () => undefined;
    const inHand = new Promise<Outcome>((resolve) => {
      finish = resolve;
    });
    const hands = Array(WORKERS).fill(() => inHand);
    const { broker, writer, courier, outbox } = await openSender(...hands);
    const sent = [];
    for (let at = 0; at < WORKERS + 2; at += 1) sent.push(await broker.send(writer, `p@d${at}.example.com`));
    const duty = run(outbox);
    await vi.waitUntil(() => courier.carried.length === WORKERS);
    duty.stop();
    finish(DELIVERED);
    await duty.ended;
    const states = await Promise.all(sent.map((one) => broker.stateOf(one)));
    expect(states).toEqual([...Array(WORKERS).fill('delivered'), 'available', 'available']);
  });

  test('a store that cannot write at the start does not end the duty', async () => {
    const { broker, writer, outbox } = await openSender();
    const sent = await broker.send(writer, 'person@example.com');
    const rescue = vi.spyOn(broker.deps.stores.outbox, 'rescueAll');
    rescue.mockRejectedValueOnce(new RelayError('unavailable'));
    const duty = run(outbox);
    await vi.waitUntil(() => broker.clock.sleeping === 1);
    broker.clock.advance(1_000);
    await vi.waitUntil(async () => (await broker.stateOf(sent)) === 'delivered');
    duty.stop();
    await duty.ended;
  });

  test('an outcome that cannot be recorded leaves the claim to run out', async () => {
    const { broker, writer, courier, outbox } = await openSender();
    const sent = await broker.send(writer, 'person@example.com');
    vi.spyOn(broker.deps.stores.outbox, 'settleIfClaimed').mockRejectedValueOnce(new RelayError('unavailable'));
    const duty = run(outbox);
    await vi.waitUntil(() => broker.clock.sleeping === WORKERS);
    expect(await broker.stateOf(sent)).toBe('leased');
    broker.clock.advance(15 * MINUTE);
    await keepHouseOnce(broker.deps);
    outbox.wake();
    await vi.waitUntil(async () => (await broker.stateOf(sent)) === 'delivered');
    expect(courier.carried).toHaveLength(2);
    duty.stop();
    await duty.ended;
  });
});
