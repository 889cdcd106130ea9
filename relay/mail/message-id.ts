/**
 * Message-IDs (RFC 5322 section 3.6.4): our own, which come back in In-Reply-To and References, and reading lists of them.
 * Our own are `<tp.ID@domain>`, where ID is a reply token or a row's id. Anyone can write one: it is a hint, no proof.
 */

const MARK = 'tp.';
const OWN = /^<tp\.([A-Za-z0-9_.-]{1,200})@([^<>@\s]{1,253})>$/i;
/** No bracket, no white space inside; long ones exist, endless ones do not. */
const ANY = /<[^<>\s]{1,900}>/g;
/** More References than this are a broken client's loop; the first and the newest matter. */
const MAX_IDS = 100;

/** `id`: letters, digits, "_", "-", "."; anything else is a mistake of the caller. */
export function messageIdFor(id: string, domain: string): string {
  const messageId = `<${MARK}${id}@${domain}>`;
  if (!OWN.test(messageId)) throw new TypeError(`not usable in a Message-ID: ${JSON.stringify(messageId)}`);
  return messageId;
}

/** The id inside a Message-ID made by `messageIdFor`; `domain` undefined reads one of any domain. */
export function readOwnMessageId(messageId: string, domain?: string): string | undefined {
  const [, id, host] = OWN.exec(messageId.trim()) ?? [];
  if (domain !== undefined && host?.toLowerCase() !== domain.toLowerCase()) return undefined;
  return id;
}

/** All Message-IDs in a field's value, in their order; folded, comma-separated and garbled lists included. */
export function readMessageIds(value: string): string[] {
  const ids = [...new Set(value.match(ANY) ?? [])];
  return ids.length <= MAX_IDS ? ids : [...ids.slice(0, 1), ...ids.slice(1 - MAX_IDS)];
}
