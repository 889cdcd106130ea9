/** How long to wait after a mail server failed, and what kind of failure it was. Pure. */
import { OAuthFailure } from '../oauth/oauth-failure.ts';

const FIRST_MS = 1000;
const LONGEST_MS = 5 * 60_000;
/** A wrong password does not mend itself; the server may have had a bad hour. */
const PARKED_MS = 60 * 60_000;
const AUTH_TRIES = 3;

/** `auth`: a refused login, worth three tries. `refused`: said for good by who gives out tokens, or by our own settings. */
export type FailureKind = 'auth' | 'refused' | 'other';

/** RFC 5530 section 3: these mean "not now", though imapflow flags every failed login alike. */
const NOT_NOW = new Set(['LIMIT', 'UNAVAILABLE', 'INUSE', 'OVERQUOTA', 'SERVERBUG', 'CONTACTADMIN']);

/** A mailbox that is never read, whatever the server does. */
export class FolderRefused extends Error {
  override readonly name = 'FolderRefused';
}

/** Decides by the server's response code, never by the flag alone: LIMIT is no wrong password. */
export function failureKind(error: unknown): FailureKind {
  if (error instanceof OAuthFailure) return error.refused ? 'refused' : 'other';
  if (error instanceof FolderRefused) return 'refused';
  if (typeof error !== 'object' || error === null) return 'other';
  const failed = 'authenticationFailed' in error && error.authenticationFailed === true;
  return failed && !NOT_NOW.has(responseCode(error)) && !isTooMany(error) ? 'auth' : 'other';
}

/** RFC 5530, in upper case; '' where the server gave none. */
export function responseCode(error: object): string {
  return 'serverResponseCode' in error ? String(error.serverResponseCode ?? '').toUpperCase() : '';
}

/** Gmail says it with the code ALERT, which stands for anything. */
export function isTooMany(error: object): boolean {
  return (
    responseCode(error) === 'LIMIT' || ('response' in error && /simultaneous connections/i.test(String(error.response)))
  );
}

const LONGEST_HINT_MS = 60 * 60_000;

/**
 * What is left of the time the server asked to be left alone (Exchange: "Suggested Backoff Time"; a token server's
 * Retry-After). imapflow waits a part of it by itself.
 */
export function hintMs(error: unknown): number {
  if (error instanceof OAuthFailure) return error.retryAfterMs;
  if (typeof error !== 'object' || error === null || !('throttleReset' in error)) return 0;
  const waited = 'throttleWaited' in error ? Number(error.throttleWaited) : 0;
  const rest = Number(error.throttleReset) - (Number.isFinite(waited) ? waited : 0);
  return rest > 0 ? Math.min(rest, LONGEST_HINT_MS) : 0;
}

export interface Failures {
  readonly all: number;
  /** Refused logins in a row. */
  readonly auth: number;
  /** What the server asked for; a wait is never shorter. */
  readonly hintMs: number;
}

export const NO_FAILURES: Failures = { all: 0, auth: 0, hintMs: 0 };

export function addFailure(before: Failures, kind: FailureKind, hint = 0): Failures {
  const auth = kind === 'refused' ? AUTH_TRIES : kind === 'auth' ? before.auth + 1 : 0;
  return { all: before.all + 1, auth, hintMs: hint };
}

export function isParked(failures: Failures): boolean {
  return failures.auth >= AUTH_TRIES;
}

/** Full jitter: anything from 0 to a ceiling that doubles from 1 s to 5 min. `chance` in [0, 1). */
export function retryWaitMs(failures: Failures, chance: number): number {
  if (isParked(failures)) return PARKED_MS;
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(Math.max(0, failures.all - 1), 20));
  return Math.max(failures.hintMs, Math.round(ceiling * chance));
}
