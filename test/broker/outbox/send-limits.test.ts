/** How fast mail goes out: by domain, in all, at once, and when a server asks for less. */
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { isTooLarge, Outbox } from '../../../relay/broker/outbox/outbox.ts';
import { SendLimiter } from '../../../relay/broker/outbox/send-limiter.ts';
import { parseEmail } from '../../../relay/mail/parse/parse-email.ts';
import { sendLimits } from '../../../relay/send-limit.ts';
import type { Outcome } from '../../../relay/types.ts';
import { openBroker } from '../../support/broker-fixture.ts';
import { DAY, HOUR, MINUTE } from '../../support/manual-clock.ts';
import { DELIVERED, ScriptedCourier } from '../../support/scripted-courier.ts';
import { ALL } from '../../support/store-fixture.ts';

async function openOutbox(limits: string, ...script: ConstructorParameters<typeof ScriptedCourier>) {
  const broker = await openBroker();
  const writer = await broker.agent('writer');
  const courier = new ScriptedCourier(...script);
  const outbox = new Outbox(broker.deps, courier, limits === '' ? [] : sendLimits(limits));
  /** Works until nothing may go out; whom it went to. */
  const work = async (): Promise<string[]> => {
    const before = courier.carried.length;
    while ((await outbox.workOnce()) !== undefined);
    return courier.carried.slice(before).map(({ envelopeTo }) => envelopeTo);
  };
  const send = async (...to: string[]) => {
    for (const one of to) await broker.send(writer, one);
  };
  return { broker, writer, courier, outbox, work, send };
}

const slowDown = (what: 'domain' | 'all'): Outcome => ({
  kind: 'deferred',
  reason: '421 4.7.0 too many',
  code: 421,
  slowDown: what,
});

describe('the setting', () => {
  test('names domains, all others and all together', () => {
    expect(sendLimits('gmail.com=20/1m:2, *=100/1m,total=500/1d')).toEqual([
      { name: 'gmail.com', count: 20, periodMs: MINUTE, atOnce: 2 },
      { name: '*', count: 100, periodMs: MINUTE, atOnce: null },
      { name: 'total', count: 500, periodMs: DAY, atOnce: null },
    ]);
  });

  test.each([
    '',
    'gmail.com',
    'gmail=1/1m',
    'gmail.com=0/1m',
    'gmail.com=1/0s',
    'gmail.com=1/8d',
    'gmail.com=1/1m:0',
    '*=1',
  ])('refuses %j', (text) => expect(() => sendLimits(text)).toThrow(/want/));
});

