/** A person decides about a held delivery. */
import { RelayError } from '../errors.ts';
import type { HeldDelivery } from '../store/stores.ts';
import type { BrokerDeps } from './deps.ts';

/** Throws `not_found`, or `state_conflict` where it was decided already or its recipient is gone. */
export async function decideHold(
  deps: BrokerDeps,
  id: string,
  decision: 'accepted' | 'dropped',
): Promise<HeldDelivery> {
  const decided = await deps.stores.holds.decideIfOpen(id, decision, deps.clock.now());
  if (decided === undefined) {
    const known = await deps.stores.holds.find(id);
    if (known === undefined) throw new RelayError('not_found', { message: `There is no hold ${id}.` });
    const why = known.hold.decision === null ? `is ${known.delivery.state}` : `was ${known.hold.decision}`;
    throw new RelayError('state_conflict', { message: `That message ${why} already.` });
  }
  deps.log.info({ hold_id: id, decision, message_id: decided.message.id }, 'hold decided');
  if (decided.delivery.agentId === null) deps.wakeOutbox();
  else deps.wake([decided.delivery.agentId]);
  return decided;
}
