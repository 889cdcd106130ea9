/** Table `mailbox`: how far each IMAP mailbox has been read; and which of its mails keep failing. */
import type { CursorMove, MailboxPosition, MailboxStore } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';

// A cursor only goes back when the mailbox was rebuilt (another UIDVALIDITY).
const MOVE = `
  INSERT INTO mailbox (account, folder, uid_validity, first_uid, last_uid)
  VALUES (@account, @folder, @uidValidity, @lastUid + 1, @lastUid)
  ON CONFLICT (account, folder) DO UPDATE SET
    first_uid = iif(uid_validity = @uidValidity, first_uid, @lastUid + 1),
    last_uid = iif(uid_validity = @uidValidity, max(last_uid, @lastUid), @lastUid), uid_validity = @uidValidity`;

// Not those a little below: a mail that came to light late may be failing there. Those far below are gone from the mailbox.
const FORGET_FAILURES = `
  DELETE FROM mailbox_failure WHERE account = @account AND folder = @folder
    AND (uid_validity <> @uidValidity OR uid = @lastUid OR uid < @lastUid - 1000)`;

const FIND = `
  SELECT uid_validity AS uidValidity, first_uid AS firstUid, last_uid AS lastUid
  FROM mailbox WHERE account = ? AND folder = ?`;

const COUNT_FAILURE = `
  INSERT INTO mailbox_failure (account, folder, uid_validity, uid, tries) VALUES (?, ?, ?, ?, 1)
  ON CONFLICT DO UPDATE SET tries = tries + 1 RETURNING tries`;

export function moveCursor(store: SqliteDatabase, cursor: CursorMove): void {
  store.prepare(MOVE).run(cursor);
  store.prepare(FORGET_FAILURES).run(cursor);
}

export class SqliteMailboxTable implements MailboxStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  async find(account: string, folder: string): Promise<MailboxPosition | undefined> {
    return this.#store.prepare<[string, string], MailboxPosition>(FIND).get(account, folder);
  }

  async move(cursor: CursorMove): Promise<void> {
    await this.#store.write(() => moveCursor(this.#store, cursor));
  }

  async countFailure(account: string, folder: string, uidValidity: string, uid: number): Promise<number> {
    return this.#store.write(() => {
      const row = this.#store
        .prepare<unknown[], { tries: number }>(COUNT_FAILURE)
        .get(account, folder, uidValidity, uid);
      return row?.tries ?? 1;
    });
  }
}
