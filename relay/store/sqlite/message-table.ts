/** Table `message` and what is read together with it. Reading changes nothing. */
import type { AttachmentContent, Delivery, Message } from '../../types.ts';
import type {
  Allowance,
  Intake,
  MessageFilter,
  MessageStore,
  NewMail,
  Overdrawn,
  Page,
  PageRequest,
  ReceivedEmail,
  SeenMessage,
  ThreadSummary,
} from '../stores.ts';
import { COUNT_TURNS, overdrawnBy } from './allowance.ts';
import type { SqliteDatabase } from './database.ts';
import { bounceDelivery } from './delivery-arrows.ts';
import { insertInboxMail } from './insert-inbox-mail.ts';
import { insertMail } from './insert-mail.ts';
import { moveCursor } from './mailbox-table.ts';
import {
  cursorToSeq,
  DELIVERY_COLUMNS,
  type DeliveryRow,
  MESSAGE_COLUMNS,
  type MessageRow,
  NEWEST,
  SEEN,
  toMessage,
  toPage,
} from './rows.ts';
import { insertSuppression, liftBounces } from './suppression-table.ts';

const FIND = `SELECT ${MESSAGE_COLUMNS} FROM message m WHERE m.id = ?`;

/** `+`: by message, not through all that the agent ever got. */
const DELIVERY_TO = `
  SELECT ${DELIVERY_COLUMNS} FROM delivery d WHERE d.message_id = ? AND +d.agent_id = ? AND ${SEEN}`;
const DELIVERIES_OF = `SELECT ${DELIVERY_COLUMNS} FROM delivery d WHERE d.message_id = ? ORDER BY d.seq`;

const MINE = {
  inbound: `EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = m.id AND +d.agent_id = @agentId AND ${SEEN}
    AND (@state IS NULL OR d.state = @state))`,
  outbound: `(m.sender_agent_id = @agentId AND (@state IS NULL OR EXISTS (
    SELECT 1 FROM delivery d WHERE d.message_id = m.id AND d.state = @state)))`,
} as const;

/** Driven from the side that has an index: an agent's own deliveries, its own messages, or both. */
const SEQS = {
  inbound: `SELECT m.seq FROM delivery d JOIN message m ON m.id = d.message_id
    WHERE d.agent_id = @agentId AND ${SEEN} AND (@state IS NULL OR d.state = @state)`,
  outbound: `SELECT m.seq FROM message m WHERE ${MINE.outbound}`,
} as const;

const FILTER = `m.seq < @before AND (@threadId IS NULL OR m.thread_id = @threadId)
  AND (@since IS NULL OR m.created_at >= @since)`;

function listSql(direction: MessageFilter['direction']): string {
  const parts = direction === 'all' ? [SEQS.inbound, SEQS.outbound] : [SEQS[direction]];
  const seqs = parts
    .map((part) => `SELECT seq FROM (${part} AND ${FILTER} ORDER BY m.seq DESC LIMIT @limit + 1)`)
    .join(' UNION ');
  return `SELECT m.seq, ${MESSAGE_COLUMNS} FROM message m WHERE m.seq IN (${seqs}) ORDER BY m.seq DESC LIMIT @limit + 1`;
}

const THREAD = `
  SELECT ${MESSAGE_COLUMNS} FROM message m
  WHERE m.thread_id = @threadId AND (m.sender_agent_id = @agentId OR ${MINE.inbound}) ORDER BY m.seq`;

/** The subject is that of the first message this agent may see. */
const THREADS = `
  SELECT t.id, t.seq, t.messageCount, t.lastMessageAt, t.participants, f.subject
  FROM (SELECT m.thread_id AS id, min(m.seq) AS firstSeq, max(m.seq) AS seq, count(*) AS messageCount,
    max(m.created_at) AS lastMessageAt, json_group_array(DISTINCT m.from_address) AS participants
  FROM message m
  WHERE m.sender_agent_id = @agentId OR ${MINE.inbound.replace('AND (@state IS NULL OR d.state = @state)', '')}
  GROUP BY m.thread_id HAVING max(m.seq) < @before ORDER BY max(m.seq) DESC LIMIT @limit + 1) t
  JOIN message f ON f.seq = t.firstSeq ORDER BY t.seq DESC`;

