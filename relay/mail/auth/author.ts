/**
 * Whom an email names as its author, where that can be said at all: exactly one From field with exactly one address
 * that every reader reads alike (RFC 5322 section 3.6.2, RFC 9989 section 5.3.1). Everything else has no author to prove.
 */
import type { ParsedEmail } from '../contracts.ts';
import { type HeaderSection, readHeaderSection } from '../parse/header-section.ts';

export type Author =
  | { readonly kind: 'one'; readonly address: string; readonly domain: string; readonly section: HeaderSection }
  | { readonly kind: 'none'; readonly reason: string };

/** Names of which a mail may have one only (RFC 5322 section 3.6), and which a reader may show as who it is from. */
const ONCE = ['from', 'sender', 'reply-to', 'date', 'subject', 'message-id'];

const LONGEST_NAME = 500;

export function readAuthor(raw: Buffer, parsed: Pick<ParsedEmail, 'from'>): Author {
  const section = readHeaderSection(raw);
  const none = (reason: string): Author => ({ kind: 'none', reason });
  if (section.flaw !== null) return none(section.flaw);
  const count = (name: string) => section.fields.filter((field) => field.name === name).length;
  const from = section.fields.find(({ name }) => name === 'from');
  if (from === undefined) return none('it names no author (From)');
  const double = ONCE.find((name) => count(name) > 1);
  if (double === 'from') return none('it has more than one From field');
  if (double !== undefined) return none(`it has more than one ${double} field`);
  const [author, ...others] = parsed.from;
  if (author === undefined) return none('its author (From) cannot be read');
  if (others.length > 0) return none('it names more than one author (From)');
  const odd = oddity(from.value, author.address);
  if (odd !== null) return none(odd);
  if ((author.name ?? '').length > LONGEST_NAME) return none('its author’s name is longer than a name can be');
  const strange = addressesIn(author.name ?? '').find((address) => address !== author.address);
  if (strange !== undefined) return none('its author’s name is an address, and another one than it comes from');
  return { kind: 'one', address: author.address, domain: domainOf(author.address), section };
}

export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1);

/**
 * The field's address must stand there as it was read: as the whole field, or as its last thing in angle brackets.
 * Groups (RFC 6854), source routes (RFC 5322 section 4.4), comments in the address and quoted local parts do not.
 */
function oddity(value: string, address: string): string | null {
  const plain = value.trim().toLowerCase();
  if (plain === address || plain === `<${address}>`) return null;
  const bracketed = plain.lastIndexOf('<');
  const name = plain.slice(0, Math.max(0, bracketed)).trim();
  if (bracketed === -1 || plain.slice(bracketed) !== `<${address}>`) {
    // RFC 5322 appendix A.1.2 has the name as a comment; old programs write `address (name)`.
    return trailingComment(plain) === address ? null : 'its author (From) is not written as one plain address';
  }
  return name === address || isPhrase(name) ? null : 'its author (From) is written so that it may be read in two ways';
}

/** `address (a comment without further brackets)`: the address, else undefined. */
function trailingComment(plain: string): string | undefined {
  const open = plain.indexOf('(');
  if (open < 1 || !plain.endsWith(')')) return undefined;
  const comment = plain.slice(open + 1, -1);
  return /[()\\<>@]/.test(comment) ? undefined : plain.slice(0, open).trim();
}

/** One quoted string, or words without specials that could end the name (RFC 5322 section 3.2.3). Dots are seen in the wild. */
function isPhrase(name: string): boolean {
  if (name.startsWith('"')) return /^"(?:[^"\\]|\\.)*"$/.test(name);
  return !/[<>@,;:\\"[\]]/.test(name) && balanced(name);
}

function balanced(name: string): boolean {
  let depth = 0;
  for (const character of name) {
    if (character === '(') depth += 1;
    else if (character === ')') depth -= 1;
    if (depth < 0) return false;
  }
  return depth === 0;
}

/** Addresses that a person would see in a name, in lower case. */
function addressesIn(name: string): string[] {
  return name
    .toLowerCase()
    .normalize('NFKC')
    .split(/[\s<>()[\]"',;:|]+/)
    .filter((word) => /^[^@]+@[^@]+$/.test(word.replace(/\.+$/, '')))
    .map((word) => word.replace(/\.+$/, ''));
}
