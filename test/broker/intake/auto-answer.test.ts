/** Answers that the relay gives by itself: to whom, how often, and to whom never (RFC 3834). */
import { describe, expect, test } from 'vitest';
import { keepHouseOnce } from '../../../relay/broker/housekeeping.ts';
import { answerAddress, autoAnswer } from '../../../relay/broker/intake/auto-answer.ts';
import type { ReadEmail } from '../../../relay/broker/intake/intake-mail.ts';
import type { SenderProof } from '../../../relay/mail/contracts.ts';
import { classifyEmail } from '../../../relay/mail/machines/classify.ts';
import { parseEmail } from '../../../relay/mail/parse/parse-email.ts';
import { openBroker } from '../../support/broker-fixture.ts';
import { DAY } from '../../support/manual-clock.ts';
import { byImap, bySmtp, rawEmail } from '../../support/raw-email.ts';
import { ALL, aSuppression } from '../../support/store-fixture.ts';

const PROOF: SenderProof = {
  auth: { spf: 'pass', dkim: 'none', dmarc: 'none', arc: 'none' },
  authorProven: false,
  forged: false,
  oneAuthor: true,
  signedOnly: null,
  temporary: false,
  reason: 'no',
};
const TO = 'asker@turnpost.example';

interface Changes {
  readonly headers?: readonly string[];
  readonly envelopeFrom?: string;
  readonly proof?: Partial<SenderProof>;
  readonly subject?: string;
  readonly imap?: boolean;
}

async function open() {
  const tokenLetsIn = { smtp: false, imap: false, http: false };
  const broker = await openBroker({
    settings: { domain: 'turnpost.example', mailboxAddresses: ['box@example.com'], tokenLetsIn },
  });
  const mail = async (changes: Changes = {}) => {
    const { headers = [], envelopeFrom = 'person+x@example.com', imap = false } = changes;
    const raw = rawEmail({ to: TO, headers, ...(changes.subject && { subject: changes.subject }) });
    const incoming = imap ? byImap(raw) : bySmtp(raw, TO, envelopeFrom);
    const parsed = await parseEmail(raw);
    const kind = classifyEmail(parsed, { envelopeFrom: imap ? null : envelopeFrom, isOwnMessageId: () => false });
    const email = { ...incoming, parsed, kind, proof: { ...PROOF, ...changes.proof } };
    return email satisfies Omit<ReadEmail, 'words'>;
  };
  const sent = async () => (await broker.deps.stores.outbox.list(ALL)).items.toReversed();
  return { broker, mail, sent };
}

describe('an automatic answer', () => {
  test('goes to the envelope sender from the null path, in the thread, marked as automatic', async () => {
    const { broker, mail, sent } = await open();
    expect(await autoAnswer(broker.deps, await mail({ subject: 'Hello' }), 'I cannot read this.')).toBe(true);
    const [item] = await sent();
    expect(item?.email).toMatchObject({ envelopeFrom: '', envelopeTo: 'person+x@example.com' });
    const answer = await parseEmail(item?.email.raw ?? Buffer.alloc(0));
    expect(answer.from).toEqual([{ address: 'postmaster@turnpost.example', name: 'Turnpost' }]);
    expect(answer.subject).toBe('Auto: Re: Hello');
    expect(answer.headers.get('auto-submitted')).toEqual(['auto-replied']);
    expect(answer.inReplyTo).toEqual([expect.stringMatching(/^<mail-\d+@example.com>$/)]);
    expect(answer.text).toContain('I cannot read this.\n\nThis email was written by a program');
    expect(broker.rung()).toBe(1);
  });

  test('is given once for an address and day, also to many at the same moment', async () => {
    const { broker, mail, sent } = await open();
    const emails = await Promise.all([mail(), mail(), mail()]);
    await Promise.all(emails.map((email) => autoAnswer(broker.deps, email, 'x')));
    expect(await sent()).toHaveLength(1);
    await autoAnswer(broker.deps, await mail({ envelopeFrom: 'other@example.com' }), 'x');
    expect(await sent()).toHaveLength(2);
    broker.clock.advance(DAY);
    await keepHouseOnce(broker.deps);
    expect(await autoAnswer(broker.deps, await mail(), 'x')).toBe(true);
  });

  test('does not go to a suppressed address', async () => {
    const { broker, mail, sent } = await open();
    await broker.deps.stores.suppressions.add(aSuppression('person+x@example.com'));
    expect(await autoAnswer(broker.deps, await mail(), 'x')).toBe(false);
    expect(await sent()).toEqual([]);
  });

  test('over IMAP goes to Return-Path, and nowhere without one', async () => {
    const { broker, mail } = await open();
    const proof = { authorProven: true };
    const known = await mail({ imap: true, proof, headers: ['Return-Path: <person@example.com>'] });
    expect(answerAddress(broker.deps, known)).toEqual({ address: 'person@example.com' });
    expect(answerAddress(broker.deps, await mail({ imap: true, proof }))).toBe('it has no envelope sender');
  });
});

describe('no automatic answer', () => {
  test.each<[string, Changes]>([
    ['to the null path', { envelopeFrom: '' }],
    ['to an automatic reply', { headers: ['Auto-Submitted: auto-replied'] }],
    ['to list mail', { headers: ['List-Id: <dev.example.com>'] }],
    [
      'to a person who answers through a list',
      { headers: ['List-Id: <a.example.com>', 'In-Reply-To: <tp.x@y.example>'] },
    ],
    ['to bulk mail', { headers: ['Precedence: bulk'] }],
    ['to who asks for none', { headers: ['X-Auto-Response-Suppress: OOF, AutoReply'] }],
    ['to another agent', { headers: ['X-Agent-Hops: 1'] }],
    ['to mailer-daemon', { envelopeFrom: 'MAILER-DAEMON@example.com' }],
    ['to a list owner', { envelopeFrom: 'owner-dev@example.com' }],
    ['to a list request address', { envelopeFrom: 'dev-request@example.com' }],
    ['to a list bounce address without more', { envelopeFrom: 'dev-bounces@example.com' }],
    ['to a bounce address', { envelopeFrom: 'bounces@example.com' }],
    ['to a list bounce address', { envelopeFrom: 'dev-bounces+asker@example.com' }],
    ['to an agent of ours', { envelopeFrom: 'other@turnpost.example' }],
    ['to our mailbox', { envelopeFrom: 'box@example.com' }],
    ['to an agent at our mailbox', { envelopeFrom: 'box+asker@example.com' }],
    ['where nothing shows the sender', { proof: { auth: { ...PROOF.auth, spf: 'none' } } }],
    ['where only another author is proven', { proof: { auth: { ...PROOF.auth, spf: 'fail' }, authorProven: true } }],
    ['to a forged sender', { proof: { forged: true } }],
  ])('%s', async (_, changes) => {
    const { broker, mail, sent } = await open();
    expect(await autoAnswer(broker.deps, await mail(changes), 'x')).toBe(false);
    expect(await sent()).toEqual([]);
    // And nobody's one answer of the day is used up.
    expect(await autoAnswer(broker.deps, await mail(), 'x')).toBe(true);
  });
});
