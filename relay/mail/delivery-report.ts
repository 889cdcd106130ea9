/**
 * Reads what a bounce says of our mail: RFC 3464 reports, and the little that can be had from a bounce without one.
 *
 * Anyone can write a bounce: a report names a delivery, only a token or ENVID of ours proves it. Never throws.
 */
import type { AttachmentContent } from '../types.ts';
import { parseMailboxes } from './address.ts';
import type { DeliveryReport, ParsedEmail } from './contracts.ts';
import { readMessageIds } from './message-id.ts';

type Recipient = DeliveryReport['recipients'][number];
type Fields = ReadonlyMap<string, string>;

const STATUS_TYPES = new Set(['message/delivery-status', 'message/global-delivery-status']); // RFC 3464, RFC 6533
const RETURNED_TYPES = new Set([
  'message/rfc822',
  'message/global',
  'text/rfc822-headers', // RFC 6522 section 4
  'text/rfc822-header',
  'message/global-headers',
]);
const ACTIONS: readonly Recipient['action'][] = ['failed', 'delayed', 'delivered', 'relayed', 'expanded'];
const MAX_REPORT = 256 * 1024;
const MAX_RECIPIENTS = 100;
const MAX_DIAGNOSTIC = 1000;

/** The report of an RFC 3464 bounce; undefined where the email carries none. */
export function readDeliveryReport(email: ParsedEmail): DeliveryReport | undefined {
  const part = email.attachments.find((attachment) => STATUS_TYPES.has(attachment.contentType));
  if (part === undefined) return undefined;
  // RFC 3464 section 2.1: fields of the message, then one group of fields for each recipient.
  const groups = head(part)
    .split(/\n(?:[ \t]*\n)+/)
    .map(readFields)
    .filter((fields) => fields.size > 0);
  return {
    envid: groups.find((fields) => fields.has('original-envelope-id'))?.get('original-envelope-id') ?? null,
    originalMessageId: findOriginalMessageId(email),
    recipients: groups.flatMap(readRecipient).slice(0, MAX_RECIPIENTS),
  };
}

/** For bounces of servers that follow no standard: whom they name and which mail of ours they quote. */
export function guessDeliveryReport(email: ParsedEmail): DeliveryReport {
  const failed = (email.headers.get('x-failed-recipients') ?? []).flatMap(parseMailboxes); // Exim, Gmail
  const status = /\b([45]\.\d{1,3}\.\d{1,3})\b/.exec(email.text.slice(0, 20_000))?.[1] ?? null;
  return {
    envid: null,
    originalMessageId: findOriginalMessageId(email),
    recipients: failed
      .slice(0, MAX_RECIPIENTS)
      .map(({ address }) => ({ address, action: 'failed', status, diagnostic: null })),
  };
}

function head(part: AttachmentContent): string {
  return part.content.subarray(0, MAX_REPORT).toString('utf8').replace(/\r\n?/g, '\n');
}

function readFields(group: string): Fields {
  const fields = new Map<string, string>();
  for (const line of group.replace(/\n[ \t]+/g, ' ').split('\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (colon > 0 && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}

/** RFC 3464 section 2.3. The address we wrote to is the Original-Recipient; Final-Recipient is what it became. */
function readRecipient(fields: Fields): Recipient[] {
  const typed = fields.get('original-recipient') ?? fields.get('final-recipient');
  const action = fields.get('action')?.toLowerCase();
  const known = ACTIONS.find((one) => action?.startsWith(one));
  const [mailbox] = parseMailboxes(afterType(typed ?? ''));
  if (mailbox === undefined || known === undefined) return [];
  const diagnostic = fields.get('diagnostic-code');
  return [
    {
      address: mailbox.address,
      action: known,
      status: /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(fields.get('status') ?? '')?.[0] ?? null,
      diagnostic: diagnostic === undefined ? null : afterType(diagnostic).slice(0, MAX_DIAGNOSTIC),
    },
  ];
}

/** `rfc822; person@example.com`, `smtp; 550 ...`: RFC 3464 section 2.1.2. */
function afterType(value: string): string {
  return value.replace(/^[\w-]+\s*;\s*/, '').trim();
}

const MESSAGE_ID_LINE = /^[ \t>|]*message-id:[ \t]*\n?[ \t]*(<[^<>\s]{1,900}>)/im;

function findOriginalMessageId(email: ParsedEmail): string | null {
  const texts = email.attachments.filter((part) => RETURNED_TYPES.has(part.contentType)).map(head);
  for (const text of [...texts, email.text.slice(0, MAX_REPORT)]) {
    const found = MESSAGE_ID_LINE.exec(text)?.[1];
    if (found !== undefined) return found;
  }
  return readMessageIds((email.headers.get('x-original-message-id') ?? []).join(' '))[0] ?? null;
}
