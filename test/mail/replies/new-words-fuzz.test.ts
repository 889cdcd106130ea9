/**
 * What holds for any email: it settles, every line of body, quoted and signature is one of the email's own, all of them
 * are there, and the body is not empty where somebody wrote a line. TURNPOST_FUZZ=N runs N mails a property (an hour
 * is about 2,000,000); a seed that fails is kept in SEEDS.
 */
import path from 'node:path';
import process from 'node:process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEmail, UnparsableEmail } from '../../../relay/mail/parse/parse-email.ts';
import { extractNewWords, newWords, REPLY_MARKER } from '../../../relay/mail/replies/new-words.ts';
import { letters } from '../../../relay/mail/replies/two-parts.ts';
import { mutate } from '../../support/reply-mutator.ts';
import { readReplyCases } from '../../support/reply-score.ts';

const RUNS = Number(process.env['TURNPOST_FUZZ'] ?? 600);
/** Seeds of the mutator that once failed, with the cases of that day; what they showed stands in new-words.test.ts too. */
const SEEDS: readonly number[] = [1494];
const CASES = readReplyCases(path.join(import.meta.dirname, '../../cases/replies'));

/** Lines that mean something to the extraction, among lines that do not. */
const LINE = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('yes', 'no, wait', '', '', '- one', '  code', 'Subject matter: it works') },
  fc.constantFrom('> q', '>> q', '>', '| a | b |', 'b> q', '-- ', '--', '_____', '---', '```', '\ufeff', '\u200b'),
  fc.constantFrom(
    REPLY_MARKER,
    `> ${REPLY_MARKER}`,
    'On Thu, Nov 19, 2026 at 10:00 AM Bob <bob@example.com> wrote:',
    '> On Thu, Nov 19, 2026 at 10:00 AM Bob <bob@example.com> wrote:',
    'On 19 Nov 2026, at 10:00, Bob <bob@example.com>',
    'wrote:',
    'Am 19.11.26 um 10:00 schrieb Bob:',
    '19.11.2026, 10:00, "Bob" <bob@example.com>:',
    '-----Original Message-----',
    'From: a@example.com',
    'Sent: Thursday, November 19, 2026',
    'To: b',
    'Subject: c',
    'Sent from my iPhone',
    'Get BlueMail for Android',
    'https://example.com/a',
    '[EXTERNAL EMAIL] This message was sent from outside.',
    'Thread thr_01m7wg99mvktxtg4czsrjk69vg',
  ),
  fc.string({ maxLength: 12, unit: 'grapheme' }),
);

/** With HTML of the same lines, some in elements that mean something. */
const WRAPS = [
  (line: string) => `<div>${line}</div>`,
  (line: string) => `<blockquote type="cite">${line}</blockquote>`,
  (line: string) => `<div class="gmail_attr">${line}</div>`,
  (line: string) => `<div class="gmail_signature">${line}`,
  (line: string) => `<div id="appendonsend"></div><p>${line}`,
  (line: string) => `</blockquote>${line}<br>`,
  (line: string) => `<blockquote><b>${line}`,
];

/** Without what may be taken from a line: marks of quoting, white space, and repeated blanks. */
const bare = (line: string): string => line.replace(/[\s>\ufeff]+/g, '');

function check(text: string, words: ReturnType<typeof newWords>): void {
  const own = new Map<string, number>();
  for (const line of text.split(/\r\n?|\n/)) own.set(bare(line), (own.get(bare(line)) ?? 0) + 1);
  const given = [words.body, words.quoted ?? '', words.signature ?? ''].join('\n').split('\n');
  for (const line of given.map(bare)) if (line !== '') own.set(line, (own.get(line) ?? 0) - 1);
  // Each line once: none invented, none lost.
  for (const [line, left] of own) if (line !== '') expect([line, left]).toEqual([line, 0]);
}

describe('of any text', () => {
  test('every line is in one of the three, once, and a written line keeps the body from being empty', () => {
    fc.assert(
      fc.property(fc.array(LINE, { maxLength: 25 }), (lines) => {
        const text = lines.join('\n');
        const words = newWords(text);
        check(text, words);
        if (lines.includes('yes')) expect(words.body).not.toBe('');
      }),
      { numRuns: RUNS },
    );
  });

  test('with any HTML beside it', () => {
    const wrapped = fc.array(fc.tuple(LINE, fc.constantFrom(...WRAPS)), { maxLength: 15 });
    fc.assert(
      fc.property(wrapped, fc.boolean(), (lines, alone) => {
        const text = alone ? '' : lines.map(([line]) => line).join('\n');
        const html = lines
          .map(([line, wrap]) => wrap(line.replaceAll('&', '&amp;').replaceAll('<', '&lt;')))
          .join('\n');
        const words = extractNewWords({ text, html });
        // A link ends where its line does.
        const given = letters([words.body, words.quoted, words.signature].join('\n'));
        if (lines.some(([line]) => letters(line) !== '')) expect(given).not.toBe('');
        // HTML takes nothing away where the text shows a new word.
        if (letters(newWords(text).body) !== '' && !text.includes('--')) expect(letters(words.body)).not.toBe('');
      }),
      { numRuns: RUNS },
    );
  });
});

/** Whole mails, changed at random. */
async function fuzzOne(seed: number): Promise<void> {
  const pick = (n: number): Buffer => CASES[n % CASES.length]?.raw ?? Buffer.alloc(0);
  const raw = mutate(pick(seed), pick(Math.imul(seed, 31) >>> 0), seed);
  const parsed = await parseEmail(raw).catch((error: unknown) => {
    if (error instanceof UnparsableEmail) return undefined;
    throw error;
  });
  if (parsed === undefined) return;
  check(parsed.text, newWords(parsed.text));
  const { body, quoted, signature } = extractNewWords(parsed);
  const said = letters(`${parsed.text}${parsed.html === null ? '' : 'html'}`);
  if (said !== '' && letters(parsed.text) !== '')
    expect(letters(`${body}${quoted ?? ''}${signature ?? ''}`)).not.toBe('');
}

describe('of any mail, broken or not', () => {
  test('nothing is lost and nothing throws', { timeout: Math.max(60_000, RUNS * 100) }, async () => {
    for (let seed = 1; seed <= RUNS; seed += 1) {
      await fuzzOne(seed).catch((cause: unknown) => {
        throw new Error(`seed ${seed}`, { cause });
      });
    }
  });

  test('the seeds that failed once', async () => {
    for (const seed of SEEDS) await fuzzOne(seed);
  });
});
