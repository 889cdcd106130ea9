/** Table `outbox_email` and the email side of `delivery`. An outcome counts only for the claim that produced it. */
import type { Delivery, Outcome, OutgoingEmail } from '../../types.ts';
import type { OutboxItem, OutboxStore, Page, PageRequest } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';
import { takeDelivery } from './delivery-arrows.ts';
import { insertMail, recipientsLive } from './insert-mail.ts';
import { insertLease, releaseLeases } from './lease-table.ts';
import { cursorToSeq, DELIVERY_COLUMNS, type DeliveryRow, NEWEST, toPage } from './rows.ts';
import { insertSuppression } from './suppression-table.ts';

const ITEM_COLUMNS = `${DELIVERY_COLUMNS}, d.seq, e.delivery_id AS deliveryId, e.envelope_from AS envelopeFrom,
  e.envelope_to AS envelopeTo, e.envid, e.raw`;
const FROM = `FROM delivery d JOIN outbox_email e ON e.delivery_id = d.id`;

const WAITS = `d.agent_id IS NULL AND d.state IN ('available', 'deferred')`;

const NEXT = `
  SELECT d.id ${FROM}
  WHERE ${WAITS} AND d.available_at <= @now AND (d.expires_at IS NULL OR d.expires_at > @now)
  ORDER BY d.available_at, d.seq LIMIT 1`;

const NEXT_DUE = `SELECT min(d.available_at) AS at FROM delivery d WHERE ${WAITS}`;

/** The domains that mail waits for, a step of the index for each: thousands of emails for one of them cost one step. */
const WAITING_DOMAINS = `
  WITH RECURSIVE waiting(domain) AS (
    SELECT min(d.domain) FROM delivery d WHERE ${WAITS}
    UNION ALL
    SELECT (SELECT min(d.domain) FROM delivery d WHERE ${WAITS} AND d.domain > waiting.domain)
    FROM waiting WHERE waiting.domain IS NOT NULL)`;
const ALLOWED = `waiting.domain IS NOT NULL AND waiting.domain NOT IN (SELECT value FROM json_each(@except))`;

const NEXT_EXCEPT = `${WAITING_DOMAINS}
  SELECT next.id FROM waiting JOIN delivery next ON next.id = (
    SELECT d.id FROM delivery d
    WHERE ${WAITS} AND d.domain = waiting.domain AND d.available_at <= @now
      AND (d.expires_at IS NULL OR d.expires_at > @now)
    ORDER BY d.available_at, d.seq LIMIT 1)
  WHERE ${ALLOWED} ORDER BY next.available_at, next.seq LIMIT 1`;

const NEXT_DUE_EXCEPT = `${WAITING_DOMAINS}
  SELECT min((SELECT min(d.available_at) FROM delivery d WHERE ${WAITS} AND d.domain = waiting.domain)) AS at
  FROM waiting WHERE ${ALLOWED}`;

const SENT_SINCE = `
  SELECT domain, delivered_at AS at FROM delivery WHERE evidence = 'smtp' AND delivered_at > ?
  ORDER BY delivered_at DESC LIMIT ?`;

/** leased -> delivered | deferred | bounced, by the holder of this lease only. */
const SETTLE = `
  UPDATE delivery SET state = @state, lease_id = NULL, last_error = @lastError, available_at = @availableAt,
    evidence = @evidence, delivered_at = @deliveredAt, finalized_at = @finalizedAt
  WHERE id = @id AND agent_id IS NULL AND state = 'leased' AND lease_id = @leaseId`;

const REPLACE_RAW = `UPDATE outbox_email SET raw = ? WHERE delivery_id = ?`;

const INSERT_ALIAS = 'INSERT INTO email_alias (alias, message_id) VALUES (?, ?) ON CONFLICT DO NOTHING';

const LIST = `SELECT ${ITEM_COLUMNS} ${FROM} WHERE d.seq < @before ORDER BY d.seq DESC LIMIT @limit + 1`;
const FIND = `SELECT ${ITEM_COLUMNS} ${FROM} WHERE d.id = ?`;
const BY_ENVID = `SELECT ${ITEM_COLUMNS} ${FROM} WHERE e.envid = ?`;

type ItemRow = DeliveryRow & OutgoingEmail & { readonly seq: number };

function toItem({ seq: _, deliveryId, envelopeFrom, envelopeTo, envid, raw, ...delivery }: ItemRow): OutboxItem {
  return { delivery, email: { deliveryId, envelopeFrom, envelopeTo, envid, raw } };
}

