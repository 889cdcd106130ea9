/** Table `key`: credentials, as hashes. A revoked key's leases end in the same transaction. */
import type { Key } from '../../types.ts';
import type { KeyStore, Receipt } from '../stores.ts';
import type { SqliteDatabase, Statement } from './database.ts';
import { holdCompromised, releaseLeases } from './lease-table.ts';
import { insertReceipt } from './receipt-table.ts';
import { KEY_COLUMNS, type KeyRow, toKey } from './rows.ts';

const INSERT = `
  INSERT INTO key (id, agent_id, scope, hash, label, created_at, expires_at, line, mcp_access)
  VALUES (@id, @agentId, @scope, @hash, @label, @createdAt, @expiresAt, @line, @mcpAccess)`;

const LIVE = `revoked_at IS NULL AND (expires_at IS NULL OR expires_at > @now)`;

const SHORTEN = `
  UPDATE key SET expires_at = min(coalesce(expires_at, @until), @until) WHERE id = @id AND ${LIVE}`;

const REPLACE = `
  UPDATE key SET revoked_at = @now, revoke_reason = 'replaced in the settings'
  WHERE agent_id IS NULL AND label = @label AND id <> @id AND revoked_at IS NULL`;

const REVOKE = `UPDATE key SET revoked_at = @now, revoke_reason = @reason WHERE id = @id AND ${LIVE}`;

const REVOKE_COMPROMISED = `
  UPDATE key SET revoked_at = coalesce(revoked_at, @now), revoke_reason = @reason
  WHERE id = @id AND revoke_reason IS NOT @reason`;

const UNTAKEN_OF_KEY = `
  SELECT d.id FROM delivery d JOIN message m ON m.id = d.message_id
  WHERE d.state IN ('available', 'deferred') AND m.sender_key_id = ?`;

export function insertKey(store: SqliteDatabase, key: Key): void {
  store.prepare(INSERT).run({ ...key, mcpAccess: key.mcpAccess ? 1 : 0 });
}

export class SqliteKeyTable implements KeyStore {
  readonly #store: SqliteDatabase;
  readonly #findByHash: Statement<[string], KeyRow>;

  constructor(store: SqliteDatabase) {
    this.#store = store;
    this.#findByHash = store.prepare<[string], KeyRow>(`SELECT ${KEY_COLUMNS} FROM key WHERE hash = ?`);
  }

  async issue(key: Key, receipt?: Receipt): Promise<void> {
    await this.#store.write(() => {
      insertKey(this.#store, key);
      insertReceipt(this.#store, receipt);
    });
  }

  async replaceConfigured(key: Key, now: number): Promise<void> {
    await this.#store.write(() => {
      if (this.#findByHash.get(key.hash) === undefined) insertKey(this.#store, key);
      this.#store.prepare(REPLACE).run({ id: key.id, label: key.label, now });
    });
  }

  async findByHash(hash: string): Promise<Key | undefined> {
    const row = this.#findByHash.get(hash);
    return row && toKey(row);
  }

  async find(id: string): Promise<Key | undefined> {
    const row = this.#store.prepare<[string], KeyRow>(`SELECT ${KEY_COLUMNS} FROM key WHERE id = ?`).get(id);
    return row && toKey(row);
  }

  async rotateIfLive(id: string, next: Key, oldExpiresAt: number, receipt?: Receipt): Promise<boolean> {
    return this.#store.write(() => {
      const old = this.#store.prepare(SHORTEN).run({ id, until: oldExpiresAt, now: next.createdAt });
      if (old.changes === 0) return false;
      insertKey(this.#store, next);
      insertReceipt(this.#store, receipt);
      return true;
    });
  }

  async revokeIfLive(id: string, now: number, reason: string | null): Promise<{ readonly held: number } | undefined> {
    return this.#store.write(() => {
      // A theft is often learned of when the key is dead already: what it sent counts all the same.
      const sql = reason === 'compromised' ? REVOKE_COMPROMISED : REVOKE;
      if (this.#store.prepare(sql).run({ id, now, reason }).changes === 0) return undefined;
      releaseLeases(this.#store, { where: 'key_id = @key', values: { key: id }, now });
      return { held: reason === 'compromised' ? this.#holdUntaken(id, now) : 0 };
    });
  }

  #holdUntaken(keyId: string, now: number): number {
    const deliveries = this.#store.prepare<[string], { id: string }>(UNTAKEN_OF_KEY).all(keyId);
    for (const { id } of deliveries) holdCompromised(this.#store, id, now);
    return deliveries.length;
  }
}
