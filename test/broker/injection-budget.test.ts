/** Batches, and the host's budget: what is injected is never larger than what the host shows whole. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countFitting, type InjectionFrame, renderInjection } from '../../relay/broker/render-injection.ts';
import { findHost } from '../../relay/hosts/registry.ts';
import type { Candidate } from '../../relay/store/stores.ts';
import { HOSTS, type Message } from '../../relay/types.ts';
import { openBroker } from '../support/broker-fixture.ts';
import { HostSession } from '../support/host-session.ts';
import { aDelivery, aMessage, anAttachment } from '../support/store-fixture.ts';

async function openPair(host: (typeof HOSTS)[number] = 'claude') {
  const broker = await openBroker();
  const [writer, reader] = [await broker.agent('writer'), await broker.agent('reader')];
  return { broker, writer, reader, session: new HostSession(broker, reader, { host }) };
}

describe('batches', () => {
  test('eight messages at once are one injection, urgent first, then oldest first', async () => {
    const { broker, writer, reader, session } = await openPair();
    const sent = [];
    for (let at = 0; at < 8; at += 1) {
      sent.push(await broker.send(writer, reader, { priority: at === 5 ? 'urgent' : 'normal' }));
    }
    const ids = sent.map(({ message }) => message.id);
    const injected = await session.stop();
    expect(injected.ids).toEqual([ids[5], ...ids.slice(0, 5), ...ids.slice(6)]);
    expect(injected.text).toContain('8 messages for reader@turnpost.localhost arrived');
    expect((await session.goOn({ seen: injected.ids })).raw).toBe('');
    for (const one of sent) expect(await broker.stateOf(one)).toBe('delivered');
  });

  test('what does not fit stays available and is announced', async () => {
    const { broker, writer, reader, session } = await openPair();
    for (let at = 0; at < 5; at += 1) await broker.send(writer, reader, { body: 'x'.repeat(3_000) });
    const first = await session.stop();
    expect(first.ids).toHaveLength(2);
    expect(first.text).toContain('3 messages more will follow');
    expect((await session.goOn({ seen: first.ids })).ids).toHaveLength(2);
  });

  test('a long one is cut only when it comes alone: a short one before it goes first', async () => {
    const { broker, writer, reader, session } = await openPair();
    const short = await broker.send(writer, reader);
    const long = await broker.send(writer, reader, { body: 'word\n'.repeat(10_000) });
    expect((await session.stop()).ids).toEqual([short.message.id]);
    const second = await session.goOn();
    expect(second.ids).toEqual([long.message.id]);
    expect(second.text).toContain('[cut here');
  });

  test.each(HOSTS)('%s: what comes again with its note still fits', async (host) => {
    const { broker, writer, reader, session } = await openPair(host);
    for (let at = 0; at < 50; at += 1) await broker.send(writer, reader, { body: 'x'.repeat(20) });
    const limits = findHost(host);
    for (let turn = 0; turn < 3; turn += 1) {
      await session.prompt();
      const { text } = await session.stop();
      expect(limits?.sizeOf(text)).toBeLessThanOrEqual(limits?.textBudget ?? 0);
    }
  });
});

/** Letters, lines, wide and hidden characters, emoji, lone surrogates, markers: what hostile senders write. */
const hostileText = (maxLength: number) =>
  fc
    .array(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.string({ unit: 'grapheme', maxLength: 40 }),
        fc.constantFrom(
          '\n',
          '\r\n',
          '\u2028',
          '\ud83d',
          '👩‍💻',
          '\u202e',
          '<',
          '&',
          '日本語',
          'Turnpost message msg_',
        ),
        fc.integer({ min: 0, max: 3_000 }).map((length) => 'x'.repeat(length)),
        fc.integer({ min: 0, max: 1_500 }).map((length) => '語'.repeat(length)),
        fc.integer({ min: 0, max: 500 }).map((length) => '\n'.repeat(length)),
      ),
      { maxLength: 24 },
    )
    .map((parts) => parts.join('').slice(0, maxLength));

const hostileMessage: fc.Arbitrary<Partial<Message>> = fc.record({
  body: hostileText(60_000),
  subject: fc.option(hostileText(400), { nil: null }),
  from: fc.record({
    address: fc.constantFrom('a@example.com', `${'a'.repeat(64)}@${'b'.repeat(180)}.example`),
    name: fc.option(hostileText(400), { nil: null }),
    kind: fc.constantFrom('agent' as const, 'person' as const, 'machine' as const),
  }),
  attachments: fc.array(
    hostileText(255).map((filename) => ({ ...anAttachment(0, ''), filename })),
    { maxLength: 12 },
  ),
});

const ADDRESSES = ['reader@turnpost.localhost', `${'r'.repeat(39)}@${'d'.repeat(200)}.example`] as const;

describe.each(HOSTS)('%s', (name) => {
  const host = findHost(name);
  if (host === undefined) throw new Error(name);

  test('the text never exceeds the budget, whatever is in the messages', () => {
    fc.assert(
      fc.property(
        fc.array(hostileMessage, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 0, max: 3 }),
        fc.constantFrom(...ADDRESSES),
        (messages, attempt, address) => {
          const frame: InjectionFrame = {
            address,
            mark: 'f'.repeat(16),
            budget: host.textBudget,
            sizeOf: (text) => host.sizeOf(text),
          };
          const offered = messages.map((message): Candidate => {
            const said = aMessage({ ...message, inReplyTo: 'msg_01jabcdefghjkmnpqrstvwxyz0', requiresResponse: true });
            return { message: said, delivery: aDelivery(said, { agentId: 'agt_1', trust: 'known', attempt }) };
          });
          const count = countFitting(offered, frame);
          const given = offered.slice(0, count).map(({ message, delivery }): Candidate => {
            return { message, delivery: { ...delivery, state: 'leased', attempt: attempt + 1 } };
          });
          const text = renderInjection(given, frame, offered.length - count + 99_999);
          expect(host.sizeOf(text)).toBeLessThanOrEqual(host.textBudget);
          expect(text.match(/^Turnpost message msg_[0-9a-z]{26}$/gm)?.length).toBeGreaterThanOrEqual(count);
        },
      ),
      // Shrinking such texts takes minutes; the first counterexample says enough.
      { numRuns: 150, endOnFailure: true },
    );
  });
});
