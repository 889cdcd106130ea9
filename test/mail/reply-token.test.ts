import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { TokenBinding } from '../../relay/mail/contracts.ts';
import { messageIdFor, readMessageIds, readOwnMessageId } from '../../relay/mail/message-id.ts';
import {
  findTokens,
  mintToken,
  newTokenId,
  placeToken,
  readToken,
  tokenMatches,
  withTag,
} from '../../relay/mail/reply-token.ts';

const SECRET = Buffer.alloc(32, 7);
const BINDING: TokenBinding = {
  purpose: 'reply',
  id: 'abcdefghijklmnop',
  agentId: 'agt_1',
  threadId: 'thr_1',
  address: 'person@example.com',
};
const TOKEN = mintToken(SECRET, BINDING);

describe('reply tokens', () => {
  test('are 34 characters of lower-case base32, and always the same for one binding', () => {
    expect(TOKEN).toMatch(/^r1abcdefghijklmnop[a-z2-7]{16}$/);
    // Pinned: tokens are in mail that lies in people's mailboxes for years.
    expect(TOKEN).toBe('r1abcdefghijklmnoptldtzv5won75x2bv');
    expect(mintToken(SECRET, { ...BINDING, purpose: 'bounce' })).toMatch(/^b1/);
  });

  test('leave room in a local part of 64 octets', () => {
    expect(withTag('turnpost-inbox+backend-1@example.com', TOKEN).split('@')[0]?.length).toBeLessThanOrEqual(64);
  });

  test('are read whatever a mail server made of their case', () => {
    expect(readToken(TOKEN.toUpperCase())).toEqual({ purpose: 'reply', id: BINDING.id, mac: TOKEN.slice(18) });
    expect(readToken(`${TOKEN}a`)).toBeUndefined();
    expect(readToken(TOKEN.replace('r1', 'x1'))).toBeUndefined();
    expect(readToken(TOKEN.replace('a', '1'))).toBeUndefined();
  });

  test('match their own binding only', () => {
    const mac = readToken(TOKEN)?.mac ?? '';
    expect(tokenMatches(SECRET, mac, BINDING)).toBe(true);
    const others: Partial<TokenBinding>[] = [
      { purpose: 'bounce' },
      { id: 'abcdefghijklmnoq' },
      { agentId: 'agt_2' },
      { threadId: 'thr_2' },
      { address: 'other@example.com' },
      // The same bytes, cut elsewhere.
      { agentId: 'agt_1thr', threadId: '_1' },
    ];
    for (const other of others) expect(tokenMatches(SECRET, mac, { ...BINDING, ...other })).toBe(false);
    expect(tokenMatches(Buffer.alloc(32, 8), mac, BINDING)).toBe(false);
    expect(tokenMatches(SECRET, mac.slice(0, 15), BINDING)).toBe(false);
    expect(tokenMatches(SECRET, '', BINDING)).toBe(false);
  });

  test('ids are 16 characters of 80 bits', () => {
    expect(newTokenId(randomBytes)).toMatch(/^[a-z2-7]{16}$/);
    expect(newTokenId((size) => Buffer.alloc(size, 0xff))).toBe('7'.repeat(16));
    expect(newTokenId((size) => Buffer.from(Array.from({ length: size }, (_, n) => n)))).toBe('aaaqeayeaudaocaj'); // RFC 4648
  });

  test('are found as the whole tag, after its last dot, or as the whole local part', () => {
    const found = [{ purpose: 'reply', id: BINDING.id, mac: TOKEN.slice(18) }];
    expect(findTokens([`inbox+${TOKEN}@example.com`])).toEqual(found);
    expect(findTokens([`inbox+some.name.${TOKEN}@example.com`])).toEqual(found);
    expect(findTokens([`${TOKEN}@example.com`])).toEqual(found);
    expect(findTokens([`${TOKEN}@example.com`, `inbox+${TOKEN}@example.com`, 'person@example.com'])).toEqual(found);
    expect(findTokens([`inbox.${TOKEN}@example.com`, `inbox+${TOKEN}.x@example.com`, TOKEN.slice(1)])).toEqual([]);
  });

  test('take the whole local part where they would not fit behind it', () => {
    const long = `${'a'.repeat(39)}@turnpost.localhost`;
    expect(placeToken(long, TOKEN, true)).toBe(`${TOKEN}@turnpost.localhost`);
    expect(placeToken(long, TOKEN, false)).toBeUndefined();
    expect(placeToken('inbox+bob@example.com', TOKEN, false)).toBe(`inbox+bob.${TOKEN}@example.com`);
  });
});

describe('Message-IDs', () => {
  test('of our own are read back', () => {
    const id = messageIdFor(TOKEN, 'turnpost.localhost');
    expect(id).toBe(`<tp.${TOKEN}@turnpost.localhost>`);
    expect(readOwnMessageId(id)).toBe(TOKEN);
    expect(readOwnMessageId(id, 'TURNPOST.localhost')).toBe(TOKEN);
    expect(readOwnMessageId(id, 'example.com')).toBeUndefined();
    expect(readOwnMessageId('<x@turnpost.localhost>')).toBeUndefined();
  });

  test('cannot be made of what breaks a header', () => {
    expect(() => messageIdFor('a\r\nb', 'example.com')).toThrow(TypeError);
    expect(() => messageIdFor('a', 'example.com>')).toThrow(TypeError);
  });

  test('are read from folded, comma-separated and endless lists', () => {
    expect(readMessageIds('<a@x>\r\n\t<b@x>,<c@x> (comment) <d @x> <a@x>')).toEqual(['<a@x>', '<b@x>', '<c@x>']);
    const many = Array.from({ length: 5000 }, (_, n) => `<${n}@x>`);
    const read = readMessageIds(many.join(' '));
    expect(read).toHaveLength(100);
    expect([read[0], read.at(-1)]).toEqual(['<0@x>', '<4999@x>']);
  });
});
