/**
 * Table `lease`: who holds what until when. A lease ends by evidence for all it covers, by release, or by running out;
 * its row goes then, since late evidence needs only the delivery.
 */
import type { Lease } from '../../types.ts';
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

/**
 * Ends all leases that match `where` (over the columns of `lease`): what they still cover becomes available again, or
 * `expired` where its time is over. Expiry is judged here and not while leased. Returns how many deliveries that were.
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
    .prepare(
      `UPDATE delivery SET
         state = iif(expires_at <= @now, 'expired', 'available'),
         finalized_at = iif(expires_at <= @now, @now, NULL),
         available_at = @now,
         lease_id = NULL
       WHERE state = 'leased' AND lease_id IN (SELECT id FROM lease WHERE ${where})`,
    )
    .run({ ...values, now });
  store.prepare(`DELETE FROM lease WHERE ${where}`).run(values);
  return released.changes;
}
