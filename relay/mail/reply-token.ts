/**
 * Reply tokens: the secret in an address that says which thread an email answers (Reply-To, purpose `reply`) or which
 * delivery failed (envelope sender, purpose `bounce`).
 *
 * A token is 34 characters, `r1` or `b1`, 16 of random id, 16 of MAC, in lower-case base32 (RFC 4648 section 6, no
 * padding): a local part may have 64 octets (RFC 5321 section 4.5.3.1.1) and its case is kept by courtesy only
 * (section 2.4). It says which thread, never who writes: it is forwarded, copied and archived with the mail.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ReplyPurpose } from '../types.ts';
import { MAX_LOCAL_PART, splitSubaddress, withTag } from './address.ts';
import type { TokenBinding } from './contracts.ts';

export { messageIdFor, readMessageIds, readOwnMessageId } from './message-id.ts';
export { withTag };

const VERSION = '1';
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
/** 80 bits: 16 characters of 5. */
const PART_BYTES = 10;
const LETTERS = { reply: 'r', bounce: 'b', unsubscribe: 'u' } as const satisfies Record<ReplyPurpose, string>;
const PURPOSES: Readonly<Record<string, ReplyPurpose>> = { r: 'reply', b: 'bounce', u: 'unsubscribe' };
const TOKEN = /^([rbu])1([a-z2-7]{16})([a-z2-7]{16})$/;

export interface ReadToken {
  readonly purpose: ReplyPurpose;
  readonly id: string;
  readonly mac: string;
}

/** The random half of a token. `randomBytes` is handed in so that tests can choose. */
export function newTokenId(randomBytes: (size: number) => Buffer): string {
  return base32(randomBytes(PART_BYTES));
}

export function mintToken(secret: Buffer, binding: TokenBinding): string {
  return `${LETTERS[binding.purpose]}${VERSION}${binding.id}${mac(secret, binding)}`;
}

/** Reads a token without believing it: what it is bound to is looked up by `id`, then `tokenMatches` decides. */
export function readToken(text: string): ReadToken | undefined {
  const match = TOKEN.exec(text.toLowerCase());
  const [, letter, id, seal] = match ?? [];
  const purpose = PURPOSES[letter ?? ''];
  if (purpose === undefined || id === undefined || seal === undefined) return undefined;
  return { purpose, id, mac: seal };
}

/** Constant time in the MAC. */
export function tokenMatches(secret: Buffer, seal: string, binding: TokenBinding): boolean {
  const expected = Buffer.from(mac(secret, binding));
  const given = Buffer.from(seal.toLowerCase());
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Each field with its length before it, so that no two bindings have the same bytes. */
function mac(secret: Buffer, binding: TokenBinding): string {
  const { purpose, id, agentId, threadId, address } = binding;
  const hmac = createHmac('sha256', secret);
  for (const field of [VERSION, purpose, id, agentId, threadId, address]) {
    const bytes = Buffer.from(field, 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hmac.update(length).update(bytes);
  }
  return base32(hmac.digest().subarray(0, PART_BYTES));
}

function base32(bytes: Buffer): string {
  let out = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xffff;
    bits += 8;
    for (; bits >= 5; bits -= 5) out += ALPHABET[(value >>> (bits - 5)) & 31];
  }
  return out;
}

/**
 * The address that carries the token: `local+token@`, `local+tag.token@`, or, where that is longer than a local part
 * may be and the domain is the relay's own (`ownDomain`), the token alone. Undefined where it has no room.
 */
export function placeToken(address: string, token: string, ownDomain: boolean): string | undefined {
  const tagged = withTag(address, token);
  const { domain } = splitSubaddress(address);
  if (tagged.length - domain.length - 1 <= MAX_LOCAL_PART) return tagged;
  return ownDomain ? `${token}@${domain}` : undefined;
}

/** Tokens in these addresses, first come first: the whole tag, what follows the tag's last ".", or the whole local part. */
export function findTokens(addresses: readonly string[]): ReadToken[] {
  const found = new Map<string, ReadToken>();
  for (const address of addresses) {
    const { local, tag } = splitSubaddress(address);
    const token = readToken(tag === null ? local : tag.slice(tag.lastIndexOf('.') + 1));
    if (token !== undefined && !found.has(`${token.id}${token.mac}`)) found.set(`${token.id}${token.mac}`, token);
  }
  return [...found.values()];
}
