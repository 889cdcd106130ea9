/** When to try a deferred email again. Pure: time and chance come in as arguments. */

const MINUTE = 60_000;

/** Waits after attempt 1, 2, 3...; after the last one the delivery bounces. About 4 days in all (RFC 5321 section 4.5.4.1). */
export const RETRY_WAITS: readonly number[] = [1, 5, 15, 30, 60, 120, 240, 480, 480, 720, 720, 1440, 1440].map(
  (minutes) => minutes * MINUTE,
);

/**
 * Full jitter: between half the wait and the whole of it, so that a server that comes back is not met by everything at
 * the same instant. `chance` in [0, 1). Null: out of attempts.
 */
export function nextRetryAt(attempt: number, now: number, chance: number): number | null {
  const wait = RETRY_WAITS[attempt - 1];
  return wait === undefined ? null : now + Math.round(wait * (0.5 + 0.5 * chance));
}
