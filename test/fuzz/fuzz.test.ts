import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalAddress, parseMailboxes } from '../../relay/mail/address.ts';
import { decodeFlowed } from '../../relay/mail/parse/flowed.ts';
import { checkEmail } from './check-email.ts';
import { fuzzMails } from './fuzz-mails.ts';
import { mutateEmail } from './mutate-email.ts';

const FOUND = path.join(import.meta.dirname, '../cases/fuzz');
const found = existsSync(FOUND) ? readdirSync(FOUND).filter((file) => file.endsWith('.eml')) : [];

describe('broken mail', () => {
  test.each(found.length > 0 ? found : ['none'])('that broke something once does so no more: %s', async (file) => {
    if (file !== 'none') await checkEmail(readFileSync(path.join(FOUND, file)));
  });

  test('300 mails of the sets, each broken anew, are read or refused in words', { timeout: 120_000 }, async () => {
    const mails = fuzzMails();
    let read = 0;
    for (let seed = 1; seed <= 300; seed += 1) {
      try {
        if ((await checkEmail(mutateEmail(mails, seed))) !== undefined) read += 1;
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    expect(read).toBeGreaterThan(200);
  });

  test('any bytes at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
        await checkEmail(Buffer.from(bytes));
      }),
      { numRuns: 100 },
    );
  });
});

describe('addresses', () => {
  /** Pieces that addresses are made of, and some that break them. */
  const piece = fc.constantFrom(
    ...['a', 'B', '@', '.', '..', '+t', '"', '\\', '<', '>', '(', ')', ',', ';', ':', ' ', '\r\n ', '\0', 'é', '例'],
    ...['example.com', '[127.0.0.1]', '=?utf-8?q?a=40b?=', 'xn--80ak6aa92e', '\u202e', 'group:', 'a@b.example'],
  );
  const text = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(''));

  test('what is read as one is one, and reading it again changes nothing', () => {
    fc.assert(
      fc.property(text, (value) => {
        for (const { address } of parseMailboxes(value)) expect(canonicalAddress(address)).toBe(address);
        const canonical = canonicalAddress(value);
        if (canonical !== undefined) expect(canonicalAddress(canonical)).toBe(canonical);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('format=flowed', () => {
  test('loses no letter', () => {
    const line = fc.constantFrom('> a ', '>> b', 'c ', 'd', '-- ', '> ', '', ' >x', '> > e ', '\t');
    const letters = (value: string) => value.replace(/[^a-z]/g, '');
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), fc.boolean(), (lines, delSp) => {
        const wire = lines.join('\r\n');
        expect(letters(decodeFlowed(wire, delSp))).toBe(letters(wire));
      }),
      { numRuns: 2000 },
    );
  });
});