const ATTACHMENT = `
  SELECT a.idx AS "index", a.filename, a.content_type AS contentType, a.size, a.sha256, b.content
  FROM attachment a JOIN blob b ON b.sha256 = a.sha256 WHERE a.message_id = ? AND a.idx = ?`;

const BY_EMAIL_ID = `
  SELECT ${MESSAGE_COLUMNS} FROM message m WHERE m.id IN (
    SELECT id FROM message WHERE email_message_id IN (SELECT value FROM json_each(@ids))
    UNION SELECT message_id FROM email_alias WHERE alias IN (SELECT value FROM json_each(@ids)))
  ORDER BY m.sender_agent_id IS NULL, m.seq DESC LIMIT 1`;

const EMAIL_IDS = `
  SELECT m.email_message_id AS id FROM message m
  WHERE m.thread_id = ? AND m.email_message_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = m.id AND NOT ${SEEN}) ORDER BY m.seq`;

const EMAIL_HEAD = `
  SELECT substr(e.raw, 1, 65536) AS head FROM intake i JOIN received_email e ON e.id = i.email_id
  WHERE i.message_id = ? AND e.raw IS NOT NULL`;

// The plus keeps SQLite from going through all that the agent ever sent.
const HAS_WRITTEN = `
  SELECT 1 FROM message m JOIN delivery d ON d.message_id = m.id
  WHERE m.thread_id = @threadId AND +m.sender_agent_id = @agentId AND d.address = @address AND +d.agent_id IS NULL
    AND d.state NOT IN ('held', 'cancelled') LIMIT 1`;

const INSERT_RECEIVED = `
  INSERT INTO received_email (id, source, raw, received_at) VALUES (@id, @source, @raw, @receivedAt)`;
const INTAKE_KNOWN = `SELECT 1 FROM intake WHERE dedupe_key = ?`;
const INSERT_INTAKE = `INSERT INTO intake (dedupe_key, email_id, message_id) VALUES (?, ?, ?)`;

