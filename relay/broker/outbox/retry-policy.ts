/** When to try a deferred email again. Pure: time and chance come in as arguments. */

const MINUTE = 60_000;
/** A server that has just said "later" is not asked again at once. */
const SHORTEST_WAIT = 5_000;

/** Longest wait after attempt 1, 2, 3...; after the last one the delivery bounces. Half of it on the average: about 4 days
 * in all (RFC 5321 section 4.5.4.1). */
export const RETRY_WAITS: readonly number[] = [2, 10, 30, 60, 120, 240, 480, 960, 960, 1440, 1440, 2880, 2880].map(
  (minutes) => minutes * MINUTE,
);

/**
 * Full jitter: anything up to the wait, so that a server that comes back is not met by everything at the same instant.
 * `chance` in [0, 1). Null: out of attempts.
 */
export function nextRetryAt(attempt: number, now: number, chance: number): number | null {
  const wait = RETRY_WAITS[attempt - 1];
  return wait === undefined ? null : now + Math.max(SHORTEST_WAIT, Math.round(wait * chance));
}
