/** Emails in: whose they are, who sent them, what is held, and what a report may change. */
import { describe, expect, test } from 'vitest';
import { decideHold } from '../../../relay/broker/holds.ts';
import { isDeliverable } from '../../../relay/broker/intake/address-book.ts';
import { quarantineEmail, takeEmail } from '../../../relay/broker/intake/intake.ts';
import { Outbox } from '../../../relay/broker/outbox/outbox.ts';
import { REPLY_MARKER } from '../../../relay/mail/replies/new-words.ts';
import { openBroker } from '../../support/broker-fixture.ts';
import { HostSession } from '../../support/host-session.ts';
import { trustZone } from '../../support/mail-signing.ts';
import { byImap, bySmtp, deliveryReport, rawEmail } from '../../support/raw-email.ts';
import { DELIVERED, ScriptedCourier } from '../../support/scripted-courier.ts';
import { ALL } from '../../support/store-fixture.ts';
import type { Zone } from '../../support/zone-resolver.ts';

const NO_TOKEN = { smtp: false, imap: false, http: false };

/** An agent that has asked a person, from a session. */
async function openAsked(
  settings: NonNullable<Parameters<typeof openBroker>[0]>['settings'] = {},
  zone: Zone = {},
  body = 'May I?',
) {
  const broker = await openBroker({ settings, zone });
  const agent = await broker.agent('asker');
  const session = new HostSession(broker, agent);
  await session.start();
  const asked = await broker.send(agent, 'person@example.com', { subject: 'Question', body, sessionId: session.id });
  await new Outbox(broker.deps, new ScriptedCourier(DELIVERED)).workOnce();
  const [item] = (await broker.deps.stores.outbox.list(ALL)).items;
  const replyTo = /^Reply-To: .*<(.+)>/m.exec(item?.email.raw.toString().replace(/\r\n[ \t]/g, ' ') ?? '')?.[1] ?? '';
  const holds = async () => (await broker.deps.stores.holds.list(ALL)).items;
  const take = (raw: Buffer, to = replyTo) => takeEmail(broker.deps, bySmtp(raw, to));
  return { broker, agent, session, asked, replyTo, email: item?.email, holds, take };
}

describe('an answer', () => {
  test('by its token, from the person asked: in the thread, for the session that asked, the new words only', async () => {
    const { broker, agent, session, asked, replyTo, take } = await openAsked();
    await take(rawEmail({ to: replyTo, text: 'Yes, go on.\r\n\r\nOn Monday asker wrote:\r\n> May I?' }));
    expect((await new HostSession(broker, agent, { id: 'other' }).stop()).raw).toBe('');
    const { text } = await session.stop();
    expect(text).toContain('from: person@example.com, a person, by email; trust: known, verified by reply token');
    expect(text).toContain(`thread: ${asked.message.threadId}, answers ${asked.message.id}`);
    expect(text).toContain('\nYes, go on.\n');
    expect(text).not.toContain('May I?');
  });

  test('proven by DMARC, where a token is not enough: the session reads how it was verified', async () => {
    const { session, replyTo, take } = await openAsked({ tokenLetsIn: NO_TOKEN }, trustZone());
    await take(rawEmail({ to: replyTo }));
    expect((await session.stop()).text).toContain('a person, by email; trust: known, verified by DMARC');
  });

  test('holds no line that we wrote ourselves, however it looks', async () => {
    const question = 'Two things.\n\n[Person] Could you look at the failing test?';
    const { broker, agent, replyTo, take } = await openAsked({}, {}, question);
    const head = 'From: asker\nSent: 16 November 2026 10:00\nTo: p@example.com\nSubject: Question';
    const text = `Yes.\n\n${head}\n\n${REPLY_MARKER}\n\n${question}\n[Person] I could.`;
    await take(rawEmail({ from: 'Person <person@example.com>', to: replyTo, text: text.replaceAll('\n', '\r\n') }));
    const [item] = (await broker.deps.stores.messages.list(agent.id, { direction: 'inbound' }, ALL)).items;
    expect(item?.message.body).toContain('\n[Person] I could.');
    expect(item?.message.body).not.toContain('\n[Person] Could you');
  });

  test('the same mail by SMTP and by IMAP is one', async () => {
    const { broker, agent, replyTo, take } = await openAsked({ tokenLetsIn: { smtp: true, imap: true, http: false } });
    const raw = rawEmail({ to: replyTo });
    await take(raw);
    await take(raw);
    await takeEmail(broker.deps, byImap(raw));
    expect(await broker.deps.stores.deliveries.countAvailable(agent.id)).toBe(1);
    expect(await broker.deps.stores.mailboxes.find('box@example.com', 'INBOX')).toMatchObject({ lastUid: 7 });
  });

  test.each([
    ['from somebody else', { from: 'other@example.com' }, 'comes from other@example.com'],
    ['from two authors', { from: 'person@example.com, other@example.com' }, 'more than one author'],
  ])('%s: held with the reason, never injected', async (_, parts, reason) => {
    const { session, replyTo, holds, take } = await openAsked();
    await take(rawEmail({ to: replyTo, ...parts }));
    expect((await session.stop()).raw).toBe('');
    expect((await holds()).map(({ hold }) => hold.reason)).toEqual([expect.stringContaining(reason)]);
  });

  test('by IMAP, where a token alone does not let in: held; a person lets it in as known', async () => {
    const { broker, session, replyTo, holds } = await openAsked();
    await takeEmail(broker.deps, byImap(rawEmail({ to: replyTo })));
    expect((await session.stop()).raw).toBe('');
    const [held] = await holds();
    expect(held?.hold.reason).toContain('TURNPOST_INBOUND_AUTH');
    await decideHold(broker.deps, held?.hold.id ?? '', 'accepted');
    expect((await session.stop()).text).toContain('trust: known, verified not at all');
  });

  test('a token with a wrong MAC, or of a deleted agent, opens nothing', async () => {
    const { broker, agent, replyTo } = await openAsked();
    expect(await isDeliverable(broker.deps, replyTo)).toBe(true);
    const at = replyTo.indexOf('@');
    const forged = `${replyTo.slice(0, at - 1)}${replyTo[at - 1] === 'a' ? 'b' : 'a'}${replyTo.slice(at)}`;
    const tokenOnly = (address: string) => address.replace(/^.*[+.](?=r1)/, '');
    expect(await isDeliverable(broker.deps, tokenOnly(replyTo))).toBe(true);
    expect(await isDeliverable(broker.deps, tokenOnly(forged))).toBe(false);
    await broker.deps.stores.agents.end(agent.id, broker.clock.now());
    expect(await isDeliverable(broker.deps, replyTo)).toBe(false);
  });

  test('a stranger to an agent’s plain address is held', async () => {
    const { agent, session, holds, take } = await openAsked();
    await take(rawEmail({ to: agent.address, from: 'stranger@example.com' }), agent.address);
    expect((await session.stop()).raw).toBe('');
    expect((await holds())[0]?.hold.reason).toContain('wrote without being asked');
  });

  test('to the address for bounces lets in a machine’s words, not a person’s', async () => {
    const { session, email, holds, take } = await openAsked();
    const bounceAddress = email?.envelopeFrom ?? '';
    await take(rawEmail({ to: bounceAddress }), bounceAddress);
    expect((await holds())[0]?.hold.reason).toContain('address for bounces');
    expect((await session.stop()).raw).toBe('');
    await take(rawEmail({ to: bounceAddress, headers: ['Auto-Submitted: auto-replied'] }), bounceAddress);
    const { text } = await session.stop();
    expect(text).toContain('type: auto_reply');
    expect(text).toContain('person@example.com, a machine;');
  });
});