export class SqliteMessageTable implements MessageStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  async accept(mail: NewMail): Promise<void> {
    await this.#store.write(() => insertMail(this.#store, mail));
  }

  async acceptIfWithin(mail: NewMail, allowance: Allowance): Promise<Overdrawn | undefined> {
    return this.#store.write(() => {
      const overdrawn = overdrawnBy(this.#store, mail, allowance);
      if (overdrawn === undefined) insertMail(this.#store, mail);
      return overdrawn;
    });
  }

  async receive(email: ReceivedEmail, intakes: readonly Intake[]): Promise<readonly Intake[]> {
    const { cursor, ...row } = email;
    return this.#store.write(() => {
      if (cursor !== null) moveCursor(this.#store, cursor);
      const first = new Map(intakes.map((intake) => [intake.dedupeKey, intake]));
      const fresh = [...first.values()].filter(
        ({ dedupeKey, provenKey }) => !this.#isKnown(dedupeKey) && !(provenKey && this.#isKnown(provenKey)),
      );
      if (fresh.length > 0) this.#store.prepare(INSERT_RECEIVED).run(row);
      return fresh.map((intake) => this.#takeIn(email, intake));
    });
  }

  #isKnown(dedupeKey: string): boolean {
    return this.#store.prepare(INTAKE_KNOWN).get(dedupeKey) !== undefined;
  }

  #takeIn({ id, receivedAt }: ReceivedEmail, intake: Intake): Intake {
    const { dedupeKey, bounced, suppress, lifts } = intake;
    if (suppress !== undefined) insertSuppression(this.#store, suppress);
    if (lifts !== undefined) liftBounces(this.#store, lifts);
    const isNews = bounced === undefined || bounceDelivery(this.#store, bounced, receivedAt);
    const mail = isNews ? intake.mail : null;
    if (mail !== null) insertMail(this.#store, mail);
    if (intake.inboxMail !== undefined) insertInboxMail(this.#store, id, intake.inboxMail);
    this.#store.prepare(INSERT_INTAKE).run(dedupeKey, id, mail?.message.id ?? null);
    return isNews ? intake : { ...intake, mail };
  }

  async find(id: string): Promise<Message | undefined> {
    const row = this.#store.prepare<[string], MessageRow>(FIND).get(id);
    return row && toMessage(row);
  }

  async findSeen(agentId: string, messageId: string): Promise<SeenMessage | undefined> {
    const message = await this.find(messageId);
    if (message === undefined) return undefined;
    const seen = this.#see(agentId, message);
    return seen.delivery === null && seen.deliveries === null ? undefined : seen;
  }

  async list(agentId: string, filter: MessageFilter, page: PageRequest): Promise<Page<SeenMessage>> {
    const rows = this.#store.prepare<[object], MessageRow & { seq: number }>(listSql(filter.direction)).all({
      agentId,
      state: filter.state ?? null,
      threadId: filter.threadId ?? null,
      since: filter.since ?? null,
      before: cursorToSeq(page.cursor, NEWEST),
      limit: page.limit,
    });
    return toPage(rows, page, ({ seq: _, ...row }) => this.#see(agentId, toMessage(row)));
  }

  async threads(agentId: string, page: PageRequest): Promise<Page<ThreadSummary>> {
    type Row = Omit<ThreadSummary, 'participants'> & { readonly seq: number; readonly participants: string };
    const values = { agentId, before: cursorToSeq(page.cursor, NEWEST), limit: page.limit };
    const rows = this.#store.prepare<[object], Row>(THREADS).all(values);
    return toPage(rows, page, ({ seq: _, participants, ...row }) => ({
      ...row,
      participants: JSON.parse(participants),
    }));
  }

  async thread(agentId: string, threadId: string): Promise<readonly SeenMessage[]> {
    const rows = this.#store.prepare<[object], MessageRow>(THREAD).all({ agentId, threadId, state: null });
    return rows.map((row) => this.#see(agentId, toMessage(row)));
  }

  async attachment(messageId: string, index: number): Promise<AttachmentContent | undefined> {
    return this.#store.prepare<[string, number], AttachmentContent>(ATTACHMENT).get(messageId, index);
  }

  async findByEmailMessageId(ids: readonly string[]): Promise<Message | undefined> {
    const row = this.#store.prepare<[object], MessageRow>(BY_EMAIL_ID).get({ ids: JSON.stringify(ids) });
    return row && toMessage(row);
  }

  async emailMessageIds(threadId: string): Promise<readonly string[]> {
    return this.#store
      .prepare<[string], { id: string }>(EMAIL_IDS)
      .all(threadId)
      .map(({ id }) => id);
  }

  async emailHead(messageId: string): Promise<Buffer | undefined> {
    return this.#store.prepare<[string], { head: Buffer }>(EMAIL_HEAD).get(messageId)?.head;
  }

  async hasWrittenTo(sent: { agentId: string; threadId: string; address: string }): Promise<boolean> {
    return this.#store.prepare<[object]>(HAS_WRITTEN).get(sent) !== undefined;
  }

  async countAgentTurns(threadId: string, since: number): Promise<number> {
    return this.#store.prepare<[string, number], { n: number }>(COUNT_TURNS).get(threadId, since)?.n ?? 0;
  }

  #see(agentId: string, message: Message): SeenMessage {
    const mine = message.senderAgentId === agentId;
    return {
      message,
      delivery: this.#store.prepare<[string, string], DeliveryRow>(DELIVERY_TO).get(message.id, agentId) ?? null,
      deliveries: mine ? this.#store.prepare<[string], Delivery>(DELIVERIES_OF).all(message.id) : null,
    };
  }
}
