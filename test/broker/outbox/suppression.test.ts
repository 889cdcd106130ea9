/** Bounces and complaints: which delivery they are about, what they change, whom they keep mail from, and the way back. */
import { describe, expect, test } from 'vitest';
import { takeEmail } from '../../../relay/broker/intake/intake.ts';
import { Outbox } from '../../../relay/broker/outbox/outbox.ts';
import { deadByRefusal, saysAddressIsDead } from '../../../relay/broker/outbox/suppression.ts';
import type { SenderProof } from '../../../relay/mail/contracts.ts';
import type { Outcome } from '../../../relay/types.ts';
import { openBroker } from '../../support/broker-fixture.ts';
import { DAY } from '../../support/manual-clock.ts';
import { bySmtp, complaintReport, deliveryReport, rawEmail, statusReport } from '../../support/raw-email.ts';
import { DELIVERED, REFUSED, ScriptedCourier } from '../../support/scripted-courier.ts';
import { ALL } from '../../support/store-fixture.ts';

const PERSON = 'person@example.com';

/** An agent that has sent one email, which the next server took. */
async function openSent(...outcomes: Outcome[]) {
  const broker = await openBroker({ authenticator: { authenticate: async () => proof } });
  const agent = await broker.agent('asker');
  const sent = await broker.send(agent, PERSON, { subject: 'Question' });
  const outbox = new Outbox(broker.deps, new ScriptedCourier(...(outcomes.length > 0 ? outcomes : [DELIVERED])));
  await outbox.workOnce();
  const [item] = (await broker.deps.stores.outbox.list(ALL)).items;
  const [to, envid] = [item?.email.envelopeFrom ?? '', item?.email.envid ?? ''];
  const { stores } = broker.deps;
  return {
    broker,
    agent,
    sent,
    outbox,
    to,
    envid,
    take: (raw: Buffer, where = to) => takeEmail(broker.deps, bySmtp(raw, where, '')),
    suppressed: (address = PERSON) => stores.suppressions.find(address, agent.id, broker.clock.now()),
    /** What the agent was told, oldest first. */
    told: async () => {
      const { items } = await stores.messages.list(agent.id, { direction: 'inbound' }, ALL);
      return items.map(({ message: { subject, body } }) => `${subject}: ${body}`).toReversed();
    },
    held: async () => (await stores.holds.list(ALL)).items.map(({ hold }) => hold.reason),
  };
}

const NO_AUTH = { spf: 'none', dkim: 'none', dmarc: 'none', arc: 'none' };
const UNPROVEN = {
  auth: NO_AUTH,
  authorProven: false,
  forged: false,
  oneAuthor: true,
  signedOnly: null,
  temporary: false,
  reason: 'nothing proves who that is',
} satisfies SenderProof;
let proof: SenderProof = UNPROVEN;

describe('which codes say that an address is dead', () => {
  test.each(['5.1.1', '5.1.2', '5.1.3', '5.1.6', '5.1.10', '5.2.1', '5.4.4'])('%s', (status) => {
    expect(saysAddressIsDead(status)).toBe(true);
  });

  test.each(['4.1.1', '4.4.7', '5.2.2', '5.2.3', '5.7.1', '5.7.26', '5.1.7', '5.1.8', '5.0.0', '5.1.11', null])(
    'not %s',
    (status) => {
      expect(saysAddressIsDead(status)).toBe(false);
    },
  );

  test('in a reply it stands behind the code, and is not about the sender', () => {
    expect(deadByRefusal('550 5.1.1 no such user')).toBe('5.1.1');
    expect(deadByRefusal('550-5.1.1 The email account that you tried to reach does not exist')).toBe('5.1.1');
    expect(deadByRefusal('550 no such user')).toBeUndefined();
    expect(deadByRefusal('550 5.1.1 sender address unknown')).toBeUndefined();
    expect(deadByRefusal('550 5.7.1 see https://example.com/550 5.1.1')).toBeUndefined();
    expect(deadByRefusal('450 4.1.1 not now')).toBeUndefined();
  });
});

describe('a refusal in the dialogue', () => {
  test('550 5.1.1 suppresses the address, in the same step as the bounce', async () => {
    const { suppressed, told } = await openSent(REFUSED);
    expect(await suppressed()).toMatchObject({ reason: 'bounce', code: '5.1.1', source: REFUSED.reason });
    expect(await told()).toHaveLength(1);
  });

  test.each([
    ['a full mailbox', { kind: 'refused', reason: '552 5.2.2 mailbox full', code: 552 }],
    ['a policy', { kind: 'refused', reason: '550 5.7.1 blocked', code: 550 }],
    ['550 without more', { kind: 'refused', reason: '550 no', code: 550 }],
    ['a wait', { kind: 'deferred', reason: '450 4.2.0 greylisted', code: 450 }],
  ] as const)('%s suppresses nothing', async (_, outcome) => {
    const { suppressed } = await openSent(outcome);
    expect(await suppressed()).toBeUndefined();
  });

  test('what waited in the outbox when its address was suppressed is not sent, and its sender is told', async () => {
    const { broker, agent, outbox, told } = await openSent(REFUSED);
    await broker.deps.stores.suppressions.remove(PERSON);
    const second = await broker.send(agent, PERSON, { subject: 'Again' });
    await broker.deps.stores.suppressions.add({
      address: PERSON,
      agentId: null,
      reason: 'complaint',
      code: null,
      source: 'a report',
      createdAt: broker.clock.now(),
      expiresAt: null,
    });
    // The courier has nothing left to say: it is not asked.
    await outbox.workOnce();
    expect(await broker.deliveryOf(second)).toMatchObject({
      state: 'bounced',
      lastError: expect.stringContaining('not sent: person@example.com: somebody there called mail from here spam'),
    });
    expect(await told()).toHaveLength(2);
  });
});

