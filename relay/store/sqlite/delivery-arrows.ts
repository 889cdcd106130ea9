/**
 * The arrows of docs/states.md that several methods share, each one guarded statement: the state it leaves stands in
 * the WHERE clause, so a late caller changes nothing. The caller has the transaction open.
 */
import type { Evidence } from '../../types.ts';
import type { SqliteDatabase } from './database.ts';
import { dropEmptyLeases } from './lease-table.ts';

/**
 * leased | available -> delivered. Evidence counts from whatever attempt, so also after a release; but there
 * must have been one, unless the agent named the message itself (`evenIfNeverGiven`: it read it by another way).
 * `+`: found by message, and not among all that the agent ever got.
 */
const CONFIRM = `
  UPDATE delivery SET state = 'delivered', evidence = @kind, delivered_at = @now, finalized_at = @now, lease_id = NULL
  WHERE +agent_id = @agentId AND message_id IN (SELECT value FROM json_each(@messageIds))
    AND state IN ('leased', 'available') AND (attempt > 0 OR @evenIfNeverGiven)`;

/** Returns how many deliveries were confirmed. */
export function confirmDeliveries(
  store: SqliteDatabase,
  agentId: string,
  messageIds: readonly string[],
  kind: Evidence,
  now: number,
  { evenIfNeverGiven = false } = {},
): number {
  const values = {
    agentId,
    messageIds: JSON.stringify(messageIds),
    kind,
    now,
    evenIfNeverGiven: evenIfNeverGiven ? 1 : 0,
  };
  const confirmed = store.prepare(CONFIRM).run(values).changes;
  if (confirmed > 0) dropEmptyLeases(store, agentId);
  return confirmed;
}

/** available | deferred -> leased, with the next attempt's number. */
const TAKE = `
  UPDATE delivery SET state = 'leased', lease_id = @leaseId, attempt = attempt + 1
  WHERE id = @id AND state IN ('available', 'deferred')`;

export function takeDelivery(store: SqliteDatabase, id: string, leaseId: string): void {
  store.prepare(TAKE).run({ id, leaseId });
}

/** available -> held. */
const QUARANTINE = `UPDATE delivery SET state = 'held', last_error = @reason WHERE id = @id AND state = 'available'`;
const INSERT_HOLD = `
  INSERT INTO hold (id, delivery_id, kind, reason, created_at) VALUES (@holdId, @id, 'quarantine', @reason, @now)`;

export function quarantineDelivery(
  store: SqliteDatabase,
  hold: { readonly holdId: string; readonly deliveryId: string; readonly reason: string },
  now: number,
): void {
  const values = { id: hold.deliveryId, reason: hold.reason };
  if (store.prepare(QUARANTINE).run(values).changes === 0) return;
  store.prepare(INSERT_HOLD).run({ ...values, holdId: hold.holdId, now });
}

/**
 * available | leased | deferred | delivered -> bounced, of an email. Handed to the next server is not yet read by a
 * person, so a report still counts after `delivered`.
 */
const BOUNCE = `
  UPDATE delivery SET state = 'bounced', finalized_at = @now, lease_id = NULL, last_error = @reason
  WHERE id = @deliveryId AND agent_id IS NULL AND state IN ('available', 'leased', 'deferred', 'delivered')`;

/** False where it is no open or delivered email (any more). */
export function bounceDelivery(
  store: SqliteDatabase,
  bounced: { readonly deliveryId: string; readonly reason: string },
  now: number,
): boolean {
  return store.prepare(BOUNCE).run({ ...bounced, now }).changes > 0;
}
