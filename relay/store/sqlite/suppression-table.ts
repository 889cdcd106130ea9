/** Tables `suppression` (addresses that get no email from here) and `auto_answer` (whom a machine of ours answered today). */
import type { Suppression, SuppressionReason } from '../../types.ts';
import type { AutoAnswerStore, Page, PageRequest, SuppressionStore } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';
import { cursorToSeq, NEWEST, toPage } from './rows.ts';

const COLUMNS = `address, nullif(agent_id, '') AS agentId, reason, code, source, created_at AS createdAt,
  expires_at AS expiresAt`;

// One that has ended makes room for its successor.
const ADD = `
  INSERT INTO suppression (address, agent_id, reason, code, source, created_at, expires_at)
  VALUES (@address, coalesce(@agentId, ''), @reason, @code, @source, @createdAt, @expiresAt)
  ON CONFLICT (address, agent_id, reason) DO UPDATE
    SET code = @code, source = @source, created_at = @createdAt, expires_at = @expiresAt
    WHERE suppression.expires_at <= @createdAt`;

// What a person said goes before what a server said.
const FIND = `
  SELECT ${COLUMNS} FROM suppression
  WHERE address = @address AND agent_id IN ('', coalesce(@agentId, '')) AND (expires_at IS NULL OR expires_at > @now)
  ORDER BY reason = 'bounce', seq LIMIT 1`;

const REMOVE = 'DELETE FROM suppression WHERE address = @address AND reason = coalesce(@reason, reason)';
const LIST = `SELECT seq, ${COLUMNS} FROM suppression WHERE seq < @before ORDER BY seq DESC LIMIT @limit + 1`;
const PRUNE = 'DELETE FROM suppression WHERE expires_at <= ?';

/** Inside a transaction. False where it is known already. */
export function insertSuppression(store: SqliteDatabase, suppression: Suppression): boolean {
  return store.prepare(ADD).run({ ...suppression, address: suppression.address.toLowerCase() }).changes > 0;
}

/** Inside a transaction: `bounce` ones of all agents end, since that address has shown that it lives. */
export function liftBounces(store: SqliteDatabase, address: string): void {
  store.prepare(REMOVE).run({ address: address.toLowerCase(), reason: 'bounce' });
}

export class SqliteSuppressionTable implements SuppressionStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  async add(suppression: Suppression): Promise<boolean> {
    return this.#store.write(() => insertSuppression(this.#store, suppression));
  }

  async find(address: string, agentId: string | null, now: number): Promise<Suppression | undefined> {
    const values = { address: address.toLowerCase(), agentId, now };
    return this.#store.prepare<[object], Suppression>(FIND).get(values);
  }

  async remove(address: string, reason?: SuppressionReason): Promise<number> {
    const values = { address: address.toLowerCase(), reason: reason ?? null };
    return this.#store.write(() => this.#store.prepare(REMOVE).run(values).changes);
  }

  async list(page: PageRequest): Promise<Page<Suppression>> {
    const values = { before: cursorToSeq(page.cursor, NEWEST), limit: page.limit };
    const rows = this.#store.prepare<[object], Suppression & { readonly seq: number }>(LIST).all(values);
    return toPage(rows, page, ({ seq: _, ...suppression }) => suppression);
  }

  async prune(now: number): Promise<number> {
    if (this.#store.prepare('SELECT 1 FROM suppression WHERE expires_at <= ? LIMIT 1').get(now) === undefined) return 0;
    return this.#store.write(() => this.#store.prepare(PRUNE).run(now).changes);
  }
}

const CLAIM = 'INSERT INTO auto_answer (day, address) VALUES (@day, @address) ON CONFLICT DO NOTHING';

export class SqliteAutoAnswerTable implements AutoAnswerStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  async claim(address: string, day: string): Promise<boolean> {
    const values = { address: address.toLowerCase(), day };
    return this.#store.write(() => this.#store.prepare(CLAIM).run(values).changes > 0);
  }

  async prune(day: string): Promise<number> {
    if (this.#store.prepare('SELECT 1 FROM auto_answer WHERE day < ? LIMIT 1').get(day) === undefined) return 0;
    return this.#store.write(() => this.#store.prepare('DELETE FROM auto_answer WHERE day < ?').run(day).changes);
  }
}