describe('within a time', () => {
  test('a domain over its limit waits, and holds up no other; then it goes on', async () => {
    const { broker, send, work } = await openOutbox('busy.example.com=2/1m');
    await send('a@busy.example.com', 'b@busy.example.com', 'c@busy.example.com', 'x@example.org', 'd@busy.example.com');
    expect(await work()).toEqual(['a@busy.example.com', 'b@busy.example.com', 'x@example.org']);
    broker.clock.advance(MINUTE - 1);
    expect(await work()).toEqual([]);
    broker.clock.advance(1);
    expect(await work()).toEqual(['c@busy.example.com', 'd@busy.example.com']);
  });

  test('`*` is each other domain by itself, `total` all together, and rows of one name hold together', async () => {
    const { broker, send, work } = await openOutbox('*=1/1m,named.example.com=9/1m,total=4/1d,named.example.com=2/1h');
    await send('a@one.example.com', 'b@one.example.com', 'c@two.example.com');
    await send('d@named.example.com', 'e@named.example.com', 'f@named.example.com');
    expect(await work()).toEqual([
      'a@one.example.com',
      'c@two.example.com',
      'd@named.example.com',
      'e@named.example.com',
    ]);
    broker.clock.advance(HOUR);
    expect(await work()).toEqual([]);
    broker.clock.advance(DAY - HOUR);
    expect(await work()).toEqual(['b@one.example.com', 'f@named.example.com']);
  });

  test('what went out before a restart counts', async () => {
    const { broker, send, work, courier } = await openOutbox('total=2/1d');
    await send('a@example.com', 'b@example.com', 'c@example.com');
    expect(await work()).toHaveLength(2);
    broker.clock.advance(HOUR);
    const next = new Outbox(broker.deps, courier, sendLimits('total=2/1d'));
    const stop = new AbortController();
    const ended = next.run(stop.signal);
    await vi.waitUntil(() => broker.clock.sleeping > 0);
    expect(courier.carried).toHaveLength(2);
    broker.clock.advance(DAY - HOUR);
    await vi.waitUntil(() => courier.carried.length === 3);
    stop.abort();
    await ended;
  });

  test('never more than the limit lie within any such time, whenever they come', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 30_000 }), fc.constantFrom('a.example', 'b.example')), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 5 }), (moves, count) => {
        const limiter = new SendLimiter(sendLimits(`*=${count}/1m:99,total=${count + 2}/1m`));
        const sent: { domain: string; at: number }[] = [];
        let now = 0;
        for (const [wait, domain] of moves) {
          now += wait;
          const { domains, all } = limiter.barred(now);
          if (all || domains.includes(domain)) continue;
          limiter.start(domain, now);
          limiter.finish(domain);
          sent.push({ domain, at: now });
        }
        for (const { at } of sent) {
          const within = sent.filter((one) => one.at > at - MINUTE && one.at <= at);
          expect(within.length).toBeLessThanOrEqual(count + 2);
          expect(within.filter(({ domain }) => domain === 'a.example').length).toBeLessThanOrEqual(count);
        }
        // And it does not stop for good.
        expect(limiter.barred(now + MINUTE)).toEqual({ domains: [], all: false, freeAt: null });
      }),
    );
  });
});

describe('at once', () => {
  async function inHandOf(limits: string, to: readonly string[]): Promise<string[]> {
    let finish: (outcome: Outcome) => void = () => undefined;
    const waits = new Promise<Outcome>((resolve) => {
      finish = resolve;
    });
    const { courier, outbox, send } = await openOutbox(limits, ...to.map(() => () => waits));
    await send(...to);
    const works = Array.from({ length: 8 }, () => outbox.workOnce());
    await Promise.race([Promise.all(works.slice(-1)), vi.waitUntil(() => courier.carried.length === to.length)]);
    const inHand = courier.carried.map(({ envelopeTo }) => envelopeTo);
    finish(DELIVERED);
    await Promise.all(works);
    return inHand;
  }
  const TO = ['a@slow.example.com', 'b@slow.example.com', 'c@slow.example.com', 'x@example.org', 'y@example.net'];

  test('two to a domain where nobody said otherwise: a slow one leaves workers for the others', async () => {
    expect(await inHandOf('', TO)).toEqual([
      'a@slow.example.com',
      'b@slow.example.com',
      'x@example.org',
      'y@example.net',
    ]);
  });

  test.each([
    ['*=99/1m:1', ['a@slow.example.com', 'x@example.org', 'y@example.net']],
    ['slow.example.com=99/1m:3', TO],
    ['total=99/1m:1', ['a@slow.example.com']],
  ])('%s', async (limits, inHand) => {
    expect(await inHandOf(limits, TO)).toEqual(inHand);
  });
});

