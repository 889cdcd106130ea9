/**
 * Whose words an email carries: a person's, or those of some machine (RFC 3834, RFC 3464, lists, receipts, ourselves).
 *
 * A machine's mail taken for a person's starts loops and puts nonsense in an agent's mouth; a person's mail taken for a
 * machine's is still stored and shown, under another heading. So when in doubt about a sign that only machines give,
 * it is a machine; signs that people give too (X-Auto-Response-Suppress, a reply to a bounce) count for nothing.
 */

import type { EmailClass, ParsedEmail } from '../contracts.ts';
import { readOwnMessageId } from '../message-id.ts';
import { automaticReply } from './automatic-reply.ts';
import { bounceByHeader, bounceByReport, bounceByShape } from './bounce-signs.ts';
import { calendarAnswer } from './calendar-answer.ts';
import { challenge } from './challenge-mail.ts';
import { complaint } from './complaint-report.ts';
import { type ClassifyContext, first, hasNullPath, reportType } from './machine-signs.ts';

export type { ClassifyContext } from './machine-signs.ts';

type Rule = (email: ParsedEmail, context: ClassifyContext) => EmailClass | undefined;

/** First match wins; the more certain come first. */
const RULES: readonly Rule[] = [
  own,
  complaint,
  bounceByReport,
  receipt,
  calendarAnswer,
  bounceByHeader,
  challenge,
  automaticReply,
  bounceByShape,
  nullSender,
  list,
];

export function classifyEmail(email: ParsedEmail, context: ClassifyContext): EmailClass {
  for (const rule of RULES) {
    const found = rule(email, context);
    if (found !== undefined) return found;
  }
  return { kind: 'person' };
}

function own(email: ParsedEmail, context: ClassifyContext): EmailClass | undefined {
  const ours = email.messageId !== null && context.isOwnMessageId(email.messageId);
  return ours ? { kind: 'own', reason: 'its Message-ID is one of ours' } : undefined;
}

/** RFC 9990 section 3: the subject of an aggregate report, and what its file is called. */
const DMARC_SUBJECT = /^\W*(?:\[[^\]]{0,60}\]\s*)?report domain:\s*\S+\s+submitter:/i;
const DMARC_FILE =
  /^[\w.-]+![\w.-]+!\d+!\d+(?:![\w-]+)?\.xml(?:\.gz|\.zip)?$|^[\w.-]+![\w.-]+!\d+!\d+(?:![\w-]+)?\.zip$/i;

function receipt(email: ParsedEmail): EmailClass | undefined {
  const types = new Set(email.attachments.map((part) => part.contentType));
  const report = reportType(email);
  if (report === 'disposition-notification' || types.has('message/disposition-notification')) {
    return { kind: 'receipt', reason: 'a read receipt (RFC 8098)' };
  }
  if (report === 'tlsrpt' || types.has('application/tlsrpt+gzip') || types.has('application/tlsrpt+json')) {
    return { kind: 'receipt', reason: 'a TLS report (RFC 8460)' };
  }
  const dmarc = email.attachments.some(({ filename }) => DMARC_FILE.test(filename));
  if (dmarc || DMARC_SUBJECT.test(email.subject ?? '')) return { kind: 'receipt', reason: 'a DMARC report (RFC 9990)' };
  return undefined;
}

function nullSender(email: ParsedEmail, context: ClassifyContext): EmailClass | undefined {
  return hasNullPath(email, context) ? { kind: 'auto_reply', reason: 'its envelope sender is empty' } : undefined;
}

/** RFC 2369, RFC 2919, and what list programs and bulk senders write besides. */
const LIST_FIELDS = [
  'list-id',
  'list-post',
  'list-unsubscribe',
  'list-subscribe',
  'list-owner',
  'mailing-list',
  'x-mailing-list',
  'x-beenthere',
  'x-campaign-id',
  'x-campaignid',
  'feedback-id',
] as const;

function list(email: ParsedEmail): EmailClass | undefined {
  const precedence = first(email, 'precedence').toLowerCase();
  if (/^(?:bulk|junk)$/.test(precedence)) return { kind: 'list', reason: `Precedence: ${precedence}` };
  // Who answers a mail of ours through a list is a person all the same; who that is, is asked later.
  if (email.inReplyTo.some((id) => readOwnMessageId(id) !== undefined)) return undefined;
  if (precedence === 'list') return { kind: 'list', reason: 'Precedence: list' };
  const header = LIST_FIELDS.find((name) => email.headers.has(name));
  return header === undefined ? undefined : { kind: 'list', reason: `it has a field ${header}` };
}
