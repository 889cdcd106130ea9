/** Time and chance: the only place that reads them. Tests hand in a clock that they move by hand. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** Unix milliseconds. */
  now(): number;
  /** In [0, 1), for jitter. Never for secrets. */
  chance(): number;
  /** Resolves after `ms`, or at once and quietly when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Node's timers count in signed 32 bits: a longer wait is cut to this. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  chance: () => Math.random(),
  async sleep(ms, signal) {
    await delay(Math.min(ms, LONGEST_TIMER_MS), undefined, { ...(signal && { signal }), ref: true }).catch(
      () => undefined,
    );
  },
};
