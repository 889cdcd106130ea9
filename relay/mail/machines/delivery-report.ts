/**
 * Reads what a bounce says of our mail: RFC 3464 reports, and the little that can be had from a bounce without one.
 *
 * Anyone can write a bounce: a report names a delivery, only a token or ENVID of ours proves it. Never throws.
 */
import type { AttachmentContent } from '../../types.ts';
import { parseMailboxes } from '../address.ts';
import type { DeliveryReport, ParsedEmail, ReportedRecipient } from '../contracts.ts';
import { readMessageIds } from '../message-id.ts';

type Fields = ReadonlyMap<string, string>;

const STATUS_TYPES = new Set(['message/delivery-status', 'message/global-delivery-status']); // RFC 3464, RFC 6533
export const RETURNED_TYPES = new Set([
  'message/rfc822',
  'message/global',
  'text/rfc822-headers', // RFC 6522 section 4
  'text/rfc822-header',
  'message/global-headers',
]);
const ACTIONS: readonly ReportedRecipient['action'][] = ['failed', 'delayed', 'delivered', 'relayed', 'expanded'];
const MAX_REPORT = 256 * 1024;
const MAX_RECIPIENTS = 100;
const MAX_DIAGNOSTIC = 1000;

/** The report of an RFC 3464 bounce; undefined where the email carries none. */
export function readDeliveryReport(email: ParsedEmail): DeliveryReport | undefined {
  const part = email.attachments.find((attachment) => STATUS_TYPES.has(attachment.contentType));
  if (part === undefined) return undefined;
  const groups = readGroups(part);
  return {
    envid: groups.find((fields) => fields.has('original-envelope-id'))?.get('original-envelope-id') ?? null,
    originalMessageId: findOriginalMessageId(email),
    recipients: groups.flatMap(readRecipient).slice(0, MAX_RECIPIENTS),
    whole: null,
  };
}

/** RFC 3464 section 2.1: fields of the message, then one group of fields for each recipient. */
export function readGroups(part: AttachmentContent): Fields[] {
  return head(part)
    .split(/\n(?:[ \t]*\n)+/)
    .map(readFields)
    .filter((fields) => fields.size > 0);
}

/** A server's reply with its enhanced code, `550 5.1.1`, or qmail's `(#5.1.1)`; a bare `5.1.1` may be part of anything. */
const REPLY_STATUS = /(?:\b[45]\d\d[ -]|#)([45]\.[0-7]\.\d{1,3})(?![.\d])/;
/** "Still trying": nothing has failed yet. */
const WAITS =
  /\bdelay(?:ed)?\b|^warning:|\bstill (?:trying|being retried)|will (?:be retried|keep trying|continue to try|retry)|delivery attempts will continue|do not need to re-?send|warning message only|temporary problem/i;
const FOR_GOOD = /permanent|giving up|will not be retried|failed\b[^.\n]{0,40}\bdelay/i;
const FAILED =
  /\b5\d\d[ -]|could(?: no|n')t be delivered|cannot be delivered|not able to deliver|unable to deliver|undeliver|permanent|giving up|failed|unknown|rejected|does not exist|no such|returned/i;

/** For bounces of servers that follow no standard: whom they name and which mail of ours they quote. */
export function guessDeliveryReport(email: ParsedEmail): DeliveryReport {
  const text = email.text.slice(0, 20_000);
  const status = REPLY_STATUS.exec(text)?.[1] ?? null;
  const head = text.slice(0, 4000);
  const waits = WAITS.test(email.subject ?? '') || (WAITS.test(head) && !FOR_GOOD.test(head));
  const action = waits ? 'delayed' : 'failed';
  const failed = (email.headers.get('x-failed-recipients') ?? []).flatMap(parseMailboxes); // Exim, Gmail
  const saysSomething =
    action === 'delayed' || status?.startsWith('5') === true || FAILED.test(email.subject ?? '') || FAILED.test(text);
  return {
    envid: null,
    originalMessageId: findOriginalMessageId(email),
    recipients: failed
      .slice(0, MAX_RECIPIENTS)
      .map(({ address }) => ({ address, finalAddress: null, action, status, diagnostic: null })),
    whole: failed.length === 0 && saysSomething ? { action, status, diagnostic: null } : null,
  };
}

function head(part: AttachmentContent): string {
  return part.content.subarray(0, MAX_REPORT).toString('utf8').replace(/\r\n?/g, '\n');
}

export function readFields(group: string): Fields {
  const fields = new Map<string, string>();
  for (const line of group.replace(/\n[ \t]+/g, ' ').split('\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (colon > 0 && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}

/** RFC 3464 section 2.3. The address we wrote to is the Original-Recipient; Final-Recipient is what it became. */
function readRecipient(fields: Fields): ReportedRecipient[] {
  const [mailbox, final] = ['original-recipient', 'final-recipient'].flatMap((name) =>
    parseMailboxes(afterType(fields.get(name) ?? '')).slice(0, 1),
  );
  const action = fields.get('action')?.toLowerCase();
  const known = ACTIONS.find((one) => action?.startsWith(one));
  if (mailbox === undefined || known === undefined) return [];
  const diagnostic = fields.get('diagnostic-code');
  return [
    {
      address: mailbox.address,
      finalAddress: final === undefined || final.address === mailbox.address ? null : final.address,
      action: known,
      status: readStatus(fields.get('status') ?? '', diagnostic ?? ''),
      diagnostic: diagnostic === undefined ? null : afterType(diagnostic).slice(0, MAX_DIAGNOSTIC),
    },
  ];
}

/** RFC 3463. `5.0.0` says no more than "failed": then what the server said, if it is of the same class. */
function readStatus(field: string, diagnostic: string): string | null {
  const status = /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(field)?.[0] ?? null;
  const said = REPLY_STATUS.exec(diagnostic)?.[1];
  const vague = status === null || /\.0\.0$/.test(status);
  return vague && said !== undefined && (status === null || said[0] === status[0]) ? said : status;
}

/** `rfc822; person@example.com`, `smtp; 550 ...`: RFC 3464 section 2.1.2. */
function afterType(value: string): string {
  return value.replace(/^[\w-]+\s*;\s*/, '').trim();
}

const MESSAGE_ID_LINE = /^[ \t>|]*message-id:[ \t]*\n?[ \t]*(<[^<>\s]{1,900}>)/im;

export function findOriginalMessageId(email: ParsedEmail): string | null {
  const texts = email.attachments.filter((part) => RETURNED_TYPES.has(part.contentType)).map(head);
  for (const text of [...texts, email.text.slice(0, MAX_REPORT)]) {
    const found = MESSAGE_ID_LINE.exec(text)?.[1];
    if (found !== undefined) return found;
  }
  return readMessageIds((email.headers.get('x-original-message-id') ?? []).join(' '))[0] ?? null;
}
