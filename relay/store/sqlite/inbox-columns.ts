/** How rows of `disposable_inbox` (alias `i`) and `inbox_mail` (alias `e`) become nouns. */
import type { CountedInbox, InboxMail, ListedInboxMail } from '../../disposable-inbox.ts';
import type { AttachmentInfo } from '../../types.ts';

export const INBOX_COLUMNS = `i.id, i.name, i.address, i.owner_type AS ownerType, i.owner_id AS ownerId,
  i.quota_key AS quotaKey, i.label, i.max_messages AS maxMessages, i.created_at AS createdAt, i.expires_at AS expiresAt,
  (SELECT count(*) FROM inbox_mail e WHERE e.inbox_id = i.id) AS messageCount,
  (SELECT count(*) FROM inbox_mail e WHERE e.inbox_id = i.id AND e.read_at IS NULL) AS unreadCount`;

/** Takes mail: not expired, not deleted, and somebody can read it. Parameter `@now`. */
export const TAKES_MAIL = `i.deleted_at IS NULL AND i.expires_at > @now AND (i.owner_type = 'anonymous' OR EXISTS (
    SELECT 1 FROM key k WHERE k.line = i.owner_id AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > @now)))`;

export const LISTED_COLUMNS = `e.id, e.inbox_id AS inboxId,
  (SELECT b.address FROM disposable_inbox b WHERE b.id = e.inbox_id) AS inboxAddress, e.from_address AS fromAddress, e.from_name AS fromName,
  e.recipients, e.subject, e.notes, e.auth, e.author_proven AS authorProven, e.size,
  e.received_at AS receivedAt, e.read_at AS readAt,
  (SELECT json_group_array(json_object('index', a.idx, 'filename', a.filename, 'contentType', a.content_type,
    'size', a.size, 'sha256', a.sha256)) FROM inbox_attachment a WHERE a.mail_id = e.id) AS attachments`;

export const MAIL_COLUMNS = `${LISTED_COLUMNS}, e.text, e.html`;

export type InboxRow = CountedInbox;

export interface ListedRow
  extends Omit<ListedInboxMail, 'from' | 'to' | 'notes' | 'auth' | 'authorProven' | 'attachments'> {
  readonly fromAddress: string | null;
  readonly fromName: string | null;
  readonly recipients: string;
  readonly notes: string;
  readonly auth: string | null;
  readonly authorProven: number;
  readonly attachments: string;
}

export type MailRow = ListedRow & Pick<InboxMail, 'text' | 'html'>;

export function toInboxMail({ text, html, ...row }: MailRow): InboxMail {
  return { ...toListedMail(row), text, html };
}

export function toListedMail(row: ListedRow): ListedInboxMail {
  const { fromAddress, fromName, recipients, ...rest } = row;
  return {
    ...rest,
    from: fromAddress === null ? null : { address: fromAddress, name: fromName },
    to: JSON.parse(recipients),
    notes: JSON.parse(row.notes),
    auth: row.auth === null ? null : JSON.parse(row.auth),
    authorProven: row.authorProven === 1,
    attachments: (JSON.parse(row.attachments) as AttachmentInfo[]).toSorted((a, b) => a.index - b.index), // written by us
  };
}
