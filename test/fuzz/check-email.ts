/** What must hold of any bytes that come in as an email, all the way to what would be shown. Throws with what does not. */
import { deepStrictEqual, ok } from 'node:assert/strict';
import { canonicalAddress } from '../../relay/mail/address.ts';
import { readAuthenticationResults } from '../../relay/mail/auth/authentication-results.ts';
import { readAuthor } from '../../relay/mail/auth/author.ts';
import type { ParsedEmail } from '../../relay/mail/contracts.ts';
import { classifyEmail } from '../../relay/mail/machines/classify.ts';
import { parseEmail, UnparsableEmail } from '../../relay/mail/parse/parse-email.ts';
import { extractNewWords } from '../../relay/mail/replies/new-words.ts';

/** Longer than this for one step over a mail of at most a megabyte is a way to stop the relay. */
const SLOW_MS = 5_000;

/** Undefined where it was refused in words. */
export async function checkEmail(raw: Buffer): Promise<ParsedEmail | undefined> {
  const parsed = await timed('parseEmail', () => parse(raw));
  if (parsed === undefined) return undefined;
  checkAddresses(parsed);
  checkFiles(parsed);
  const author = await timed('readAuthor', () => readAuthor(raw, parsed));
  ok(typeof author === 'object', 'readAuthor says who or why not');
  await timed('classifyEmail', () => classifyEmail(parsed, { envelopeFrom: null, isOwnMessageId: () => false }));
  for (const value of parsed.headers.get('authentication-results') ?? []) readAuthenticationResults(value);
  await checkWords(parsed);
  return parsed;
}

async function parse(raw: Buffer): Promise<ParsedEmail | undefined> {
  try {
    return await parseEmail(raw);
  } catch (error) {
    if (error instanceof UnparsableEmail) return undefined;
    throw error;
  }
}

function checkAddresses({ from, to, cc, deliveredTo }: ParsedEmail): void {
  for (const address of [...[...from, ...to, ...cc].map((one) => one.address), ...deliveredTo]) {
    deepStrictEqual(canonicalAddress(address), address, 'an address that was read is one');
    ok(!/[\s\p{Cc}<>,;]/u.test(address), `an address of one piece: ${JSON.stringify(address)}`);
  }
}

function checkFiles({ attachments, problems, subject }: ParsedEmail): void {
  for (const { filename, contentType, size, content } of attachments) {
    ok(filename !== '' && !/[/\\\p{Cc}\p{Cf}]/u.test(filename), `a safe name: ${JSON.stringify(filename)}`);
    ok(/^[\w.+-]+\/[\w.+-]+$/.test(contentType), `a sound type: ${contentType}`);
    ok(size === content.length, 'the size is the size');
  }
  ok(!/[\r\n]/.test(problems.join('')), 'a problem is one line');
  ok(subject === null || !/[\r\n]/.test(subject), 'a subject is one line');
}

async function checkWords(parsed: ParsedEmail): Promise<void> {
  const { body, quoted, signature } = await timed('extractNewWords', () => extractNewWords(parsed));
  if (parsed.text.trim() !== '' && parsed.html === null) {
    ok(body.trim() !== '' || quoted !== null || signature !== null, 'no words are lost');
  }
  ok(!body.includes('\r'), 'lines end in "\\n"');
}

async function timed<T>(what: string, run: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await run();
  const ms = performance.now() - start;
  ok(ms < SLOW_MS, `${what} took ${Math.round(ms)} ms`);
  return result;
}
