/**
 * Whose words an email carries: a person's, or those of some machine (RFC 3834, RFC 3464, lists, receipts, ourselves).
 *
 * A machine's mail taken for a person's starts loops and puts nonsense in an agent's mouth; a person's mail taken for a
 * machine's is still stored and shown, under another heading. So when in doubt about a sign that only machines give,
 * it is a machine; signs that people give too (X-Auto-Response-Suppress, a reply to a bounce) count for nothing.
 */
import type { EmailClass, ParsedEmail } from './contracts.ts';
import { guessDeliveryReport, readDeliveryReport } from './delivery-report.ts';

export interface ClassifyContext {
  /** MAIL FROM; '' is the null path `<>`; null where it is not known (IMAP without Return-Path). */
  readonly envelopeFrom: string | null;
  /** Is this Message-ID one that we made? */
  readonly isOwnMessageId: (messageId: string) => boolean;
}

type Rule = (email: ParsedEmail, context: ClassifyContext) => EmailClass | undefined;

/** First match wins; the more certain come first. */
const RULES: readonly Rule[] = [
  own,
  deliveryStatus,
  receipt,
  bounceByHeader,
  autoReply,
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

/** `report-type` of a multipart/report (RFC 6522), or what its machine part says. */
function reportType(email: ParsedEmail): string {
  const type = first(email, 'content-type').toLowerCase();
  if (!type.startsWith('multipart/report')) return '';
  return /report-type\s*=\s*"?([\w-]+)/.exec(type)?.[1] ?? 'unnamed';
}

function deliveryStatus(email: ParsedEmail): EmailClass | undefined {
  const report = readDeliveryReport(email);
  if (report !== undefined) return { kind: 'bounce', reason: 'a delivery status notification (RFC 3464)', report };
  if (reportType(email) !== 'delivery-status') return undefined;
  return { kind: 'bounce', reason: 'a delivery report without its status part', report: guessDeliveryReport(email) };
}

function receipt(email: ParsedEmail): EmailClass | undefined {
  const types = new Set(email.attachments.map((part) => part.contentType));
  const report = reportType(email);
  if (report === 'disposition-notification' || types.has('message/disposition-notification')) {
    return { kind: 'receipt', reason: 'a read receipt (RFC 8098)' };
  }
  if (report === 'feedback-report' || types.has('message/feedback-report')) {
    return { kind: 'receipt', reason: 'a complaint report (RFC 5965)' };
  }
  if (report === 'tlsrpt') return { kind: 'receipt', reason: 'a TLS report (RFC 8460)' };
  // Hotmail's complaint feed, which follows no standard.
  if (/^complaint about message from \d/i.test(email.subject ?? '')) {
    return { kind: 'receipt', reason: 'a complaint about an email' };
  }
  const calendar = email.attachments.find((part) => part.contentType === 'text/calendar');
  const answer = /^METHOD:(?:REPLY|COUNTER|REFRESH|DECLINECOUNTER)\s*$/im; // RFC 5546 section 1.4
  if (calendar !== undefined && answer.test(calendar.content.subarray(0, 64 * 1024).toString('latin1'))) {
    return { kind: 'receipt', reason: "a calendar program's answer (RFC 5546)" };
  }
  return undefined;
}

function bounceByHeader(email: ParsedEmail): EmailClass | undefined {
  const daemon = /(?:^|[<\s"])mailer-daemon(?:@|[>\s"]|$)/i.test(rawFrom(email));
  const failed = ['x-failed-recipients', 'x-failure-list', 'x-failure-type'].some((name) => email.headers.has(name));
  const postmaster = /(?:^|[<\s"])postmaster@/i.test(rawFrom(email)) && BOUNCE_SUBJECT.test(email.subject ?? '');
  if (!daemon && !failed && !postmaster && reportType(email) === '') return undefined;
  return { kind: 'bounce', reason: 'a mail system wrote it', report: guessDeliveryReport(email) };
}

const AUTO_HEADERS = [
  'x-autoreply',
  'x-auto-reply-from',
  'x-autoreply-from',
  'x-autorespond',
  'x-autoresponder',
  'x-mail-autoreply',
  'x-vacation',
  'x-ms-exchange-generated-message-source',
] as const;

/** What only mail programs write, in the languages of the big ones. Subjects are the last resort (RFC 3834 section 3.1.5). */
const AUTO_SUBJECT =
  /^(?:auto(?:matic|mated)?[- ]?(?:reply|response)|autoreply|out of (?:the )?office(?: reply)?|automatische antwort|abwesenheitsnotiz|réponse automatique|respuesta automática|risposta automatica|resposta automática|automatisch antwoord|autosvar|automatyczna odpowiedź|автоответ|автоматический ответ|自動返信|自动回复|自动答复)\s*[:：]/i;

function autoReply(email: ParsedEmail): EmailClass | undefined {
  // RFC 3834 section 5: the word before ";" or a comment; `no` is a person.
  const submitted = /^[\w-]+/.exec(first(email, 'auto-submitted'))?.[0]?.toLowerCase();
  if (submitted !== undefined && submitted !== 'no')
    return { kind: 'auto_reply', reason: `Auto-Submitted: ${submitted}` };
  const precedence = first(email, 'precedence').toLowerCase();
  if (/^auto_?reply$/.test(precedence)) return { kind: 'auto_reply', reason: `Precedence: ${precedence}` };
  const header = AUTO_HEADERS.find((name) => email.headers.has(name));
  if (header !== undefined) return { kind: 'auto_reply', reason: `it has a field ${header}` };
  const nobody = email.from.find(({ address }) => /^(?:no|do-?not)[-_.]?reply[@+]/.test(address));
  if (nobody !== undefined) return { kind: 'auto_reply', reason: `nobody writes as ${nobody.address}` };
  if (AUTO_SUBJECT.test(email.subject ?? '')) return { kind: 'auto_reply', reason: "its subject is an auto-reply's" };
  return undefined;
}

const BOUNCE_SUBJECT =
  /^(?:\W*)(?:undeliver(?:ed|able)|mail (?:delivery|system) (?:failed|failure|error)|mail delivery (?:system|subsystem)|delivery (?:status notification|failure|has failed|failed|report|notification|error|problem)|returned mail|failure notice|failure delivery|message (?:status|delivery failure|not delivered|you sent blocked)|non[- ]?deliver|could not send message|warning: (?:could not send|message)|mail failure|permanent delivery failure|postmaster notify|unzustellbar|nicht zustellbar|non remis|échec de la remise|no se puede entregar|mensaje no entregado|there was an error sending your mail|your message (?:couldn't be|could not be|wasn't) delivered|email could not be delivered)/i;

const BOUNCE_WORDS =
  /could not be delivered|couldn't be delivered|not be delivered to|cannot be delivered|undeliverable|delivery (?:to the following|has failed|failed|failure)|failed permanently|permanent(?:ly)? (?:error|failed|failure)|unable to deliver|was not delivered|returned to (?:sender|you)|user unknown|unknown user|no such user|mailbox (?:is )?(?:full|unavailable|not found)|recipient (?:address )?rejected|does not exist|over quota|bounced? (?:message|back)|\b5\d\d[ -]5\.\d\.\d\b/i;

const DAEMON_NAMES = /daemon|postmaster|mail (?:delivery|administrator|system|router)/i;

/** No standard sign, but a bounce's subject and a bounce's words, from something that is called like a mail system. */
function bounceByShape(email: ParsedEmail, context: ClassifyContext): EmailClass | undefined {
  const signs = [
    BOUNCE_SUBJECT.test(email.subject ?? ''),
    BOUNCE_WORDS.test(email.text.slice(0, 8000)),
    DAEMON_NAMES.test(rawFrom(email)) || hasNullPath(email, context),
  ].filter(Boolean).length;
  if (signs < 2) return undefined;
  return { kind: 'bounce', reason: 'it reads like a bounce', report: guessDeliveryReport(email) };
}

/** RFC 5321 section 4.5.5: only notifications have the null path. */
function nullSender(email: ParsedEmail, context: ClassifyContext): EmailClass | undefined {
  return hasNullPath(email, context) ? { kind: 'auto_reply', reason: 'its envelope sender is empty' } : undefined;
}

function hasNullPath(email: ParsedEmail, context: ClassifyContext): boolean {
  if (context.envelopeFrom !== null) return context.envelopeFrom === '';
  return /^<\s*>$/.test(first(email, 'return-path'));
}

function list(email: ParsedEmail): EmailClass | undefined {
  const header = ['list-id', 'list-post', 'list-unsubscribe', 'feedback-id'].find((name) => email.headers.has(name)); // RFC 2919, RFC 2369
  if (header !== undefined) return { kind: 'list', reason: `it has a field ${header}` };
  const precedence = first(email, 'precedence').toLowerCase();
  if (/^(?:bulk|list|junk)$/.test(precedence)) return { kind: 'list', reason: `Precedence: ${precedence}` };
  return undefined;
}

function first(email: ParsedEmail, name: string): string {
  return email.headers.get(name)?.[0]?.trim() ?? '';
}

function rawFrom(email: ParsedEmail): string {
  return first(email, 'from').slice(0, 1000);
}
