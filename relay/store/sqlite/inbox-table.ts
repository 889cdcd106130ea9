/** Tables `disposable_inbox`, `inbox_mail`, `inbox_attachment`. A name stays taken when all else is gone. */
import type { CountedInbox, DisposableInbox, InboxMail, ListedInboxMail } from '../../disposable-inbox.ts';
import type { AttachmentContent } from '../../types.ts';
import type { InboxCreation, InboxMailFilter, InboxReader, InboxStore, NewInboxMails } from '../inbox-store.ts';
import type { Page, PageRequest, Receipt } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';
import {
  INBOX_COLUMNS,
  type InboxRow,
  LISTED_COLUMNS,
  type ListedRow,
  MAIL_COLUMNS,
  type MailRow,
  TAKES_MAIL,
  toInboxMail,
  toListedMail,
} from './inbox-columns.ts';
import { pruneInboxes } from './prune-inboxes.ts';
import { insertReceipt } from './receipt-table.ts';
import { cursorToSeq, NEWEST, seqToCursor, toPage } from './rows.ts';

const HOUR_MS = 3_600_000;

const NAME_TAKEN = `
  SELECT 1 FROM agent WHERE name = @name UNION ALL SELECT 1 FROM disposable_inbox WHERE name = @name LIMIT 1`;

/** Of the newest so many that count, the oldest decides when there is room again. */
const NTH_LIVE = `
  SELECT expires_at AS until FROM disposable_inbox
  WHERE quota_key = @quotaKey AND deleted_at IS NULL AND expires_at > @now
  ORDER BY expires_at DESC LIMIT 1 OFFSET @limit - 1`;
const NTH_MADE = `
  SELECT created_at + ${HOUR_MS} AS until FROM disposable_inbox
  WHERE quota_key = @quotaKey AND created_at > @now - ${HOUR_MS}
  ORDER BY created_at DESC LIMIT 1 OFFSET @limit - 1`;

const INSERT = `
  INSERT INTO disposable_inbox (id, name, address, owner_type, owner_id, quota_key, label, max_messages, created_at, expires_at)
  VALUES (@id, @name, @address, @ownerType, @ownerId, @quotaKey, @label, @maxMessages, @createdAt, @expiresAt)`;

/** Parameters `@ownerId`, `@goneBefore`. */
const READABLE = `i.owner_id = @ownerId AND i.pruned_at IS NULL AND i.deleted_at IS NULL AND i.expires_at > @goneBefore`;

const FIND_LIVE = `SELECT ${INBOX_COLUMNS} FROM disposable_inbox i WHERE i.name = @name AND ${TAKES_MAIL}`;
const FIND = `SELECT ${INBOX_COLUMNS} FROM disposable_inbox i WHERE i.address = @address AND ${READABLE}`;
const IS_OWNER = `SELECT 1 FROM disposable_inbox i WHERE ${READABLE} LIMIT 1`;
const LIST = `
  SELECT i.seq, ${INBOX_COLUMNS} FROM disposable_inbox i
  WHERE ${READABLE} AND i.seq < @before ORDER BY i.seq DESC LIMIT @limit + 1`;

const FITS = `(@since IS NULL OR e.received_at > @since)
  AND (@from IS NULL OR instr(e.from_address, @from) > 0)
  AND (@subject IS NULL OR instr(e.subject_folded, @subject) > 0)`;
const MAILS = `
  SELECT e.seq, ${LISTED_COLUMNS} FROM inbox_mail e
  WHERE e.inbox_id = @inboxId AND e.seq < @before AND ${FITS} ORDER BY e.seq DESC LIMIT @limit + 1`;
const NEW_MAILS = `
  SELECT e.seq, ${LISTED_COLUMNS} FROM inbox_mail e
  WHERE e.inbox_id = @inboxId AND e.seq > @after AND ${FITS} ORDER BY e.seq LIMIT @limit`;
const LAST = `SELECT coalesce(max(seq), 0) AS seq FROM inbox_mail WHERE inbox_id = ?`;
const FIND_MAIL = `
  SELECT ${MAIL_COLUMNS} FROM inbox_mail e JOIN disposable_inbox i ON i.id = e.inbox_id
  WHERE e.id = @mailId AND (@address IS NULL OR i.address = @address) AND ${READABLE}`;
const MARK_READ = `UPDATE inbox_mail SET read_at = ? WHERE id = ? AND read_at IS NULL`;
const ATTACHMENT = `
  SELECT a.idx AS "index", a.filename, a.content_type AS contentType, a.size, a.sha256, b.content
  FROM inbox_attachment a JOIN blob b ON b.sha256 = a.sha256 WHERE a.mail_id = ? AND a.idx = ?`;
const DELETE = `UPDATE disposable_inbox SET deleted_at = ? WHERE id = ?`;

