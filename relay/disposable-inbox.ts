/**
 * Nouns of disposable inboxes: an address for sign-ups and one-off answers that dies by itself, and the mail that came to
 * it. It is nobody's words to an agent: it is read by tools only, never injected. Imports only other nouns.
 */
import type { AttachmentContent, AttachmentInfo, AuthVerdict } from './types.ts';

/** `agent`: an agent's key; `mcp`: the same through MCP; `api`: an admin key; `anonymous`: whoever has its session token. */
export const INBOX_OWNER_TYPES = ['agent', 'api', 'mcp', 'anonymous'] as const;
export type InboxOwnerType = (typeof INBOX_OWNER_TYPES)[number];

export interface DisposableInbox {
  readonly id: string;
  /** `adjective-noun-NN`: never an agent's name, never given out again. */
  readonly name: string;
  readonly address: string;
  readonly ownerType: InboxOwnerType;
  /** The line of the key, or the SHA-256 of the session token. */
  readonly ownerId: string;
  /** What its owner's quota is counted under. */
  readonly quotaKey: string;
  readonly label: string | null;
  readonly maxMessages: number;
  readonly createdAt: number;
  /** From then on it takes no mail. */
  readonly expiresAt: number;
}

export interface CountedInbox extends DisposableInbox {
  readonly messageCount: number;
  readonly unreadCount: number;
}

/** An email that came to a disposable inbox, as lists have it: texts may be large, and there may be many. */
export interface ListedInboxMail {
  readonly id: string;
  readonly inboxId: string;
  readonly inboxAddress: string;
  /** The first author it names; null where it names none. */
  readonly from: { readonly address: string; readonly name: string | null } | null;
  readonly to: readonly string[];
  readonly subject: string | null;
  /** What the relay has to say about it, one sentence each. */
  readonly notes: readonly string[];
  readonly auth: AuthVerdict | null;
  /** DMARC passes for the domain of its one author. */
  readonly authorProven: boolean;
  /** Bytes of the whole email. */
  readonly size: number;
  readonly receivedAt: number;
  readonly readAt: number | null;
  readonly attachments: readonly AttachmentInfo[];
}

/** The whole of it; nothing in it is trusted. */
export interface InboxMail extends ListedInboxMail {
  /** The whole text, nothing cut away. */
  readonly text: string;
  readonly html: string | null;
}

/** On the way into the store. */
export interface NewInboxMail {
  readonly mail: InboxMail;
  readonly attachments: readonly AttachmentContent[];
}

/** What one owner may have. */
export interface InboxQuota {
  /** Alive at once. */
  readonly inboxes: number;
  /** In one inbox. */
  readonly messages: number;
  readonly longestLifeMs: number;
  /** Made in any hour. */
  readonly perHour: number;
}
