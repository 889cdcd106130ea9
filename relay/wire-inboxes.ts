/** The wire schemas of disposable inboxes and their mail; see wire.ts. */
import { z } from 'zod';
import { INBOX_OWNER_TYPES } from './disposable-inbox.ts';
import { Attachment, durationText, line, PageFields, page, time } from './wire.ts';

/** Instead of an inbox's address: whichever of the caller's has that mail. */
export const ANY_INBOX = 'any';

export const InboxBody = z.strictObject({
  ttl_minutes: z.number().int().min(1).max(525_600).optional(),
  label: line(100).optional(),
});

export const InboxListQuery = z.strictObject(PageFields);

const MailFilter = {
  /** Part of the author's address. */
  from: line(254).min(1).optional(),
  /** Part of the subject. */
  subject: line(200).min(1).optional(),
};
export const InboxMailQuery = z.strictObject({ ...PageFields, ...MailFilter, since: time.optional() });

export const InboxWaitBody = z.strictObject({
  ...MailFilter,
  /** A time, or the `since` of an earlier answer; left out: only what comes from now on. */
  since: z
    .union([time, z.string().regex(/^[A-Za-z0-9_-]{1,200}$/, 'want a time, or `since` of an earlier answer')])
    .optional(),
  timeout: durationText.optional(),
});

export const ExtractLinkBody = z.strictObject({
  /** Links there come first; `example.com` is also its subdomains. */
  preferred_domains: z.array(line(253).min(1)).max(20).optional(),
});

// ---- answers ----

export const Inbox = z.object({
  id: z.string(),
  address: z.string(),
  label: z.string().nullable(),
  owner_type: z.enum(INBOX_OWNER_TYPES),
  state: z.enum(['live', 'expired']),
  created_at: time,
  /** Takes no mail from then on. */
  expires_at: time,
  /** Its mail is deleted then. */
  readable_until: time,
  message_count: z.number(),
  unread_count: z.number(),
  max_messages: z.number(),
});
export const CreatedInbox = Inbox.extend({
  /** For callers without a key: to be sent as Bearer from now on, shown this once. */
  token: z.string().nullable(),
});
export const DeletedInbox = z.object({ deleted: z.literal(true), address: z.string() });

/** Without the text. */
export const InboxMail = z.object({
  id: z.string(),
  inbox: z.string(),
  from: z.object({ address: z.string(), name: z.string().nullable() }).nullable(),
  to: z.array(z.string()),
  subject: z.string().nullable(),
  received_at: time,
  read_at: time.nullable(),
  size: z.number(),
  /** DMARC vouches for the domain of `from`; for nothing that is written. */
  author_proven: z.boolean(),
  auth: z.object({ spf: z.string(), dkim: z.string(), dmarc: z.string(), arc: z.string() }).nullable(),
  notes: z.array(z.string()),
  attachments: z.array(Attachment),
});
export const WholeInboxMail = InboxMail.extend({ text: z.string(), html: z.string().nullable() });
export const InboxMails = page(InboxMail);
export const Inboxes = page(Inbox);
export const InboxWaitAnswer = z.object({
  /** Oldest first; empty: nothing came in time. */
  items: z.array(InboxMail),
  /** For the next wait: nothing up to here comes again. */
  since: z.string(),
});

const Confidence = z.enum(['high', 'medium', 'low']);
const FoundCode = z.object({ code: z.string(), confidence: Confidence, context: z.string() });
export const ExtractedCode = z.object({
  message_id: z.string(),
  /** Null: there is none. */
  code: z.string().nullable(),
  confidence: Confidence.nullable(),
  /** The words around it, as the email has them. */
  context: z.string().nullable(),
  alternatives: z.array(FoundCode),
});
const FoundLink = z.object({
  url: z.string(),
  domain: z.string(),
  /** What the link says; null where it is bare. */
  text: z.string().nullable(),
  /** Why it was chosen. */
  reason: z.string(),
  /** What speaks against it, one sentence each. */
  warnings: z.array(z.string()),
});
export const ExtractedLink = z.object({
  message_id: z.string(),
  link: FoundLink.nullable(),
  alternatives: z.array(FoundLink),
});

export type WireInbox = z.infer<typeof Inbox>;
export type WireInboxMail = z.infer<typeof InboxMail>;
export type WireWholeInboxMail = z.infer<typeof WholeInboxMail>;
export type WireInboxWait = z.infer<typeof InboxWaitBody>;
export type WireExtractedCode = z.infer<typeof ExtractedCode>;
export type WireExtractedLink = z.infer<typeof ExtractedLink>;
export type WireFoundLink = z.infer<typeof FoundLink>;
