/** Table `enrolment`: one-use codes that let a client register an agent itself; stored as hashes. */
import type { EnrolmentRow, EnrolmentStore, Receipt } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';
import { insertReceipt } from './receipt-table.ts';

const INSERT = `INSERT INTO enrolment (hash, name, created_at, expires_at) VALUES (@hash, @name, @createdAt, @expiresAt)`;

const FIND = `
  SELECT hash, name, created_at AS createdAt, expires_at AS expiresAt, used_at AS usedAt FROM enrolment WHERE hash = ?`;

export class SqliteEnrolmentTable implements EnrolmentStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  async create(enrolment: EnrolmentRow, receipt?: Receipt): Promise<void> {
    await this.#store.write(() => {
      const { usedAt: _, ...row } = enrolment;
      this.#store.prepare(INSERT).run(row);
      insertReceipt(this.#store, receipt);
    });
  }

  async find(hash: string): Promise<EnrolmentRow | undefined> {
    return this.#store.prepare<[string], EnrolmentRow>(FIND).get(hash);
  }
}
