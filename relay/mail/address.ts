/**
 * Email addresses: read from header fields (RFC 5322 section 3.4) and made canonical (RFC 5321 section 4.1.2).
 *
 * Promises that an address that leaves here is printable ASCII without white space, so it can stand in a header field
 * or an SMTP command as it is. Must never guess: what does not parse is no address.
 */
import addressparser from 'nodemailer/lib/addressparser';
import type { Mailbox } from './contracts.ts';
import { decodeWords } from './parse/encoded-words.ts';

/** RFC 5321 section 4.5.3.1.3, less the angle brackets (RFC 3696 erratum 1690). */
const MAX_ADDRESS = 254;
/** RFC 5321 section 4.5.3.1.1. */
export const MAX_LOCAL_PART = 64;
/** A dot-atom (RFC 5322 section 3.2.3). Quoted local parts exist on paper; taking them in brings only quoting mistakes. */
const LOCAL_PART = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
/** RFC 5321 section 4.1.2, Domain; underscores are seen in the wild. */
const DOMAIN = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
/** addressparser is linear, but nobody needs a longer address field. */
const MAX_FIELD = 100_000;

/**
 * The address in its one canonical form, all lower case, or undefined where it is not a usable address.
 * RFC 5321 section 2.4 lets local parts be case sensitive; no mail provider in use makes them so.
 */
export function canonicalAddress(address: string): string | undefined {
  if (address.length > MAX_ADDRESS) return undefined;
  const lower = address.toLowerCase();
  const at = lower.lastIndexOf('@');
  const local = lower.slice(0, at);
  if (at < 1 || local.length > MAX_LOCAL_PART) return undefined;
  return LOCAL_PART.test(local) && DOMAIN.test(lower.slice(at + 1)) ? lower : undefined;
}

/** The mailboxes of an address field, groups opened (RFC 6854); entries that hold no usable address are left out. */
export function parseMailboxes(headerValue: string): Mailbox[] {
  return readMailboxes(headerValue).mailboxes;
}

/** As parseMailboxes, and how many entries could not be read: who claims two authors has none (RFC 5322 section 3.6.2). */
export function readMailboxes(headerValue: string): { mailboxes: Mailbox[]; unreadable: number } {
  const unfolded = headerValue.slice(0, MAX_FIELD).replace(/\s+/g, ' ');
  const mailboxes: Mailbox[] = [];
  let unreadable = 0;
  for (const entry of addressparser(unfolded, { flatten: true })) {
    const address = canonicalAddress(entry.address);
    if (address === undefined) unreadable += 1;
    else mailboxes.push({ address, name: decodeWords(entry.name).trim() || null });
  }
  return { mailboxes, unreadable };
}

export interface SplitAddress {
  readonly local: string;
  /** What follows the first "+"; null where there is none. */
  readonly tag: string | null;
  readonly domain: string;
}

/** RFC 5233 section 4: `local+tag@domain`. */
export function splitSubaddress(address: string): SplitAddress {
  const at = address.lastIndexOf('@');
  const whole = address.slice(0, at);
  const plus = whole.indexOf('+');
  const domain = address.slice(at + 1);
  if (plus < 1) return { local: whole, tag: null, domain };
  return { local: whole.slice(0, plus), tag: whole.slice(plus + 1), domain };
}

/** `local+tag@domain`; an address that has a tag keeps it: `local+old.tag@domain`. */
export function withTag(address: string, tag: string): string {
  const { local, tag: old, domain } = splitSubaddress(address);
  return `${local}+${old === null ? tag : `${old}.${tag}`}@${domain}`;
}