describe('a report with our token', () => {
  test('of a dead address bounces the delivery and suppresses the address, for 90 days', async () => {
    const { broker, agent, sent, to, envid, take, suppressed } = await openSent();
    await take(deliveryReport(to, PERSON, envid));
    expect(await broker.stateOf(sent)).toBe('bounced');
    expect(await suppressed()).toMatchObject({ reason: 'bounce', code: '5.1.1', source: '5.1.1 550 no such user' });
    await expect(broker.send(agent, PERSON)).rejects.toMatchObject({ code: 'suppressed' });
    broker.clock.advance(90 * DAY);
    expect((await broker.send(agent, PERSON)).deliveries).toHaveLength(1);
  });

  test.each([
    ['a full mailbox', 'failed', '5.2.2'],
    ['a policy', 'failed', '5.7.1'],
    ['given up after days', 'failed', '4.4.7'],
  ])('of %s bounces and suppresses nothing', async (_, action, status) => {
    const { broker, sent, to, take, suppressed } = await openSent();
    await take(statusReport(to, [{ recipient: PERSON, action, status }]));
    expect(await broker.stateOf(sent)).toBe('bounced');
    expect(await suppressed()).toBeUndefined();
  });

  test.each(['delayed', 'delivered', 'relayed', 'expanded'])(
    '"%s" changes nothing and tells nobody',
    async (action) => {
      const { broker, sent, to, take, told, held } = await openSent();
      await take(statusReport(to, [{ recipient: PERSON, action, status: '4.4.1' }]));
      expect(await broker.stateOf(sent)).toBe('delivered');
      expect([await told(), await held()]).toEqual([[], []]);
    },
  );

  test('of several recipients only the one we wrote to counts', async () => {
    const { broker, sent, to, take, suppressed } = await openSent();
    const other = { recipient: 'other@example.com', action: 'failed', status: '5.1.1' };
    await take(statusReport(to, [other, { recipient: PERSON, action: 'delayed', status: '4.4.1' }]));
    expect(await broker.stateOf(sent)).toBe('delivered');
    await take(
      statusReport(to, [
        { ...other, action: 'delivered' },
        { ...other, recipient: PERSON },
      ]),
    );
    expect(await broker.stateOf(sent)).toBe('bounced');
    expect(await suppressed('other@example.com')).toBeUndefined();
    expect((await suppressed())?.code).toBe('5.1.1');
  });

  test('about an address the mail was passed on to: bounced, but nobody is suppressed', async () => {
    const { broker, sent, to, take, suppressed } = await openSent();
    await take(statusReport(to, [{ recipient: 'elsewhere@example.org', action: 'failed', status: '5.1.1' }]));
    expect(await broker.stateOf(sent)).toBe('bounced');
    expect(await suppressed()).toBeUndefined();
    expect(await suppressed('elsewhere@example.org')).toBeUndefined();
  });

  test('that names our address as the original one and the same at another host as the final one suppresses ours', async () => {
    const { to, take, suppressed } = await openSent();
    const fields = { recipient: 'Person@host.example.com', original: PERSON, action: 'failed', status: '5.1.1' };
    await take(statusReport(to, [fields]));
    expect((await suppressed())?.address).toBe(PERSON);
  });

  test('about one of those behind our address: bounced, but the others still get mail', async () => {
    const { broker, sent, to, take, suppressed } = await openSent();
    const fields = { recipient: 'left@example.com', original: PERSON, action: 'failed', status: '5.1.1' };
    await take(statusReport(to, [fields, { ...fields, recipient: 'here@example.com', action: 'relayed' }]));
    expect(await broker.stateOf(sent)).toBe('delivered');
    await take(statusReport(to, [fields]));
    expect(await broker.stateOf(sent)).toBe('bounced');
    expect(await suppressed()).toBeUndefined();
  });

  test('where some of those it was passed on to failed: the agent is told, the delivery stays', async () => {
    const { broker, sent, to, take, told } = await openSent();
    const one = { recipient: 'a@example.org', action: 'failed', status: '5.1.1' };
    await take(statusReport(to, [one, { ...one, recipient: 'b@example.org', action: 'delivered', status: '2.0.0' }]));
    expect(await broker.stateOf(sent)).toBe('delivered');
    expect(await told()).toHaveLength(1);
  });

  test('in plain text, of an old server: by the token in the address it came to', async () => {
    const { broker, sent, to, take, suppressed } = await openSent();
    const text = `Hi. This is the qmail-send program.\r\n\r\n<${PERSON}>:\r\nSorry, no mailbox here by that name. (#5.1.1)`;
    await take(rawEmail({ from: 'MAILER-DAEMON@example.com', to, subject: 'failure notice', text }));
    expect(await broker.stateOf(sent)).toBe('bounced');
    expect((await suppressed())?.code).toBe('5.1.1');
  });

  test('in plain text, of a mere delay: nothing', async () => {
    const { broker, sent, to, take, told } = await openSent();
    const text = 'A message that you sent has not yet been delivered. Delivery attempts will continue.';
    await take(rawEmail({ from: 'Mailer-Daemon@example.com', to, subject: 'Warning: message delayed 24 hours', text }));
    expect([await broker.stateOf(sent), await told()]).toEqual(['delivered', []]);
  });

  test('is believed by its ENVID wherever it comes to', async () => {
    const { broker, agent, sent, envid, take } = await openSent();
    await take(deliveryReport(agent.address, PERSON, envid), agent.address);
    expect(await broker.stateOf(sent)).toBe('bounced');
  });
});

