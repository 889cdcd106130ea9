/** Table `hold`: deliveries that wait for a person's decision, with the reason. */
import type { Hold } from '../../types.ts';
import type { HeldDelivery, HoldStore, Page, PageRequest } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';
import {
  cursorToSeq,
  DELIVERY_COLUMNS,
  type DeliveryRow,
  HOLD_COLUMNS,
  type HoldRow,
  MESSAGE_COLUMNS,
  type MessageRow,
  NEWEST,
  toMessage,
  toPage,
} from './rows.ts';

const LIST = `
  SELECT h.seq, ${HOLD_COLUMNS} FROM hold h JOIN delivery d ON d.id = h.delivery_id
  WHERE h.decided_at IS NULL AND d.state = 'held' AND h.seq < @before ORDER BY h.seq DESC LIMIT @limit + 1`;
const FIND = `SELECT ${HOLD_COLUMNS} FROM hold h WHERE h.id = ?`;
const DELIVERY = `SELECT ${DELIVERY_COLUMNS} FROM delivery d WHERE d.id = ?`;
const MESSAGE = `SELECT ${MESSAGE_COLUMNS} FROM message m WHERE m.id = ?`;

const COUNT_APPROVALS = `
  SELECT count(*) AS n FROM hold h JOIN delivery d ON d.id = h.delivery_id JOIN message m ON m.id = d.message_id
  WHERE m.thread_id = ? AND h.decided_at IS NULL AND h.kind = 'approval' AND d.state = 'held'`;

// By what is open, not by all that ever went to that address: CROSS keeps the order.
const COUNT_APPROVALS_TO = `
  SELECT count(*) AS n FROM hold h CROSS JOIN delivery d ON d.id = h.delivery_id JOIN message m ON m.id = d.message_id
  WHERE m.sender_agent_id = @agentId AND d.address = @address AND d.agent_id IS NULL
    AND h.decided_at IS NULL AND h.kind = 'approval' AND d.state = 'held'`;

const DECIDE = `
  UPDATE hold SET decided_at = @now, decision = @decision
  WHERE id = @id AND decided_at IS NULL AND (SELECT state FROM delivery WHERE id = hold.delivery_id) = 'held'`;

/** held -> available. Whom a person let in is known from then on. */
const ACCEPT = `
  UPDATE delivery SET state = 'available', available_at = @now, trust = iif(trust = 'unknown', 'known', trust)
  WHERE id = @deliveryId AND state = 'held'`;
/** held -> cancelled. */
const DROP = `
  UPDATE delivery SET state = 'cancelled', finalized_at = @now, last_error = 'dropped by a person'
  WHERE id = @deliveryId AND state = 'held'`;

export class SqliteHoldTable implements HoldStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  async list(page: PageRequest): Promise<Page<HeldDelivery>> {
    const values = { before: cursorToSeq(page.cursor, NEWEST), limit: page.limit };
    const rows = this.#store.prepare<[object], HoldRow & { seq: number }>(LIST).all(values);
    return toPage(rows, page, ({ seq: _, ...hold }) => this.#complete(hold));
  }

  async find(id: string): Promise<HeldDelivery | undefined> {
    return this.#get(id);
  }

  async countOpenApprovals(threadId: string): Promise<number> {
    return this.#store.prepare<[string], { n: number }>(COUNT_APPROVALS).get(threadId)?.n ?? 0;
  }

  async countOpenApprovalsTo(agentId: string, address: string): Promise<number> {
    return this.#store.prepare<[object], { n: number }>(COUNT_APPROVALS_TO).get({ agentId, address })?.n ?? 0;
  }

  async decideIfOpen(id: string, decision: 'accepted' | 'dropped', now: number): Promise<HeldDelivery | undefined> {
    return this.#store.write(() => {
      if (this.#store.prepare(DECIDE).run({ id, decision, now }).changes === 0) return undefined;
      const { deliveryId } = this.#store.prepare<[string], HoldRow>(FIND).get(id) ?? {};
      this.#store.prepare(decision === 'accepted' ? ACCEPT : DROP).run({ deliveryId, now });
      return this.#get(id);
    });
  }

  #get(id: string): HeldDelivery | undefined {
    const hold = this.#store.prepare<[string], HoldRow>(FIND).get(id);
    return hold && this.#complete(hold);
  }

  /** A hold's delivery and message exist by foreign key. */
  #complete(hold: Hold): HeldDelivery {
    const delivery = this.#store.prepare<[string], DeliveryRow>(DELIVERY).get(hold.deliveryId);
    const message = delivery && this.#store.prepare<[string], MessageRow>(MESSAGE).get(delivery.messageId);
    if (delivery === undefined || message === undefined) throw new Error(`hold ${hold.id} has lost its delivery`);
    return { hold, delivery, message: toMessage(message) };
  }
}
