/**
 * Every answer of test/cases/replies and test/cases/replies-held-out, bytes to words: NAME.eml as a mail program sends
 * it, NAME.expect.json with what a reader finds in it. Prints how many come out exactly, with quoted lines too many, with words missing.
 */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseEmail } from '../../../relay/mail/parse/parse-email.ts';
import { extractNewWords } from '../../../relay/mail/replies/new-words.ts';
import { bestOf, judge, readReplyCases, scoreLine, scoreReplies, unmet } from '../../support/reply-score.ts';

const CASES = readReplyCases(path.join(import.meta.dirname, '../../cases/replies'));
/** Once unseen; how they did at first sight stands in their README.md. */
const HELD_OUT = readReplyCases(path.join(import.meta.dirname, '../../cases/replies-held-out'));

describe('every answer comes out as a reader would take it', () => {
  test.each([...CASES, ...HELD_OUT])('$name: $expect.why', async ({ raw, expect: wanted }) => {
    const words = extractNewWords(await parseEmail(raw));
    expect(words.body).toBe(bestOf(words.body, wanted));
    expect(unmet(words, wanted)).toEqual([]);
  });
});

test('there are at least 180, in at least 15 languages, and the score is 98 % or more', async () => {
  const score = await scoreReplies(CASES);
  console.log(`own replies: ${scoreLine(CASES.length, score)}`);
  console.log(`replies once held out: ${scoreLine(HELD_OUT.length, await scoreReplies(HELD_OUT))}`);
  expect(CASES.length).toBeGreaterThanOrEqual(180);
  expect(HELD_OUT.length).toBeGreaterThanOrEqual(167);
  const languages = CASES.flatMap(({ name }) => name.split('-').filter((part) => /^[a-z]{2}$/.test(part)));
  expect(new Set(languages).size).toBeGreaterThanOrEqual(15);
  expect(score.exact.length / CASES.length).toBeGreaterThanOrEqual(0.98);
});

describe('the score', () => {
  test.each([
    ['the same', 'Yes.\n\nBob', { exact: true, leaked: false, cut: false }],
    ['a line too many', 'Yes.\n\nBob\n> q', { exact: false, leaked: true, cut: false }],
    ['a line missing', 'Yes.', { exact: false, leaked: false, cut: true }],
    ['another order', 'Bob\n\nYes.', { exact: false, leaked: false, cut: false }],
    ['a line twice', 'Yes.\n\nYes.\n\nBob', { exact: false, leaked: true, cut: false }],
  ])('%s', (_, body, verdict) => {
    expect(judge(body, 'Yes.\n\nBob')).toEqual(verdict);
  });
});
