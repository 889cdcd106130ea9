/** Table `reply_route`: what the reply tokens stand for. */
import type { ReplyRoute } from '../../types.ts';
import type { RouteStore } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';

const COLUMNS = `id, agent_id AS agentId, thread_id AS threadId, message_id AS messageId, delivery_id AS deliveryId,
  address, created_at AS createdAt`;

export class SqliteRouteTable implements RouteStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  async find(id: string): Promise<ReplyRoute | undefined> {
    return this.#store.prepare<[string], ReplyRoute>(`SELECT ${COLUMNS} FROM reply_route WHERE id = ?`).get(id);
  }
}
