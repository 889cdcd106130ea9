/** Table `enrolment`: one-use codes that let a client register an agent itself; stored as hashes. */
import type { EnrolmentRow, EnrolmentStore, Receipt } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';
import { insertReceipt } from './receipt-table.ts';

const INSERT = `
  INSERT INTO enrolment (hash, name, created_at, expires_at, mcp_access)
  VALUES (@hash, @name, @createdAt, @expiresAt, @mcpAccess)`;

const FIND = `
  SELECT hash, name, created_at AS createdAt, expires_at AS expiresAt, used_at AS usedAt, mcp_access AS mcpAccess
  FROM enrolment WHERE hash = ?`;

export class SqliteEnrolmentTable implements EnrolmentStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  async create(enrolment: EnrolmentRow, receipt?: Receipt): Promise<void> {
    await this.#store.write(() => {
      const { usedAt: _, ...row } = enrolment;
      this.#store.prepare(INSERT).run({ ...row, mcpAccess: row.mcpAccess ? 1 : 0 });
      insertReceipt(this.#store, receipt);
    });
  }

  async find(hash: string): Promise<EnrolmentRow | undefined> {
    type Row = Omit<EnrolmentRow, 'mcpAccess'> & { readonly mcpAccess: number };
    const row = this.#store.prepare<[string], Row>(FIND).get(hash);
    return row && { ...row, mcpAccess: row.mcpAccess === 1 };
  }
}