describe('what cannot be taken in', () => {
  const source = byImap(Buffer.alloc(0)).source;
  const head = (line: string) => Buffer.from(`From: person@example.com\r\n${line}\r\n\r\n`);

  test('too large to fetch: a hold for the agent its header section names, and the cursor moves', async () => {
    const { broker, session, replyTo, holds } = await openAsked();
    const refused = { source, raw: null, reason: 'The mail has 99 bytes too many', head: head(`To: ${replyTo}`) };
    await quarantineEmail(broker.deps, refused);
    await quarantineEmail(broker.deps, refused);
    await quarantineEmail(broker.deps, { ...refused, source: { ...source, uid: 8 } });
    expect((await holds()).map(({ hold }) => hold.reason)).toEqual(Array(2).fill('The mail has 99 bytes too many'));
    expect((await session.stop()).raw).toBe('');
    expect(await broker.deps.stores.mailboxes.find(source.account, source.folder)).toMatchObject({ lastUid: 8 });
  });

  test('it names only a message of ours: a hold for the agent that sent it', async () => {
    const { broker, asked, holds } = await openAsked();
    const answers = head(`In-Reply-To: ${asked.message.emailMessageId}`);
    await quarantineEmail(broker.deps, { source, raw: null, reason: 'too large', head: answers });
    expect(await holds()).toHaveLength(1);
  });
});

describe('delivery reports', () => {
  test('with our ENVID: the email bounced, and its sender hears of it in the thread, once', async () => {
    const { broker, session, asked, email, take } = await openAsked();
    const [to, envid] = [email?.envelopeFrom ?? '', email?.envid ?? ''];
    expect(await broker.stateOf(asked)).toBe('delivered');
    await take(deliveryReport(to, 'person@example.com', envid), to);
    expect(await broker.deliveryOf(asked)).toMatchObject({ state: 'bounced', lastError: '5.1.1 550 no such user' });
    await take(deliveryReport(to, 'person@example.com', envid), to);
    const { text, ids } = await session.stop();
    expect(ids).toHaveLength(1);
    expect(text).toContain(
      'could not be delivered to person@example.com: 5.1.1, the address does not exist or is not usable.',
    );
  });

  test('to the envelope sender’s token, without ENVID: counts as well', async () => {
    const { broker, asked, email, take } = await openAsked();
    const to = email?.envelopeFrom ?? '';
    await take(deliveryReport(to, 'person@example.com', null), to);
    expect(await broker.stateOf(asked)).toBe('bounced');
  });

  test('without our MAC, by the reply token only, or of a mere delay: changes nothing', async () => {
    const { broker, agent, session, asked, replyTo, email, take } = await openAsked();
    const envid = email?.envid ?? '';
    const forged = `${envid.slice(0, -1)}${envid.endsWith('a') ? 'b' : 'a'}`;
    const to = email?.envelopeFrom ?? '';
    await take(deliveryReport(agent.address, 'person@example.com', forged), agent.address);
    await take(deliveryReport(replyTo, 'person@example.com', null), replyTo);
    await take(deliveryReport(to, 'person@example.com', envid, 'delayed'), to);
    expect(await broker.stateOf(asked)).toBe('delivered');
    expect((await session.stop()).raw).toBe('');
    // What proves nothing is held, not thrown away.
    expect((await broker.deps.stores.holds.list({ cursor: undefined, limit: 10 })).items).toHaveLength(2);
  });
});
