/** A person decides about a held delivery. */
import { RelayError } from '../errors.ts';
import type { HeldDelivery } from '../store/stores.ts';
import type { BrokerDeps } from './deps.ts';

/**
 * Throws `not_found`, or `state_conflict` where it was decided already, its recipient is gone, or it cannot be let pass:
 * what is not what its sender signed would be shown as verified.
 */
export async function decideHold(
  deps: BrokerDeps,
  id: string,
  decision: 'accepted' | 'dropped',
): Promise<HeldDelivery> {
  if (decision === 'accepted') await checkMayPass(deps, id);
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

async function checkMayPass(deps: BrokerDeps, id: string): Promise<void> {
  const held = await deps.stores.holds.find(id);
  const problem = held === undefined ? null : deps.signer.problem(held.message);
  if (problem === null) return;
  throw new RelayError('state_conflict', {
    message: `That message cannot be let pass: ${problem}. It can be dropped.`,
  });
}
