/** How long to wait after a mail server failed, and what kind of failure it was. Pure. */

const FIRST_MS = 1000;
const LONGEST_MS = 5 * 60_000;
/** A wrong password does not mend itself; the server may have had a bad hour. */
const PARKED_MS = 60 * 60_000;
const AUTH_TRIES = 3;

export type FailureKind = 'auth' | 'other';

/** RFC 5530 section 3: these mean "not now", though imapflow flags every failed login alike. */
const NOT_NOW = new Set(['LIMIT', 'UNAVAILABLE', 'INUSE', 'OVERQUOTA', 'SERVERBUG', 'CONTACTADMIN']);

/** Decides by the server's response code, never by the flag alone: LIMIT is no wrong password. */
export function failureKind(error: unknown): FailureKind {
  if (typeof error !== 'object' || error === null) return 'other';
  const code = 'serverResponseCode' in error ? String(error.serverResponseCode ?? '').toUpperCase() : '';
  const failed = 'authenticationFailed' in error && error.authenticationFailed === true;
  return failed && !NOT_NOW.has(code) ? 'auth' : 'other';
}

export interface Failures {
  readonly all: number;
  /** Refused logins in a row. */
  readonly auth: number;
}

export const NO_FAILURES: Failures = { all: 0, auth: 0 };

export function addFailure(before: Failures, kind: FailureKind): Failures {
  return { all: before.all + 1, auth: kind === 'auth' ? before.auth + 1 : 0 };
}

export function isParked(failures: Failures): boolean {
  return failures.auth >= AUTH_TRIES;
}

/** Full jitter: anything from 0 to a ceiling that doubles from 1 s to 5 min. `chance` in [0, 1). */
export function retryWaitMs(failures: Failures, chance: number): number {
  if (isParked(failures)) return PARKED_MS;
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(Math.max(0, failures.all - 1), 20));
  return Math.round(ceiling * chance);
}
