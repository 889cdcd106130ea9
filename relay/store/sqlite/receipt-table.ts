/** Table `receipt`: answers to requests with an Idempotency-Key, stored with what they answered. */
import type { Receipt, ReceiptStore } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';

// An older receipt under the same key has run out, else the request would have been answered from it.
const UPSERT = `
  INSERT INTO receipt (scope, body_hash, status, sealed, created_at)
  VALUES (@scope, @bodyHash, @status, @sealed, @createdAt)
  ON CONFLICT (scope) DO UPDATE
    SET body_hash = @bodyHash, status = @status, sealed = @sealed, created_at = @createdAt`;

const FIND = `
  SELECT scope, body_hash AS bodyHash, status, sealed, created_at AS createdAt
  FROM receipt WHERE scope = ? AND created_at > ?`;

export function insertReceipt(store: SqliteDatabase, receipt: Receipt | undefined): void {
  if (receipt !== undefined) store.prepare(UPSERT).run(receipt);
}

export class SqliteReceiptTable implements ReceiptStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  async find(scope: string, since: number): Promise<Receipt | undefined> {
    return this.#store.prepare<[string, number], Receipt>(FIND).get(scope, since);
  }

  async prune(before: number): Promise<number> {
    if (this.#store.prepare('SELECT 1 FROM receipt WHERE created_at < ? LIMIT 1').get(before) === undefined) return 0;
    return this.#store.write(() => this.#store.prepare('DELETE FROM receipt WHERE created_at < ?').run(before).changes);
  }
}