describe('a report without our token', () => {
  const forged = (to: string, messageId: string, more: { recipient?: string; text?: string } = {}) =>
    statusReport(
      to,
      [{ recipient: more.recipient ?? PERSON, action: 'failed', status: '5.1.1' }],
      messageId,
      more.text,
    );

  test('that knows the message and its recipient is told to the agent as unproven, once, and changes nothing', async () => {
    const { broker, agent, sent, take, told, held, suppressed } = await openSent();
    const id = sent.message.emailMessageId ?? '';
    await take(forged(agent.address, id), agent.address);
    await take(forged(agent.address, id, { text: 'Once more.' }), agent.address);
    expect(await told()).toEqual([expect.stringMatching(/^Perhaps not delivered: .*Nothing proves the report/)]);
    expect(await broker.stateOf(sent)).toBe('delivered');
    expect(await suppressed()).toBeUndefined();
    expect(await held()).toEqual([]);
  });

  test('about somebody we did not write to, or another message, is held', async () => {
    const { agent, sent, take, told, held } = await openSent();
    const id = sent.message.emailMessageId ?? '';
    await take(forged(agent.address, id, { recipient: 'other@example.com' }), agent.address);
    await take(forged(agent.address, '<tp.msg_other@turnpost.localhost>'), agent.address);
    expect(await told()).toEqual([]);
    expect(await held()).toHaveLength(2);
  });
});

describe('a complaint', () => {
  test('about a mail with our bounce token: no more mail goes there, and the agent is told, once', async () => {
    const { broker, agent, to, take, told, suppressed } = await openSent();
    await take(complaintReport(agent.address, to), agent.address);
    await take(complaintReport(agent.address, to, 'fraud'), agent.address);
    expect(await suppressed()).toMatchObject({ reason: 'complaint', expiresAt: null });
    expect(await told()).toEqual([expect.stringContaining('was reported as spam by its reader')]);
    await expect(broker.send(agent, PERSON)).rejects.toThrow('called mail from here spam');
  });

  test('without our token is held; "not spam" suppresses nothing', async () => {
    const { agent, to, take, held, suppressed, told } = await openSent();
    const forged = `${to.slice(0, to.indexOf('@') - 1)}x${to.slice(to.indexOf('@'))}`;
    await take(complaintReport(agent.address, forged), agent.address);
    expect(await held()).toEqual([expect.stringContaining('a complaint report')]);
    await take(complaintReport(agent.address, to, 'not-spam'), agent.address);
    expect([await suppressed(), await told()]).toEqual([undefined, []]);
  });
});

describe('the way back', () => {
  const write = (to: string) => rawEmail({ to, text: 'I am here.' });

  test('a mail that is proven to be from there ends a bounce, not a complaint', async () => {
    const { broker, agent, to, take, suppressed } = await openSent();
    await take(deliveryReport(to, PERSON, null));
    proof = { ...UNPROVEN, authorProven: true, reason: null };
    await takeEmail(broker.deps, bySmtp(write(agent.address), agent.address));
    expect(await suppressed()).toBeUndefined();
    await take(complaintReport(agent.address, to), agent.address);
    await takeEmail(broker.deps, bySmtp(write(agent.address), agent.address));
    expect((await suppressed())?.reason).toBe('complaint');
    proof = UNPROVEN;
  });

  test('a mail that is not proven ends nothing', async () => {
    const { broker, agent, to, take, suppressed } = await openSent();
    await take(deliveryReport(to, PERSON, null));
    await takeEmail(broker.deps, bySmtp(write(agent.address), agent.address));
    expect((await suppressed())?.reason).toBe('bounce');
  });
});
