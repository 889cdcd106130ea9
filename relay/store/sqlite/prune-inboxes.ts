/**
 * Throws away what lay in disposable inboxes whose time of keeping is over: mail, files, and the raw email where nothing
 * else was made of it. The rows that say a name was given out stay.
 */
import type { SqliteDatabase } from './database.ts';

/** In one transaction: nobody else may wait long for it. */
const AT_ONCE = 20;

const DUE = `
  SELECT id FROM disposable_inbox
  WHERE pruned_at IS NULL AND min(coalesce(deleted_at, expires_at), expires_at) < ? ORDER BY seq LIMIT ${AT_ONCE}`;

const EMAILS = `SELECT DISTINCT email_id AS id FROM inbox_mail WHERE inbox_id = ?`;
const BLOBS = `
  SELECT DISTINCT a.sha256 AS id FROM inbox_attachment a JOIN inbox_mail e ON e.id = a.mail_id WHERE e.inbox_id = ?`;

const EMPTY = [
  `DELETE FROM inbox_attachment WHERE mail_id IN (SELECT id FROM inbox_mail WHERE inbox_id = @id)`,
  `DELETE FROM inbox_mail WHERE inbox_id = @id`,
  `UPDATE disposable_inbox SET pruned_at = @before, label = NULL WHERE id = @id`,
] as const;

/** Agents keep what was made of the same email; so does another inbox. */
const FORGET_RAW = `
  UPDATE received_email SET raw = NULL WHERE id = @id
    AND NOT EXISTS (SELECT 1 FROM intake t WHERE t.email_id = @id AND t.message_id IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM inbox_mail e WHERE e.email_id = @id)`;
const FORGET_BLOB = `
  DELETE FROM blob WHERE sha256 = @id
    AND NOT EXISTS (SELECT 1 FROM attachment a WHERE a.sha256 = @id)
    AND NOT EXISTS (SELECT 1 FROM inbox_attachment a WHERE a.sha256 = @id)`;

interface Named {
  readonly id: string;
}

/** How many inboxes were emptied. */
export async function pruneInboxes(store: SqliteDatabase, before: number): Promise<number> {
  // A read, so that a relay without inboxes writes nothing.
  if (store.prepare(DUE).get(before) === undefined) return 0;
  return store.write(() => {
    const due = store.prepare<[number], Named>(DUE).all(before);
    for (const { id } of due) emptyInbox(store, id, before);
    return due.length;
  });
}

function emptyInbox(store: SqliteDatabase, id: string, before: number): void {
  const emails = store.prepare<[string], Named>(EMAILS).all(id);
  const blobs = store.prepare<[string], Named>(BLOBS).all(id);
  for (const sql of EMPTY) store.prepare(sql).run({ id, before });
  for (const email of emails) store.prepare(FORGET_RAW).run(email);
  for (const blob of blobs) store.prepare(FORGET_BLOB).run(blob);
}
