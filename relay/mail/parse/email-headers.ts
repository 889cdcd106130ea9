/** Reads the header fields an email's fate depends on. Everything here is what the sender claims, decoded, unverified. */
import type { MessageType, Priority } from '../../types.ts';
import { canonicalAddress, parseMailboxes, readMailboxes } from '../address.ts';
import type { AgentHeaders, Mailbox, ParsedEmail } from '../contracts.ts';
import { readMessageIds } from '../message-id.ts';
import { decodeRawHeader, decodeWords } from './encoded-words.ts';

export type HeaderMap = ReadonlyMap<string, readonly string[]>;

/** RFC 5322 section 2.2.3: unfolding takes out the line breaks. `undecoded` fields keep their encoded words. */
export function readHeaderLines(
  lines: readonly { readonly key: string; readonly line: string }[],
  options: { readonly decode: boolean },
): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const { key, line } of lines) {
    const value = decodeRawHeader(line.slice(line.indexOf(':') + 1))
      .replace(/[\r\n]+/g, '')
      .trim();
    const values = fields.get(key) ?? [];
    values.push(options.decode ? decodeWords(value) : value);
    fields.set(key, values);
  }
  return fields;
}

/** A header section's bytes as lines (RFC 5322 section 2.2), for mail of which nothing else was fetched. */
export function splitHeaderSection(bytes: Buffer): { key: string; line: string }[] {
  return bytes
    .toString('latin1')
    .split(/\r?\n(?![ \t])/)
    .flatMap((line) => {
      const colon = line.indexOf(':');
      return colon > 0 ? [{ key: line.slice(0, colon).trim().toLowerCase(), line }] : [];
    });
}

type EnvelopeFields = Pick<
  ParsedEmail,
  'from' | 'to' | 'cc' | 'deliveredTo' | 'subject' | 'messageId' | 'inReplyTo' | 'references' | 'sentAt'
> & { readonly problems: readonly string[] };

/** `fields` as they stand, encoded words not yet decoded: a decoded name may hold what looks like an address. */
export function readEnvelopeFields(fields: HeaderMap): EnvelopeFields {
  const authors = (fields.get('from') ?? []).map(readMailboxes);
  const unreadable = authors.some((field) => field.unreadable > 0);
  return {
    // RFC 5322 section 3.6.2: who names an author that cannot be read has named none.
    from: unreadable ? [] : authors.flatMap((field) => field.mailboxes),
    to: readAll(fields, 'to'),
    cc: readAll(fields, 'cc'),
    deliveredTo: readDeliveredTo(fields),
    subject: readSubject(fields.get('subject')?.[0]),
    messageId: readMessageIds(fields.get('message-id')?.[0] ?? '')[0] ?? null,
    inReplyTo: readMessageIds((fields.get('in-reply-to') ?? []).join(' ')),
    references: readMessageIds((fields.get('references') ?? []).join(' ')),
    sentAt: readDate(fields.get('date')?.[0]),
    problems: unreadable ? ['an author in the From field cannot be read'] : [],
  };
}

function readAll(fields: HeaderMap, key: string): Mailbox[] {
  return (fields.get(key) ?? []).flatMap(parseMailboxes);
}

/** Local trace fields, topmost only: a lower copy came in with the mail and may be forged. */
function readDeliveredTo(fields: HeaderMap): string[] {
  const addresses = ['delivered-to', 'x-original-to', 'envelope-to'].flatMap((key) => {
    const value = fields
      .get(key)?.[0]
      ?.trim()
      .replace(/^<(.*)>$/, '$1');
    return value === undefined ? [] : (canonicalAddress(value) ?? parseMailboxes(value).map((box) => box.address));
  });
  return [...new Set(addresses)];
}

/** The addresses by which an email may have come to us, best first. Needs the header section only. */
export function candidateAddresses(envelope: Pick<EnvelopeFields, 'deliveredTo' | 'to' | 'cc'>): string[] {
  return [...new Set([...envelope.deliveredTo, ...[...envelope.to, ...envelope.cc].map((box) => box.address)])];
}

function readSubject(value: string | undefined): string | null {
  if (value === undefined) return null;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
  const plain = decodeWords(value).replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, ' ');
  return plain.trim().slice(0, 998) || null;
}

const FIRST_EMAIL_AT = Date.UTC(1982, 7, 13); // RFC 822
const FAR_FUTURE_AT = Date.UTC(2200, 0, 1);

function readDate(value: string | undefined): number | null {
  // A comment such as "(CEST)" may follow (RFC 5322 section 3.3).
  const at = value === undefined ? Number.NaN : Date.parse(value.replace(/\s*\([^()]*\)\s*$/, ''));
  return at > FIRST_EMAIL_AT && at < FAR_FUTURE_AT ? at : null;
}

/** What an agent may say of its own message; `bounce`, `auto_reply` and `notice` are for the relay to say. */
const TYPES: readonly MessageType[] = ['message', 'task', 'query', 'response'];
const PRIORITIES: readonly Priority[] = ['low', 'normal', 'high', 'urgent'];
const MAX_SIGNATURE = 16 * 1024;

export function readAgentHeaders(fields: HeaderMap): AgentHeaders {
  const read = (key: string, max = 254) => {
    const value = fields.get(key)?.[0]?.trim();
    return value === undefined || value === '' || value.length > max ? null : value;
  };
  const type = read('x-agent-message-type')?.toLowerCase();
  const priority = read('x-agent-priority')?.toLowerCase();
  const hops = read('x-agent-hops') ?? '0';
  return {
    id: read('x-agent-id'),
    task: read('x-agent-task-id'),
    type: TYPES.find((known) => known === type) ?? null,
    priority: PRIORITIES.find((known) => known === priority) ?? null,
    requiresResponse: /^(?:true|yes|1)$/i.test(read('x-agent-requires-response') ?? ''),
    // A count that cannot be read is taken as too many: the loop guard must not be talked away.
    hops: /^\d{1,4}$/.test(hops) ? Number(hops) : Number.MAX_SAFE_INTEGER,
    signature: read('x-agent-signature', MAX_SIGNATURE)?.replace(/\s+/g, '') ?? null,
  };
}
