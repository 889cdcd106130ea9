/** Table `dkim_key`: what signs outgoing mail. In the database, so that one backup holds all. */
import type { DkimKeyRow, DkimKeyStore } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';

const LIST = `
  SELECT selector, algorithm, private_pem AS privatePem, created_at AS createdAt, used_from AS usedFrom,
    retired_at AS retiredAt
  FROM dkim_key ORDER BY seq`;
const TAKEN = `SELECT 1 FROM dkim_key WHERE selector = ?`;
const INSERT = `
  INSERT INTO dkim_key (selector, algorithm, private_pem, created_at, used_from, retired_at)
  VALUES (@selector, @algorithm, @privatePem, @createdAt, @usedFrom, @retiredAt)`;
const ANY_WAITS = `SELECT 1 FROM dkim_key WHERE used_from IS NULL`;
const RETIRE = `UPDATE dkim_key SET retired_at = @now WHERE used_from IS NOT NULL AND retired_at IS NULL`;
const USE = `UPDATE dkim_key SET used_from = @now WHERE used_from IS NULL`;

export class SqliteDkimKeyTable implements DkimKeyStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  async list(): Promise<readonly DkimKeyRow[]> {
    return this.#store.prepare<[], DkimKeyRow>(LIST).all();
  }

  async addIfNew(keys: readonly DkimKeyRow[]): Promise<boolean> {
    return this.#store.write(() => {
      if (keys.some(({ selector }) => this.#store.prepare(TAKEN).get(selector) !== undefined)) return false;
      for (const key of keys) this.#store.prepare(INSERT).run(key);
      return true;
    });
  }

  async switchIfWaiting(now: number): Promise<boolean> {
    return this.#store.write(() => {
      if (this.#store.prepare(ANY_WAITS).get() === undefined) return false;
      this.#store.prepare(RETIRE).run({ now });
      this.#store.prepare(USE).run({ now });
      return true;
    });
  }
}