export class SqliteInboxTable implements InboxStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  createIfAllowed(
    inbox: DisposableInbox,
    limits: { readonly inboxes: number; readonly perHour: number },
    receipt?: Receipt,
  ): Promise<InboxCreation> {
    return this.#store.write((): InboxCreation => {
      const tooMany = this.#nth(NTH_LIVE, inbox, limits.inboxes);
      if (tooMany !== undefined) return { kind: 'too_many', until: tooMany };
      const tooFast = this.#nth(NTH_MADE, inbox, limits.perHour);
      if (tooFast !== undefined) return { kind: 'too_fast', until: tooFast };
      if (this.#store.prepare(NAME_TAKEN).get({ name: inbox.name }) !== undefined) return { kind: 'name_taken' };
      this.#store.prepare(INSERT).run(inbox);
      insertReceipt(this.#store, receipt);
      return { kind: 'created' };
    });
  }

  #nth(sql: string, { quotaKey, createdAt }: DisposableInbox, limit: number): number | undefined {
    const values = { quotaKey, now: createdAt, limit };
    return this.#store.prepare<[object], { until: number }>(sql).get(values)?.until;
  }

  async findLiveByName(name: string, now: number): Promise<CountedInbox | undefined> {
    return this.#store.prepare<[object], InboxRow>(FIND_LIVE).get({ name, now });
  }

  async find(reader: InboxReader, address: string): Promise<CountedInbox | undefined> {
    return this.#store.prepare<[object], InboxRow>(FIND).get({ ...reader, address });
  }

  async isOwner(reader: InboxReader): Promise<boolean> {
    return this.#store.prepare(IS_OWNER).get(reader) !== undefined;
  }

  async list(reader: InboxReader, page: PageRequest): Promise<Page<CountedInbox>> {
    const values = { ...reader, before: cursorToSeq(page.cursor, NEWEST), limit: page.limit };
    const rows = this.#store.prepare<[object], InboxRow & { seq: number }>(LIST).all(values);
    return toPage(rows, page, ({ seq: _, ...row }) => row);
  }

  async mails(inboxId: string, filter: InboxMailFilter, page: PageRequest): Promise<Page<ListedInboxMail>> {
    const values = { inboxId, ...toValues(filter), before: cursorToSeq(page.cursor, NEWEST), limit: page.limit };
    const rows = this.#store.prepare<[object], ListedRow & { seq: number }>(MAILS).all(values);
    return toPage(rows, page, ({ seq: _, ...row }) => toListedMail(row));
  }

  async position(inboxId: string): Promise<string> {
    return seqToCursor(this.#last(inboxId));
  }

  async newMails(
    inboxId: string,
    after: string | undefined,
    filter: InboxMailFilter,
    limit: number,
  ): Promise<NewInboxMails> {
    const from = cursorToSeq(after, 0);
    const values = { inboxId, ...toValues(filter), after: from, limit };
    // First: a mail that comes in between must not be passed over.
    const last = this.#last(inboxId);
    const rows = this.#store.prepare<[object], ListedRow & { seq: number }>(NEW_MAILS).all(values);
    const items = rows.map(({ seq: _, ...row }) => toListedMail(row));
    const reached = rows.length === limit ? rows.at(-1)?.seq : Math.max(last, rows.at(-1)?.seq ?? 0);
    return { items, position: seqToCursor(Math.max(from, reached ?? 0)) };
  }

  #last(inboxId: string): number {
    return this.#store.prepare<[string], { seq: number }>(LAST).get(inboxId)?.seq ?? 0;
  }

  async findMail(reader: InboxReader, address: string | null, mailId: string): Promise<InboxMail | undefined> {
    const row = this.#store.prepare<[object], MailRow>(FIND_MAIL).get({ ...reader, address, mailId });
    return row && toInboxMail(row);
  }

  async markRead(mailId: string, now: number): Promise<void> {
    await this.#store.write(() => this.#store.prepare(MARK_READ).run(now, mailId));
  }

  async attachment(mailId: string, index: number): Promise<AttachmentContent | undefined> {
    return this.#store.prepare<[string, number], AttachmentContent>(ATTACHMENT).get(mailId, index);
  }

  deleteIfOwned(reader: InboxReader, address: string, now: number): Promise<DisposableInbox | undefined> {
    return this.#store.write(() => {
      const inbox = this.#store.prepare<[object], InboxRow>(FIND).get({ ...reader, address });
      if (inbox !== undefined) this.#store.prepare(DELETE).run(now, inbox.id);
      return inbox;
    });
  }

  async prune(before: number): Promise<number> {
    return pruneInboxes(this.#store, before);
  }
}

function toValues({ since, from, subject }: InboxMailFilter) {
  return { since: since ?? null, from: from?.toLowerCase() ?? null, subject: subject?.toLowerCase() ?? null };
}
