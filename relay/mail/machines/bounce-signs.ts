/**
 * Is it a bounce? By its report (RFC 3464), by fields only mail systems write, or, of servers that follow no standard,
 * by its shape: something called like a mail system, with a bounce's subject or words. A person who writes about a
 * bounce or a parcel that did not arrive has the words only.
 */
import type { EmailClass, ParsedEmail } from '../contracts.ts';
import { guessDeliveryReport, readDeliveryReport } from './delivery-report.ts';
import { autoSubmitted, type ClassifyContext, first, isDaemon, rawFrom, reportType } from './machine-signs.ts';

export function bounceByReport(email: ParsedEmail, context: ClassifyContext): EmailClass | undefined {
  const report = readDeliveryReport(email);
  if (report !== undefined && isReport(email, context)) {
    return { kind: 'bounce', reason: 'a delivery status notification (RFC 3464)', report };
  }
  if (reportType(email) !== 'delivery-status') return undefined;
  return { kind: 'bounce', reason: 'a delivery report without its status part', report: guessDeliveryReport(email) };
}

/** Some mail programs take a bounce that a person forwards apart, and its status part becomes a file of that mail. */
function isReport(email: ParsedEmail, context: ClassifyContext): boolean {
  if (reportType(email) !== '' || /^message\//i.test(first(email, 'content-type'))) return true;
  const subject = email.subject ?? '';
  if (isDaemon(email, context) || BOUNCE_SUBJECT.test(subject)) return true;
  return autoSubmitted(email) !== '' && autoSubmitted(email) !== 'no';
}

export function bounceByHeader(email: ParsedEmail): EmailClass | undefined {
  const daemon = /(?:^|[<\s"])mailer-daemon(?:@|[>\s"]|$)/i.test(rawFrom(email));
  const failed = ['x-failed-recipients', 'x-failure-list', 'x-failure-type'].some((name) => email.headers.has(name));
  const postmaster = /(?:^|[<\s"])postmaster@/i.test(rawFrom(email)) && BOUNCE_SUBJECT.test(email.subject ?? '');
  if (!daemon && !failed && !postmaster && reportType(email) === '') return undefined;
  return { kind: 'bounce', reason: 'a mail system wrote it', report: guessDeliveryReport(email) };
}

export function bounceByShape(email: ParsedEmail, context: ClassifyContext): EmailClass | undefined {
  const text = email.text.slice(0, 8000);
  const reads = [BOUNCE_SUBJECT.test(email.subject ?? ''), BOUNCE_WORDS.test(text)].filter(Boolean).length;
  // Without a mail system's name it must say all: the subject, the words, and what a server answered.
  const system = isDaemon(email, context) || SERVER_WORDS.test(text);
  if (reads === 0 || !system || (reads < 2 && !isDaemon(email, context))) return undefined;
  return { kind: 'bounce', reason: 'it reads like a bounce', report: guessDeliveryReport(email) };
}

const BOUNCE_SUBJECT =
  /^(?:\W*)(?:undeliver(?:ed|able)|mail (?:delivery|system) (?:failed|failure|error)|mail delivery (?:system|subsystem)|delivery (?:status notification|failure|has failed|failed|report|notification|error|problem)|returned mail|failure notice|failure delivery|message (?:status|delivery failure|not delivered|you sent blocked)|non[- ]?deliver|could not send message|warning: (?:could not send|message)|mail failure|mail could not be delivered|permanent delivery failure|postmaster notify|unzustellbar|nicht zustellbar|non remis|échec de la remise|no se puede entregar|mensaje no entregado|there was an error sending your mail|your message (?:couldn't be|could not be|wasn't) delivered|email could not be delivered)/i;

const BOUNCE_WORDS =
  /could not be delivered|couldn't be delivered|not be delivered to|cannot be delivered|undeliverable|delivery (?:to the following|has failed|failed|failure)|failed permanently|permanent(?:ly)? (?:error|failed|failure)|unable to deliver|was not delivered|returned to (?:sender|you)|user unknown|unknown user|no such user|mailbox (?:is )?(?:full|unavailable|not found)|recipient (?:address )?rejected|does not exist|over quota|bounced? (?:message|back)|\b5\d\d[ -]5\.\d\.\d\b/i;

/** At the beginning of a line, so not in a quote: a server's reply, or a delivery report's field. */
const SERVER_WORDS =
  /^[ \t]{0,20}(?:(?:remote host said:|smtp error[^\n]{0,80}:)[ \t]{0,20})?(?:[45]\d\d[ -][45]\.\d\.\d|<[^<>\s@]{1,64}@[^<>\s]{1,255}>:[ \t]{0,20}$)/im;
