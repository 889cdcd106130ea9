/** What several rules of classify.ts look at: single header fields, the report's type, the null path. Pure. */
import type { ParsedEmail } from '../contracts.ts';

export interface ClassifyContext {
  /** MAIL FROM; '' is the null path `<>`; null where it is not known (IMAP without Return-Path). */
  readonly envelopeFrom: string | null;
  /** Is this Message-ID one that we made? */
  readonly isOwnMessageId: (messageId: string) => boolean;
}

/** The topmost value of a field, '' where there is none. */
export function first(email: ParsedEmail, name: string): string {
  return email.headers.get(name)?.[0]?.trim() ?? '';
}

/** The From field as it stands: a daemon's is often no address. */
export function rawFrom(email: ParsedEmail): string {
  return first(email, 'from').slice(0, 1000);
}

/** `report-type` of a multipart/report (RFC 6522) in lower case; '' where it is none, `unnamed` without a type. */
export function reportType(email: ParsedEmail): string {
  const type = first(email, 'content-type').toLowerCase();
  if (!type.startsWith('multipart/report')) return '';
  return /report-type\s*=\s*"?([\w-]+)/.exec(type)?.[1] ?? 'unnamed';
}

/** RFC 5321 section 4.5.5: only notifications have the null path. */
export function hasNullPath(email: ParsedEmail, context: ClassifyContext): boolean {
  if (context.envelopeFrom !== null) return context.envelopeFrom === '';
  return /^<\s*>$/.test(first(email, 'return-path'));
}

/** A mail system's name or address, and not a person's. */
export function isDaemon(email: ParsedEmail, context: ClassifyContext): boolean {
  const path = first(email, 'return-path');
  return (
    /daemon|postmaster|mail (?:deliver[a-z]*|administrator|system|router)/i.test(rawFrom(email)) ||
    /^<?(?:mailer-daemon|postmaster)\b/i.test(path) ||
    hasNullPath(email, context)
  );
}

/** RFC 3834 section 5: the word before ";" or a comment, in lower case; '' where nothing is said. */
export function autoSubmitted(email: ParsedEmail): string {
  return /^[\w-]+/.exec(first(email, 'auto-submitted'))?.[0]?.toLowerCase() ?? '';
}
