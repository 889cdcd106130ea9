import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalAddress, parseMailboxes, readMailboxes, splitSubaddress, withTag } from '../../relay/mail/address.ts';

describe('canonicalAddress', () => {
  test('is lower case, whole', () => {
    expect(canonicalAddress('Person.Name+Tag@EXAMPLE.com')).toBe('person.name+tag@example.com');
  });

  test.each([
    ['a line end', 'person@example.com\r\nBcc: x@example.com'],
    ['a line end at the end', 'person@example.com\n'],
    ['a control character', 'per\u0000son@example.com'],
    ['white space', 'per son@example.com'],
    ['non-ASCII', 'jõgeva@example.com'],
    ['a non-ASCII domain', 'person@exämple.com'],
    ['no domain', 'person'],
    ['no local part', '@example.com'],
    ['two dots', 'a..b@example.com'],
    ['a quoted local part', '"a b"@example.com'],
    ['a literal domain', 'person@[127.0.0.1]'],
    ['a local part over 64', `${'a'.repeat(65)}@example.com`],
    ['over 254', `a@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(60)}.${'f'.repeat(20)}`],
    ['angle brackets', '<person@example.com>'],
  ])('refuses %s', (_, address) => {
    expect(canonicalAddress(address)).toBeUndefined();
  });

  test('takes a local part of 64 (RFC 5321 section 4.5.3.1.1)', () => {
    expect(canonicalAddress(`${'a'.repeat(64)}@example.com`)).toBe(`${'a'.repeat(64)}@example.com`);
  });

  test('what it gives is printable ASCII and stays the same', () => {
    fc.assert(
      fc.property(fc.oneof(fc.emailAddress(), fc.string({ unit: 'binary' })), (text) => {
        const address = canonicalAddress(text);
        if (address === undefined) return;
        expect(address).toMatch(/^[!-~]+$/);
        expect(canonicalAddress(address)).toBe(address);
      }),
    );
  });
});

describe('parseMailboxes', () => {
  test('opens groups and decodes names', () => {
    expect(
      parseMailboxes('Team: =?utf-8?q?J=C3=B6rg?= <a@example.com>, b@EXAMPLE.com;, "C, D" <c@example.com>'),
    ).toEqual([
      { address: 'a@example.com', name: 'Jörg' },
      { address: 'b@example.com', name: null },
      { address: 'c@example.com', name: 'C, D' },
    ]);
  });

  test('a name that looks like an address is a name', () => {
    expect(parseMailboxes('"owner@example.com" <evil@attacker.example>')).toEqual([
      { address: 'evil@attacker.example', name: 'owner@example.com' },
    ]);
    expect(parseMailboxes('=?utf-8?q?owner=40example=2Ecom=3E?= <evil@attacker.example>')[0]?.address).toBe(
      'evil@attacker.example',
    );
  });

  test('counts what cannot be read', () => {
    expect(readMailboxes('a@example.com, jõgeva@example.com, nonsense')).toEqual({
      mailboxes: [{ address: 'a@example.com', name: null }],
      unreadable: 2,
    });
  });
});

describe('subaddresses (RFC 5233)', () => {
  test('are split at the first plus', () => {
    expect(splitSubaddress('inbox+name.r1x+y@example.com')).toEqual({
      local: 'inbox',
      tag: 'name.r1x+y',
      domain: 'example.com',
    });
    expect(splitSubaddress('inbox@example.com')).toEqual({ local: 'inbox', tag: null, domain: 'example.com' });
    expect(splitSubaddress('+x@example.com')).toEqual({ local: '+x', tag: null, domain: 'example.com' });
  });

  test('a second tag is put behind the first', () => {
    expect(withTag('inbox@example.com', 'bob')).toBe('inbox+bob@example.com');
    expect(withTag('inbox+bob@example.com', 'r1x')).toBe('inbox+bob.r1x@example.com');
  });
});
