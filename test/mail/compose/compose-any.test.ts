/**
 * Whatever an agent writes survives the way out and back in, and no line breaks the rules of mail: RFC 5322 section 2.1.1,
 * RFC 5321 sections 4.5.3.1.6 and 2.3.1 (ASCII only).
 */
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { composeEmail, readEmailFrame } from '../../../relay/mail/compose/compose-email.ts';
import { makeDkimPair, readDkimKey } from '../../../relay/mail/compose/dkim-keys.ts';
import { signEmail } from '../../../relay/mail/compose/dkim-sign.ts';
import type { EmailDraft } from '../../../relay/mail/contracts.ts';
import { parseEmail } from '../../../relay/mail/parse/parse-email.ts';
import { readSignaturePart, SIGNATURE_PART } from '../../../relay/mail/signature/signature-part.ts';

const FRAME = readEmailFrame(path.join(import.meta.dirname, '../../../templates/email'));
const JWS = `eyJhbGciOiJFUzI1NiJ9.${'p'.repeat(700)}.${'s'.repeat(86)}`;
const RUNS = 150;

function draft(changes: Partial<EmailDraft>): EmailDraft {
  return {
    from: { address: 'bob@agents.example.com', name: 'Bob' },
    replyTo: { address: 'bob+r1token@agents.example.com', name: 'Bob' },
    to: ['person@example.com'],
    cc: [],
    subject: 'Deploy?',
    topic: 'Deploy?',
    body: 'Shall I?',
    messageId: '<tp.1@agents.example.com>',
    inReplyTo: null,
    references: [],
    sentAt: Date.UTC(2026, 10, 19, 9),
    isAnswer: false,
    agent: {
      address: 'bob@agents.example.com',
      threadId: 'thr_1',
      type: 'message',
      priority: 'normal',
      requiresResponse: false,
      hop: 1,
      jws: JWS,
    },
    data: null,
    attachments: [],
    linked: null,
    unsubscribe: null,
    ...changes,
  };
}

/** Pieces that programs on the way have tripped over. */
const piece = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
  fc.constantFrom(
    '\n',
    '\r\n',
    '\r',
    '\n.\n',
    '\nFrom me\n',
    ' \n',
    '\t\n',
    '-- \n',
    '=',
    '=3D',
    '=\n',
    '\n--x\n',
    '\0',
    ' ',
  ),
  fc.constantFrom(
    'x'.repeat(2_000),
    'ü'.repeat(600),
    '語'.repeat(400),
    '👩‍👩‍👧'.repeat(200),
    ' '.repeat(1_500),
    '{{body}}',
    '\u2028',
  ),
);
/** As it goes into a field. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
const words = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
const { rsaPem, ed25519Pem } = await makeDkimPair();
const keys = [readDkimKey('tp1r', 'rsa', rsaPem), readDkimKey('tp1e', 'ed25519', ed25519Pem)];

/** Header lines fold at 78 where they can; 998 is the law for each line. */
function checkLines(raw: Buffer): void {
  expect(raw.every((byte) => byte < 128 && byte !== 0)).toBe(true);
  const text = raw.toString('latin1');
  expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  for (const line of text.split('\r\n')) expect(line.length).toBeLessThanOrEqual(998);
  const head = text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n');
  // A line without a blank inside cannot be folded.
  for (const line of head)
    if (/\S\s+\S/.test(line.trim().replace(/^[\w-]+:\s*/, ''))) expect(line.length).toBeLessThanOrEqual(78);
}

test('any body comes back as it was: line ends as lines, every other character as itself; byte for byte in its signed part', async () => {
  await fc.assert(
    fc.asyncProperty(words, async (body) => {
      const raw = signEmail(await composeEmail(draft({ body }), FRAME), { domain: 'agents.example.com', keys, now: 0 });
      checkLines(raw);
      const email = await parseEmail(raw);
      const part = email.attachments.find(({ filename }) => filename === SIGNATURE_PART);
      expect(readSignaturePart(part?.content ?? Buffer.alloc(0))?.body.toString()).toBe(body);
      // Whoever reads a mail drops NUL, which no text has.
      expect(email.text).toContain(`\n\n${body.replace(/\r\n?/g, '\n').replaceAll('\0', '')}\n\n-- \n`);
    }),
    { numRuns: RUNS },
  );
});

test('any subject and name stay in their fields, folded; addresses stay as they are', async () => {
  await fc.assert(
    fc.asyncProperty(words, words, words, async (subject, name, filename) => {
      const content = Buffer.from('x');
      const file = { index: 0, filename, contentType: 'text/plain', size: 1, sha256: '', content };
      const raw = await composeEmail(
        draft({
          subject,
          topic: subject,
          from: { address: 'bob@agents.example.com', name },
          replyTo: { address: 'bob+r1token@agents.example.com', name },
          to: Array.from({ length: 30 }, (_, n) => `person-number-${n}@example.com`),
          inReplyTo: '<a@example.com>',
          references: Array.from({ length: 21 }, (_, n) => `<${n}.${'r'.repeat(60)}@example.com>`),
          unsubscribe: {
            url: `https://relay.example.com/u/u1${'a'.repeat(32)}`,
            address: 'bob+u1x@agents.example.com',
          },
          attachments: [file],
        }),
        FRAME,
      );
      checkLines(raw);
      const email = await parseEmail(raw);
      expect(email.from.map(({ address }) => address)).toEqual(['bob@agents.example.com']);
      expect([email.to.length, email.references.length, email.attachments.length]).toEqual([30, 21, 2]);
      const plain = (text: string) =>
        text
          .slice(0, 500)
          .replace(/[\p{C}\p{Z}\s]+/gu, ' ')
          .trim()
          .slice(0, 200);
      if (oneLine(subject) !== '') expect(plain(email.subject ?? '')).toBe(plain(oneLine(subject)));
    }),
    { numRuns: RUNS },
  );
});
