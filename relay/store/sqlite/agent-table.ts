/** Table `agent`: who is registered. A name stays taken after its agent has ended. */
import { RelayError } from '../../errors.ts';
import type { Agent } from '../../types.ts';
import type { AgentChanges, AgentFilter, AgentStore, Page, PageRequest } from '../stores.ts';
import type { SqliteDatabase, Statement } from './database.ts';
import { insertKey } from './key-table.ts';
import { insertReceipt } from './receipt-table.ts';
import { AGENT_COLUMNS, type AgentRow, cursorToSeq, toAgent, toPage } from './rows.ts';

const INSERT = `
  INSERT INTO agent (id, name, display_name, description, capabilities, owner, host, program, model, created_at, updated_at)
  VALUES (@id, @name, @displayName, @description, @capabilities, @owner, @host, @program, @model, @createdAt, @updatedAt)
  ON CONFLICT (name) DO NOTHING`;

const WAS_INBOX = `SELECT 1 FROM disposable_inbox WHERE name = ?`;

const USE_ENROLMENT = `UPDATE enrolment SET used_at = @now WHERE hash = @hash AND used_at IS NULL AND expires_at > @now`;

const LIST = `
  SELECT seq, ${AGENT_COLUMNS} FROM agent
  WHERE deleted_at IS NULL AND seq > @after
    AND (@query IS NULL OR instr(lower(name || ' ' || coalesce(display_name, '') || ' ' || coalesce(description, '')), @query) > 0)
    AND (@capability IS NULL OR EXISTS (SELECT 1 FROM json_each(capabilities) WHERE value = @capability))
  ORDER BY seq LIMIT @limit + 1`;

const PATCH = `
  UPDATE agent SET display_name = @displayName, description = @description, capabilities = @capabilities, owner = @owner,
    host = @host, program = @program, model = @model, updated_at = @now
  WHERE id = @id AND deleted_at IS NULL`;

/** Everything that ends with an agent, in order: its keys, its leases, what was still to be handed to it. */
const END = [
  `UPDATE agent SET deleted_at = @now, updated_at = @now WHERE id = @id AND deleted_at IS NULL`,
  `UPDATE key SET revoked_at = @now, revoke_reason = 'agent deleted' WHERE agent_id = @id AND revoked_at IS NULL`,
  `UPDATE delivery SET state = 'cancelled', lease_id = NULL, finalized_at = @now, last_error = 'the agent was deleted'
   WHERE agent_id = @id AND state IN ('held', 'available', 'leased')`,
  `DELETE FROM lease WHERE agent_id = @id`,
  `UPDATE session SET ended_at = @now WHERE agent_id = @id AND ended_at IS NULL`,
] as const;

export class SqliteAgentTable implements AgentStore {
  readonly #store: SqliteDatabase;
  readonly #find: Statement<[string], AgentRow>;
  readonly #findByName: Statement<[string], AgentRow>;

  constructor(store: SqliteDatabase) {
    this.#store = store;
    this.#find = store.prepare<[string], AgentRow>(`SELECT ${AGENT_COLUMNS} FROM agent WHERE id = ?`);
    this.#findByName = store.prepare<[string], AgentRow>(`SELECT ${AGENT_COLUMNS} FROM agent WHERE name = ?`);
  }

  async register(input: Parameters<AgentStore['register']>[0]): Promise<void> {
    const { agent, key, enrolmentHash, receipt } = input;
    await this.#store.write(() => {
      if (enrolmentHash !== undefined) {
        const used = this.#store.prepare(USE_ENROLMENT).run({ hash: enrolmentHash, now: agent.createdAt });
        if (used.changes === 0)
          throw new RelayError('expired', {
            message: 'This enrolment code was used or has run out. Ask for a new one.',
          });
      }
      if (this.#store.prepare(WAS_INBOX).get(agent.name) !== undefined) throw new RelayError('name_taken');
      const added = this.#store.prepare(INSERT).run({ ...agent, capabilities: JSON.stringify(agent.capabilities) });
      if (added.changes === 0) throw new RelayError('name_taken');
      insertKey(this.#store, key);
      insertReceipt(this.#store, receipt);
    });
  }

  async findByName(name: string): Promise<Agent | undefined> {
    return this.#read(this.#findByName, name);
  }

  async find(id: string): Promise<Agent | undefined> {
    return this.#read(this.#find, id);
  }

  #read(statement: Statement<[string], AgentRow>, value: string): Agent | undefined {
    const row = statement.get(value);
    return row && toAgent(row);
  }

  async list(filter: AgentFilter, page: PageRequest): Promise<Page<Agent>> {
    const rows = this.#store.prepare<[object], AgentRow & { seq: number }>(LIST).all({
      query: filter.query?.toLowerCase() ?? null,
      capability: filter.capability ?? null,
      after: cursorToSeq(page.cursor, 0),
      limit: page.limit,
    });
    return toPage(rows, page, ({ seq: _, ...row }) => toAgent(row));
  }

  async patch(id: string, changes: AgentChanges, now: number): Promise<Agent | undefined> {
    return this.#store.write(() => {
      const before = this.#read(this.#find, id);
      if (before === undefined || before.deletedAt !== null) return undefined;
      const after = { ...before, ...changes };
      this.#store.prepare(PATCH).run({ ...after, capabilities: JSON.stringify(after.capabilities), now });
      return { ...after, updatedAt: now };
    });
  }

  async end(id: string, now: number): Promise<boolean> {
    return this.#store.write(() => {
      const [first, ...rest] = END;
      if (this.#store.prepare(first).run({ id, now }).changes === 0) return false;
      for (const sql of rest) this.#store.prepare(sql).run({ id, now });
      return true;
    });
  }
}
