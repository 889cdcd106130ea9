/** Leases that ran out, mail nobody took in time, receipts that are too old: looked after every few seconds. */
import type { BrokerDeps } from './deps.ts';

const EVERY_MS = 5_000;
/** How long an Idempotency-Key is remembered. */
export const RECEIPT_LIVES_MS = 24 * 3_600_000;

export async function keepHouseOnce(
  deps: BrokerDeps,
): Promise<{ readonly expired: number; readonly receipts: number }> {
  const now = deps.clock.now();
  deps.wake(await deps.stores.deliveries.rescue(now));
  const expired = await deps.stores.deliveries.expire(now);
  const receipts = await deps.stores.receipts.prune(now - RECEIPT_LIVES_MS);
  return { expired, receipts };
}

/** Until the signal aborts. A store that cannot write now is tried again: nothing else depends on this being in time. */
export async function keepHouse(deps: BrokerDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await keepHouseOnce(deps);
    } catch (error) {
      deps.log.error({ cause: error }, 'housekeeping: the store does not answer as it should');
    }
    await deps.clock.sleep(EVERY_MS, signal);
  }
}