export class SqliteOutboxTable implements OutboxStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  async claimNext(
    now: number,
    leaseMs: number,
    leaseId: string,
    exceptDomains: readonly string[] = [],
  ): Promise<OutboxItem | undefined> {
    if (this.#findDue(now, exceptDomains) === undefined) return undefined;
    return this.#store.write(() => {
      const due = this.#findDue(now, exceptDomains);
      if (due === undefined) return undefined;
      insertLease(this.#store, {
        id: leaseId,
        agentId: null,
        keyId: null,
        sessionId: null,
        path: 'outbox',
        promptId: null,
        givenAt: now,
        expiresAt: now + leaseMs,
      });
      takeDelivery(this.#store, due.id, leaseId);
      const row = this.#store.prepare<[string], ItemRow>(FIND).get(due.id);
      return row && toItem(row);
    });
  }

  #findDue(now: number, exceptDomains: readonly string[]): { readonly id: string } | undefined {
    if (exceptDomains.length === 0) return this.#store.prepare<[object], { id: string }>(NEXT).get({ now });
    const values = { now, except: JSON.stringify(exceptDomains) };
    return this.#store.prepare<[object], { id: string }>(NEXT_EXCEPT).get(values);
  }

  async settleIfClaimed(...args: Parameters<OutboxStore['settleIfClaimed']>): Promise<Delivery | undefined> {
    const [item, outcome, { retryAt, now, notice, suppress, raw, alias }] = args;
    const { id, leaseId } = item.delivery;
    return this.#store.write(() => {
      const settled = this.#store
        .prepare(SETTLE)
        .run({ id, leaseId, ...settlement(item.delivery, outcome, retryAt, now) });
      this.#store.prepare(`DELETE FROM lease WHERE id = ? AND path = 'outbox'`).run(leaseId);
      if (settled.changes === 0) return undefined;
      if (raw !== undefined) this.#store.prepare(REPLACE_RAW).run(raw, id);
      if (alias !== undefined) this.#store.prepare(INSERT_ALIAS).run(alias, item.delivery.messageId);
      if (suppress !== undefined) insertSuppression(this.#store, suppress);
      if (notice !== undefined && recipientsLive(this.#store, notice)) insertMail(this.#store, notice);
      const row = this.#store.prepare<[string], ItemRow>(FIND).get(id);
      return row && toItem(row).delivery;
    });
  }

  async rescueAll(now: number): Promise<void> {
    await this.#store.write(() => releaseLeases(this.#store, { where: `path = 'outbox'`, values: {}, now }));
  }

  async nextDueAt(exceptDomains: readonly string[] = []): Promise<number | undefined> {
    const except = JSON.stringify(exceptDomains);
    const row =
      exceptDomains.length === 0
        ? this.#store.prepare<[], { at: number | null }>(NEXT_DUE).get()
        : this.#store.prepare<[object], { at: number | null }>(NEXT_DUE_EXCEPT).get({ except });
    return row?.at ?? undefined;
  }

  async sentSince(since: number, limit: number): Promise<readonly { readonly domain: string; readonly at: number }[]> {
    return this.#store
      .prepare<[number, number], { domain: string; at: number }>(SENT_SINCE)
      .all(since, limit)
      .reverse();
  }

  async list(page: PageRequest): Promise<Page<OutboxItem>> {
    const values = { before: cursorToSeq(page.cursor, NEWEST), limit: page.limit };
    return toPage(this.#store.prepare<[object], ItemRow>(LIST).all(values), page, toItem);
  }

  async findByEnvid(envid: string): Promise<OutboxItem | undefined> {
    const row = this.#store.prepare<[string], ItemRow>(BY_ENVID).get(envid);
    return row && toItem(row);
  }
}

/** The columns after an outcome; `deferred` without a next time is out of attempts. */
function settlement(delivery: Delivery, outcome: Outcome, retryAt: number | null, now: number) {
  const none = { evidence: null, deliveredAt: null, finalizedAt: null, availableAt: delivery.availableAt };
  switch (outcome.kind) {
    case 'delivered':
      return { ...none, state: 'delivered', lastError: null, evidence: 'smtp', deliveredAt: now, finalizedAt: now };
    case 'refused':
      return { ...none, state: 'bounced', lastError: outcome.reason, finalizedAt: now };
    case 'deferred':
      return retryAt === null
        ? { ...none, state: 'bounced', lastError: `gave up: ${outcome.reason}`, finalizedAt: now }
        : { ...none, state: 'deferred', lastError: outcome.reason, availableAt: retryAt };
  }
}
