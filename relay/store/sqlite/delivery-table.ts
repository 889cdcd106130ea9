/** Table `delivery`, the side of agents: handed out, confirmed, given back, run out. Email deliveries: outbox-table.ts. */
import type { Delivery, DeliveryState, Evidence } from '../../types.ts';
import type { DeliveryStore, NewMail, Turn, TurnResult } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';
import { confirmDeliveries } from './delivery-arrows.ts';
import { insertMail, recipientsLive } from './insert-mail.ts';
import { releaseLeases } from './lease-table.ts';
import { DELIVERY_COLUMNS, type DeliveryRow, MESSAGE_COLUMNS, type MessageRow, SEEN, toMessage } from './rows.ts';
import { countAvailable, runTurn, turnHasWork } from './turn.ts';

const FIND = `SELECT ${DELIVERY_COLUMNS} FROM delivery d WHERE d.id = ?`;
// `+`: by message, and not by going through all that the agent ever got.
const FIND_OF_AGENT = `SELECT ${DELIVERY_COLUMNS} FROM delivery d WHERE +d.agent_id = ? AND d.message_id = ? AND ${SEEN}`;

const LEASE_OF_AGENT = `SELECT 1 FROM lease WHERE id = ? AND agent_id = ?`;

const RAN_OUT = `expires_at <= @now`;
const AGENTS_RAN_OUT = `
  SELECT DISTINCT l.agent_id AS id FROM lease l JOIN delivery d ON d.lease_id = l.id
  WHERE l.expires_at <= @now AND l.agent_id IS NOT NULL`;

/** held | available | deferred -> expired. What is leased is judged when its lease ends. */
const EXPIRE = `
  UPDATE delivery SET state = 'expired', finalized_at = @now
  WHERE expires_at <= @now AND state IN ('held', 'available', 'deferred')
  RETURNING id, message_id AS messageId, agent_id AS agentId`;

const EXPIRABLE = `
  SELECT 1 FROM delivery WHERE expires_at <= @now AND state IN ('held', 'available', 'deferred') LIMIT 1`;

const MESSAGE = `SELECT ${MESSAGE_COLUMNS} FROM message m WHERE m.id = ?`;

const OLD = `last_seen_at < @before AND NOT EXISTS (
  SELECT 1 FROM lease l WHERE l.agent_id = session.agent_id AND l.session_id = session.session_id)`;
const OLD_SESSION = `SELECT 1 FROM session WHERE ${OLD} LIMIT 1`;
const DROP_SESSIONS = `DELETE FROM session WHERE ${OLD}`;

interface Ended {
  readonly id: string;
  readonly messageId: string;
  readonly agentId: string | null;
}

const COUNT_OPEN = `SELECT state, count(*) AS n FROM delivery WHERE finalized_at IS NULL GROUP BY state`;

export class SqliteDeliveryTable implements DeliveryStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  async turn(turn: Turn): Promise<TurnResult> {
    return this.#store.write(() => runTurn(this.#store, turn));
  }

  async hasWork(turn: Turn): Promise<boolean> {
    return turnHasWork(this.#store, turn);
  }

  async countAvailable(agentId: string): Promise<number> {
    return countAvailable(this.#store, agentId);
  }

  async confirm(agentId: string, messageId: string, kind: Evidence, now: number): Promise<Delivery | undefined> {
    return this.#store.write(() => {
      confirmDeliveries(this.#store, agentId, [messageId], kind, now, { evenIfNeverGiven: true });
      return this.#store.prepare<[string, string], DeliveryRow>(FIND_OF_AGENT).get(agentId, messageId);
    });
  }

  async releaseIfHeld(agentId: string, leaseId: string, now: number): Promise<number | undefined> {
    return this.#store.write(() => {
      if (this.#store.prepare(LEASE_OF_AGENT).get(leaseId, agentId) === undefined) return undefined;
      return releaseLeases(this.#store, { where: 'id = @leaseId', values: { leaseId }, now });
    });
  }

  async rescue(now: number): Promise<readonly string[]> {
    if (this.#store.prepare('SELECT 1 FROM lease WHERE expires_at <= ? LIMIT 1').get(now) === undefined) return [];
    return this.#store.write(() => {
      const agents = this.#store.prepare<[object], { id: string }>(AGENTS_RAN_OUT).all({ now });
      releaseLeases(this.#store, { where: RAN_OUT, values: { now }, now });
      return agents.map(({ id }) => id);
    });
  }

  async expire(...[now, tell]: Parameters<DeliveryStore['expire']>): ReturnType<DeliveryStore['expire']> {
    if (this.#store.prepare(EXPIRABLE).get({ now }) === undefined) return { expired: 0, told: [] };
    return this.#store.write(() => {
      const ended = this.#store.prepare<[object], Ended>(EXPIRE).all({ now });
      const told = ended.flatMap((one) => (one.agentId === null ? this.#tell(one, tell) : []));
      for (const notice of told) insertMail(this.#store, notice);
      return { expired: ended.length, told };
    });
  }

  #tell({ id, messageId }: Ended, tell: Parameters<DeliveryStore['expire']>[1]): NewMail[] {
    const delivery = this.#store.prepare<[string], DeliveryRow>(FIND).get(id);
    const message = this.#store.prepare<[string], MessageRow>(MESSAGE).get(messageId);
    const notice = delivery && message && tell(toMessage(message), delivery);
    return notice !== undefined && recipientsLive(this.#store, notice) ? [notice] : [];
  }

  async pruneSessions(before: number): Promise<number> {
    if (this.#store.prepare(OLD_SESSION).get({ before }) === undefined) return 0;
    return this.#store.write(() => this.#store.prepare(DROP_SESSIONS).run({ before }).changes);
  }

  async find(id: string): Promise<Delivery | undefined> {
    return this.#store.prepare<[string], DeliveryRow>(FIND).get(id);
  }

  async countOpen(): Promise<ReadonlyMap<DeliveryState, number>> {
    const rows = this.#store.prepare<[], { state: DeliveryState; n: number }>(COUNT_OPEN).all();
    return new Map(rows.map(({ state, n }) => [state, n]));
  }
}
