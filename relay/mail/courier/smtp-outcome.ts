/**
 * What a mail server's answer means for the email (RFC 5321 section 4.2.1): `delivered` after a 250 only, `refused` after
 * a 5yz to this mail only, everything else `deferred`. Pure, on what nodemailer returns and throws.
 */
import type { Outcome, OutgoingEmail } from '../../types.ts';
import { asksToSlowDown, shareIsSent } from './slow-down.ts';

export function envelopeOf(email: OutgoingEmail) {
  return {
    from: email.envelopeFrom,
    to: [email.envelopeTo],
    // RFC 1870: what is too large there is not even sent.
    size: email.raw.length,
    // RFC 3461: ENVID comes back as Original-Envelope-Id, ORCPT as Original-Recipient.
    dsn: { id: email.envid, return: 'headers' as const, notify: ['failure', 'delay'], recipient: email.envelopeTo },
  };
}

export interface Accepted {
  readonly response: string;
  readonly accepted: readonly unknown[];
  readonly rejectedErrors?: readonly unknown[] | undefined;
}

export function outcomeOfSending({ response, accepted, rejectedErrors }: Accepted): Outcome {
  if (accepted.length > 0) return { kind: 'delivered', reply: oneLine(response) };
  return outcomeOf(rejectedErrors?.[0] ?? new Error('the server accepted no recipient'));
}

/** What nodemailer puts on its errors. */
interface SmtpFailure {
  readonly code?: unknown;
  readonly command?: unknown;
  readonly response?: unknown;
  readonly responseCode?: unknown;
  readonly message?: unknown;
}

/** Only to these is a 5yz an answer about this mail; to a greeting, EHLO or AUTH it is one about us or our settings. */
const MAIL_COMMANDS = new Set(['MAIL FROM', 'RCPT TO', 'DATA']);
/** "Authentication required", "must issue STARTTLS first" (RFC 4954 section 6, RFC 3207 section 4): settings again. */
const SETTINGS_CODES = new Set([530, 534, 535, 538]);

// Any object can be read as this shape: every member is unknown.
const asFailure = (thrown: unknown): SmtpFailure =>
  (typeof thrown === 'object' && thrown !== null ? thrown : {}) as SmtpFailure;

export function outcomeOf(thrown: unknown): Outcome {
  const failure = asFailure(thrown);
  const code = typeof failure.responseCode === 'number' ? failure.responseCode : null;
  const reason = oneLine(String(failure.response ?? failure.message ?? thrown));
  const aboutThisMail = MAIL_COMMANDS.has(String(failure.command)) && failure.code !== 'EAUTH';
  // Not even asked: the server said beforehand how much it takes (RFC 1870 section 4).
  if (code === null && failure.code === 'EMESSAGE' && aboutThisMail)
    return { kind: 'refused', reason: `552 5.3.4 ${reason}`, code: 552 };
  const final = code !== null && code >= 500 && code < 600 && !SETTINGS_CODES.has(code);
  if (final && aboutThisMail) return { kind: 'refused', reason, code };
  return { kind: 'deferred', reason, code, ...(asksToSlowDown({ code, text: reason }) && { slowDown: 'domain' }) };
}

/**
 * The same through a server of our own provider: it limits our account, not a domain, but where it speaks of a recipient;
 * and when the account's share is sent, the mail goes another day.
 */
export function throughOurProvider(outcome: Outcome, thrown: unknown): Outcome {
  if (outcome.kind === 'delivered') return outcome;
  const { reason, code } = outcome;
  if (shareIsSent({ code, text: reason })) return { kind: 'deferred', reason, code, slowDown: 'all' };
  if (outcome.kind === 'refused' || outcome.slowDown === undefined) return outcome;
  return asFailure(thrown).command === 'RCPT TO' ? outcome : { ...outcome, slowDown: 'all' };
}

export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 500);
}