describe('a server that asks for less', () => {
  test('gets a pause for its whole domain, twice as long each time, until it takes a mail again', async () => {
    const { broker, send, work } = await openOutbox('', slowDown('domain'), DELIVERED, slowDown('domain'));
    broker.clock.luck = 0;
    await send('a@busy.example.com', 'b@busy.example.com', 'x@example.org');
    expect(await work()).toEqual(['a@busy.example.com', 'x@example.org']);
    broker.clock.advance(MINUTE - 1);
    expect(await work()).toEqual([]);
    broker.clock.advance(1);
    expect(await work()).toEqual(['b@busy.example.com']);
    broker.clock.advance(2 * MINUTE - 1);
    expect(await work()).toEqual([]);
    broker.clock.advance(1);
    expect((await work()).toSorted()).toEqual(['a@busy.example.com', 'b@busy.example.com']);
  });

  test('that all mail goes through: all mail waits', async () => {
    const { broker, send, work } = await openOutbox('', slowDown('all'));
    await send('a@busy.example.com', 'x@example.org');
    expect(await work()).toEqual(['a@busy.example.com']);
    broker.clock.advance(MINUTE);
    expect(await work()).toContain('x@example.org');
  });

  test('the pause is an hour at most, and what was in hand when it began makes it no longer', () => {
    const limiter = new SendLimiter([]);
    let now = 0;
    for (let n = 0; n < 12; n += 1) {
      limiter.pause({ domain: 'd.example' }, now);
      limiter.pause({ domain: 'd.example' }, now);
      const { freeAt } = limiter.barred(now);
      expect(freeAt).toBe(now + Math.min(MINUTE * 2 ** n, HOUR));
      now = freeAt ?? now;
    }
    limiter.went('d.example');
    limiter.pause({ domain: 'd.example' }, now);
    expect(limiter.barred(now).freeAt).toBe(now + MINUTE);
  });
});

describe('a server that finds it too large', () => {
  const TOO_LARGE: Outcome = { kind: 'refused', reason: '552 5.3.4 message too big', code: 552 };
  const attachments = [{ filename: 'a.bin', contentType: 'application/octet-stream', content: Buffer.alloc(50_000) }];

  test('gets the same mail at once, with links in place of the files', async () => {
    const { broker, writer, courier, outbox } = await openOutbox('', TOO_LARGE, DELIVERED);
    Object.assign(broker.deps.settings, { outbound: { publicUrl: 'https://relay.example.com', maxEmail: 1e8 } });
    const sent = await broker.send(writer, 'person@example.com', { attachments });
    expect(await outbox.workOnce()).toMatchObject({ delivery: { state: 'deferred', lastError: TOO_LARGE.reason } });
    expect(await outbox.workOnce()).toMatchObject({ delivery: { state: 'delivered', attempt: 2 } });
    expect(await broker.stateOf(sent)).toBe('delivered');
    const [first, second] = await Promise.all(courier.carried.map(({ raw }) => parseEmail(raw)));
    expect(second?.messageId).toBe(first?.messageId);
    expect(second?.text).toContain('https://relay.example.com/f/');
    expect(courier.carried[1]?.raw.length).toBeLessThan(20_000);
    expect(
      (await broker.deps.stores.outbox.list(ALL)).items[0]?.email.raw.equals(
        courier.carried[1]?.raw ?? Buffer.alloc(0),
      ),
    ).toBe(true);
  });

  test('and still finds it so: bounced, like one that cannot be made smaller', async () => {
    const { broker, writer, outbox } = await openOutbox('', TOO_LARGE, TOO_LARGE, TOO_LARGE);
    Object.assign(broker.deps.settings, { outbound: { publicUrl: 'https://relay.example.com', maxEmail: 1e8 } });
    await broker.send(writer, 'person@example.com', { attachments });
    await outbox.workOnce();
    expect(await outbox.workOnce()).toMatchObject({ delivery: { state: 'bounced' } });
    await broker.send(writer, 'person@example.com');
    expect(await outbox.workOnce()).toMatchObject({ delivery: { state: 'bounced' } });
  });

  test.each([
    ['552 5.3.4 Message size exceeds fixed limit', 552, true],
    ['552 Message exceeds fixed maximum message size', 552, true],
    ['550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large', 550, true],
    ['552 5.2.2 Mailbox full', 552, false],
    ['552 mailbox over quota', 552, false],
    ['550 5.1.1 no such user', 550, false],
  ])('%s: %s', (reason, code, expected) => {
    expect(isTooLarge({ kind: 'refused', reason, code })).toBe(expected);
  });
});
