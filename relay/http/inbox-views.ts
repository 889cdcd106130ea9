/** Disposable inboxes and their mail as the wire shows them. */
import { codeIn, linkIn } from '../broker/inboxes/inbox-extract.ts';
import type { CreatedInbox } from '../broker/inboxes/inboxes.ts';
import type { CountedInbox, InboxMail, ListedInboxMail } from '../disposable-inbox.ts';
import type {
  WireExtractedCode,
  WireExtractedLink,
  WireFoundLink,
  WireInbox,
  WireInboxMail,
  WireWholeInboxMail,
} from '../wire-inboxes.ts';

const time = (at: number): string => new Date(at).toISOString();

export interface InboxViewer {
  readonly now: number;
  readonly retentionMs: number;
}

export function viewInbox(inbox: CountedInbox, { now, retentionMs }: InboxViewer): WireInbox {
  return {
    id: inbox.id,
    address: inbox.address,
    label: inbox.label,
    owner_type: inbox.ownerType,
    state: inbox.expiresAt > now ? 'live' : 'expired',
    created_at: time(inbox.createdAt),
    expires_at: time(inbox.expiresAt),
    readable_until: time(inbox.expiresAt + retentionMs),
    message_count: inbox.messageCount,
    unread_count: inbox.unreadCount,
    max_messages: inbox.maxMessages,
  };
}

export function viewCreatedInbox(
  { inbox, token }: CreatedInbox,
  viewer: InboxViewer,
): WireInbox & { token: string | null } {
  return { ...viewInbox({ ...inbox, messageCount: 0, unreadCount: 0 }, viewer), token };
}

export function viewInboxMail(mail: ListedInboxMail): WireInboxMail {
  return {
    id: mail.id,
    inbox: mail.inboxAddress,
    from: mail.from === null ? null : { ...mail.from },
    to: [...mail.to],
    subject: mail.subject,
    received_at: time(mail.receivedAt),
    read_at: mail.readAt === null ? null : time(mail.readAt),
    size: mail.size,
    author_proven: mail.authorProven,
    auth: mail.auth,
    notes: [...mail.notes],
    attachments: mail.attachments.map(({ contentType, ...rest }) => ({ ...rest, content_type: contentType })),
  };
}

export function viewWholeInboxMail(mail: InboxMail): WireWholeInboxMail {
  return { ...viewInboxMail(mail), text: mail.text, html: mail.html };
}

export function viewCode(mail: InboxMail): WireExtractedCode {
  const { best, alternatives } = codeIn(mail);
  return {
    message_id: mail.id,
    code: best?.code ?? null,
    confidence: best?.confidence ?? null,
    context: best?.context ?? null,
    alternatives: [...alternatives],
  };
}

export function viewLink(mail: InboxMail, preferredDomains: readonly string[]): WireExtractedLink {
  const { best, alternatives } = linkIn(mail, preferredDomains);
  const view = (link: NonNullable<typeof best>): WireFoundLink => ({ ...link, warnings: [...link.warnings] });
  return { message_id: mail.id, link: best === null ? null : view(best), alternatives: alternatives.map(view) };
}
