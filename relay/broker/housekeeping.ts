/** Leases that ran out, mail nobody took in time, receipts and inboxes that are too old: looked after every few seconds. */

import type { BrokerDeps } from './deps.ts';
import { dayOf } from './intake/auto-answer.ts';
import { expiredNotice } from './outbox/bounce-notice.ts';

/** Longer than any server keeps trying to hand a mail over (RFC 5321 section 4.5.4.1). */
const DEFERRAL_LIVES_MS = 7 * 24 * 3_600_000;

const EVERY_MS = 5_000;
/** How long an Idempotency-Key is remembered. */
export const RECEIPT_LIVES_MS = 24 * 3_600_000;
/** A session that was not seen for so long is not coming back; were it to, it would begin anew. */
const SESSION_KEPT_MS = 7 * 24 * 3_600_000;

export async function keepHouseOnce(
  deps: BrokerDeps,
): Promise<{ readonly expired: number; readonly receipts: number; readonly inboxes: number }> {
  const now = deps.clock.now();
  deps.wake(await deps.stores.deliveries.rescue(now));
  const { expired, told } = await deps.stores.deliveries.expire(now, (message, { address }) =>
    expiredNotice(deps, message, address),
  );
  deps.wake(told.flatMap(({ deliveries }) => deliveries.flatMap(({ agentId }) => agentId ?? [])));
  await deps.stores.deliveries.pruneSessions(now - SESSION_KEPT_MS);
  await deps.stores.suppressions.prune(now);
  await deps.stores.autoAnswers.prune(dayOf(now));
  const receipts = await deps.stores.receipts.prune(now - RECEIPT_LIVES_MS);
  await deps.stores.deferrals.prune(now - DEFERRAL_LIVES_MS);
  const inboxes = await deps.stores.inboxes.prune(now - deps.settings.inboxes.retentionMs);
  return { expired, receipts, inboxes };
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
