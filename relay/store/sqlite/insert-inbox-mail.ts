/** Stores the mail of a disposable inbox; the caller has the transaction open. */
import type { NewInboxMail } from '../../disposable-inbox.ts';
import { RelayError } from '../../errors.ts';
import type { SqliteDatabase } from './database.ts';
import { INBOX_COLUMNS, type InboxRow, TAKES_MAIL } from './inbox-columns.ts';

const TAKING = `SELECT ${INBOX_COLUMNS} FROM disposable_inbox i WHERE i.id = @id AND ${TAKES_MAIL}`;

const INSERT = `
  INSERT INTO inbox_mail (id, inbox_id, email_id, from_address, from_name, recipients, subject, subject_folded, text, html,
    notes, auth, author_proven, size, received_at)
  VALUES (@id, @inboxId, @emailId, @fromAddress, @fromName, @recipients, @subject, @subjectFolded, @text, @html,
    @notes, @auth, @authorProven, @size, @receivedAt)`;

const INSERT_BLOB = `INSERT INTO blob (sha256, content) VALUES (?, ?) ON CONFLICT DO NOTHING`;
const INSERT_ATTACHMENT = `
  INSERT INTO inbox_attachment (mail_id, idx, filename, content_type, size, sha256) VALUES (?, ?, ?, ?, ?, ?)`;

/** Throws `recipient_unknown` or `quota_exceeded` where the inbox ended or filled up since it was asked for. */
export function insertInboxMail(store: SqliteDatabase, emailId: string, { mail, attachments }: NewInboxMail): void {
  const inbox = store.prepare<[object], InboxRow>(TAKING).get({ id: mail.inboxId, now: mail.receivedAt });
  if (inbox === undefined) throw new RelayError('recipient_unknown');
  if (inbox.messageCount >= inbox.maxMessages) throw new RelayError('quota_exceeded');
  const { from, to, notes, auth, authorProven, attachments: _, readAt: __, ...rest } = mail;
  store.prepare(INSERT).run({
    ...rest,
    emailId,
    fromAddress: from?.address ?? null,
    fromName: from?.name ?? null,
    recipients: JSON.stringify(to),
    subjectFolded: (mail.subject ?? '').toLowerCase(),
    notes: JSON.stringify(notes),
    auth: auth === null ? null : JSON.stringify(auth),
    authorProven: authorProven ? 1 : 0,
  });
  for (const { index, filename, contentType, size, sha256, content } of attachments) {
    store.prepare(INSERT_BLOB).run(sha256, content);
    store.prepare(INSERT_ATTACHMENT).run(mail.id, index, filename, contentType, size, sha256);
  }
}
