/** What is wrong with a mailbox and what to do about it, in a sentence for people. Pure; never holds a password or token. */

import { OAuthFailure } from '../oauth/oauth-failure.ts';
import type { ImapProvider } from './imap-provider.ts';
import { KeeperFailure } from './letter-box-drain.ts';
import { type Failures, FolderRefused, failureKind, isParked, isTooMany, responseCode } from './retry-wait.ts';

/** RFC 5530 section 3. */
const BY_CODE: Readonly<Record<string, string>> = {
  UNAVAILABLE: 'A part of the mail service is down.',
  INUSE: 'Another program has the mailbox for itself.',
  OVERQUOTA: 'The mailbox is full.',
  SERVERBUG: 'The mail server reports a fault of its own.',
  CONTACTADMIN: "The mail server wants you to talk to the mail service's support.",
  NONEXISTENT: 'There is no such folder. Name one that is there in TURNPOST_IMAP_URL and restart.',
  EXPIRED: 'The password has run out. Set a new one, put it in TURNPOST_IMAP_URL and restart.',
  PRIVACYREQUIRED: 'The server wants TLS. Write imaps:// in TURNPOST_IMAP_URL and restart.',
};

const TOO_MANY =
  'The account has too many connections open. Close other mail programs, or give them fewer connections.';

export interface ProblemContext {
  readonly failures: Failures;
  readonly provider: ImapProvider;
  readonly byToken: boolean;
}

export function describeProblem(error: unknown, { failures, provider, byToken }: ProblemContext): string {
  const next = isParked(failures) ? 'It is tried again in an hour.' : 'It is tried again.';
  return `${whatIsWrong(error, provider, byToken)} ${next}`;
}

function whatIsWrong(error: unknown, provider: ImapProvider, byToken: boolean): string {
  if (error instanceof KeeperFailure) return 'The relay could not store what came in.';
  if (error instanceof OAuthFailure || error instanceof FolderRefused) return error.message;
  if (typeof error !== 'object' || error === null) return `The mailbox cannot be read: ${String(error)}.`;
  if (isTooMany(error)) return TOO_MANY;
  const byCode = BY_CODE[responseCode(error)];
  if (byCode !== undefined) return byCode;
  if (failureKind(error) === 'auth')
    return `The server refuses the login. ${byToken ? TOKEN_ADVICE : provider.loginAdvice}`;
  const response = 'responseText' in error ? error.responseText : undefined;
  return `The mailbox cannot be read: ${String(response ?? causeOf(error)).slice(0, 300)}.`;
}

const TOKEN_ADVICE =
  'The token is good, so look whether IMAP is on for this mailbox, whether the app has the mail scope, and whether the user of TURNPOST_IMAP_URL is the one who signed in.';

/** The error without its stack and without what imapflow attaches (the command's text may hold the password). */
export function causeOf(error: unknown): string {
  const cause = error instanceof KeeperFailure ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  // What the server said when it ended the session (RFC 9051 section 7.1.5).
  const bye = 'reason' in cause && typeof cause.reason === 'string' ? `: ${cause.reason.slice(0, 200)}` : '';
  return `${cause.message}${bye}`;
}
