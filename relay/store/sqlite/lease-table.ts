/**
 * Table `lease`: who holds what until when. A lease ends by evidence for all it covers, by release, or by running out;
 * its row goes then, since late evidence needs only the delivery.
 */
import { newId } from '../../ids.ts';
import type { DeliveryState, Lease } from '../../types.ts';
import type { SqliteDatabase } from './database.ts';

const INSERT = `
  INSERT INTO lease (id, agent_id, key_id, session_id, path, prompt_id, given_at, lease_ms, expires_at)
  VALUES (@id, @agentId, @keyId, @sessionId, @path, @promptId, @givenAt, @expiresAt - @givenAt, @expiresAt)`;

// "Renewed by any call of that session".
const RENEW = `
  UPDATE lease SET expires_at = max(expires_at, @now + lease_ms)
  WHERE agent_id = @agentId AND session_id = @sessionId AND expires_at > @now`;

export function insertLease(store: SqliteDatabase, lease: Lease): void {
  store.prepare(INSERT).run(lease);
}

export function renewLeases(store: SqliteDatabase, agentId: string, sessionId: string, now: number): void {
  store.prepare(RENEW).run({ agentId, sessionId, now });
}

const DROP_EMPTY = `
  DELETE FROM lease WHERE agent_id = ? AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.lease_id = lease.id)`;

/** After evidence: the agent's leases that cover nothing any longer. */
export function dropEmptyLeases(store: SqliteDatabase, agentId: string): void {
  store.prepare(DROP_EMPTY).run(agentId);
}

const SENT_BY_COMPROMISED_KEY = `
  SELECT 1 FROM message m JOIN key k ON k.id = m.sender_key_id
  WHERE m.id = @messageId AND k.revoked_at IS NOT NULL AND k.revoke_reason = 'compromised'
    AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.delivery_id = @id AND h.decision = 'accepted')`;

const HOLD_DELIVERY = `UPDATE delivery SET state = 'held' WHERE id = ? AND state IN ('available', 'deferred')`;

const INSERT_HOLD = `
  INSERT INTO hold (id, delivery_id, kind, reason, created_at)
  VALUES (?, ?, 'quarantine', 'the key that sent it was revoked as compromised', ?)`;

/** available | deferred -> held. */
export function holdCompromised(store: SqliteDatabase, deliveryId: string, now: number): void {
  if (store.prepare(HOLD_DELIVERY).run(deliveryId).changes === 0) return;
  store.prepare(INSERT_HOLD).run(newId('hld', now), deliveryId, now);
}

/**
 * Ends all leases that match `where` (over the columns of `lease`): what they still cover becomes available again, or
 * `expired` where its time is over (an email: `deliveries.expire` ends it, and tells its sender), or `held` where its sender's key is compromised. Judged here and not while leased.
 * Returns how many deliveries that were.
 */
export function releaseLeases(
  store: SqliteDatabase,
  {
    where,
    values,
    now,
  }: { readonly where: string; readonly values: Readonly<Record<string, unknown>>; readonly now: number },
): number {
  const released = store
    .prepare<[object], { id: string; messageId: string; state: DeliveryState }>(
      `UPDATE delivery SET
         state = iif(expires_at <= @now AND agent_id IS NOT NULL, 'expired', 'available'),
         finalized_at = iif(expires_at <= @now AND agent_id IS NOT NULL, @now, NULL),
         available_at = @now,
         lease_id = NULL
       WHERE state = 'leased' AND lease_id IN (SELECT id FROM lease WHERE ${where})
       RETURNING id, message_id AS messageId, state`,
    )
    .all({ ...values, now });
  store.prepare(`DELETE FROM lease WHERE ${where}`).run(values);
  for (const { id, messageId, state } of released) {
    const isSuspect =
      state === 'available' && store.prepare(SENT_BY_COMPROMISED_KEY).get({ messageId, id }) !== undefined;
    if (isSuspect) holdCompromised(store, id, now);
  }
  return released.length;
}
