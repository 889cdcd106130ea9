/**
 * The relay's nouns (docs/flow.md tells how they move). No imports: every other file may import this one.
 * Times are `...At` in Unix milliseconds, durations `...Ms`.
 */

/** Who an author is; `machine` is anything that answers by itself: a bounce, an out-of-office, the relay. */
export type SenderKind = 'agent' | 'person' | 'machine';

/** What a sender may do: `owner` may instruct, `peer` may ask, `known` may answer what it was asked; `unknown` is held. */
export type Trust = 'owner' | 'peer' | 'known' | 'unknown';

/** How the relay knows who sent a message. */
export type VerifiedBy = 'key' | 'signature' | 'dmarc' | 'token' | 'none';

export type MessageType =
  | 'message'
  | 'task'
  | 'query'
  | 'response'
  | 'bounce' // a delivery failed; made by the relay from a refusal or a DSN
  | 'auto_reply' // a machine answered an email
  | 'notice'; // the relay itself has something to say

export type Priority = 'low' | 'normal' | 'high' | 'urgent';

/** The chart is docs/states.md; `test/states.test.ts` holds the chart, this union, the CHECK and the store together. */
export type DeliveryState =
  | 'held' // waits for a decision: approval or quarantine
  | 'available' // may be handed out now
  | 'leased' // handed out, no evidence yet
  | 'deferred' // email: refused for now, due again at `availableAt`
  | 'delivered' // final: there is evidence, or the next mail server took responsibility
  | 'bounced' // final: refused for good
  | 'expired' // final: nobody took it in time
  | 'cancelled'; // final: dropped, or the recipient is gone

export const FINAL_STATES = [
  'delivered',
  'bounced',
  'expired',
  'cancelled',
] as const satisfies readonly DeliveryState[];

/** Why we believe a leased message reached the model (design: evidence). `smtp` is the next mail server's 250. */
export type Evidence = 'read' | 'reply' | 'ack' | 'asked_again' | 'transcript' | 'continuation' | 'smtp';

export const HOSTS = ['claude', 'gemini', 'codex'] as const;
export type HostName = (typeof HOSTS)[number];

export interface Agent {
  readonly id: string;
  readonly name: string;
  readonly displayName: string | null;
  readonly description: string | null;
  readonly capabilities: readonly string[];
  /** Email address of the person it belongs to. */
  readonly owner: string | null;
  readonly host: string | null;
  readonly program: string | null;
  readonly model: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** A name is never given out again, so a deleted agent stays as a row. */
  readonly deletedAt: number | null;
}

export type KeyScope = 'admin' | 'agent';

export interface Key {
  readonly id: string;
  /** Null for admin keys. */
  readonly agentId: string | null;
  readonly scope: KeyScope;
  /** SHA-256 of the secret, hex; the secret itself is shown once and never stored. */
  readonly hash: string;
  readonly label: string | null;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly revokeReason: string | null;
  /** The id of the first key of its line: rotation gives a new key, and what belongs to a key belongs to its line. */
  readonly line: string;
  /** May its MCP tools use disposable inboxes? */
  readonly mcpAccess: boolean;
}

/** What SPF, DKIM, DMARC and ARC said of an email; null for mail that is not an email. */
export interface AuthVerdict {
  readonly spf: string;
  readonly dkim: string;
  readonly dmarc: string;
  readonly arc: string;
}

export interface AttachmentInfo {
  readonly index: number;
  readonly filename: string;
  readonly contentType: string;
  /** Bytes, decoded. */
  readonly size: number;
  readonly sha256: string;
}

/** An attachment with its bytes, on the way into the store. */
export interface AttachmentContent extends AttachmentInfo {
  readonly content: Buffer;
}

/** What was said: immutable once stored. */
export interface Message {
  readonly id: string;
  readonly threadId: string;
  readonly from: { readonly address: string; readonly name: string | null; readonly kind: SenderKind };
  /** The agent of this relay that sent it. */
  readonly senderAgentId: string | null;
  readonly senderKeyId: string | null;
  /** The host session that sent it: an answer goes there first. */
  readonly senderSessionId: string | null;
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly subject: string | null;
  /** The new words only. */
  readonly body: string;
  readonly quoted: string | null;
  readonly signature: string | null;
  /** What the relay has to say about it, one sentence each: what was left out, what does not fit together. */
  readonly notes: readonly string[];
  readonly type: MessageType;
  readonly priority: Priority;
  readonly inReplyTo: string | null;
  readonly requiresResponse: boolean;
  readonly expiresAt: number | null;
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly verifiedBy: VerifiedBy;
  readonly auth: AuthVerdict | null;
  /** How many relays passed it on by email. */
  readonly hop: number;
  /** The signed JWT over the message, null where the sender has no key of ours (people, machines). */
  readonly jws: string | null;
  /** RFC 5322 Message-ID, with its angle brackets, of the email this came in with or went out as. */
  readonly emailMessageId: string | null;
  readonly createdAt: number;
  readonly attachments: readonly AttachmentInfo[];
}

/** One recipient's copy of a message. */
export interface Delivery {
  readonly id: string;
  readonly messageId: string;
  /** Null: the recipient is an email address, served by the outbox. */
  readonly agentId: string | null;
  readonly address: string;
  readonly state: DeliveryState;
  /** How often it was handed out. */
  readonly attempt: number;
  /** What the sender may do at this recipient; null for email recipients. */
  readonly trust: Trust | null;
  /** Not handed out, not sent before this. */
  readonly availableAt: number;
  /** The session an answer prefers while it lives. */
  readonly preferredSessionId: string | null;
  readonly leaseId: string | null;
  readonly lastError: string | null;
  readonly deliveredAt: number | null;
  readonly evidence: Evidence | null;
  readonly finalizedAt: number | null;
}

/** By which way a lease was given: only what an end of turn was given is released by the next prompt. */
export type LeasePath = 'end_of_turn' | 'tool' | 'api' | 'outbox';

export interface Lease {
  readonly id: string;
  readonly agentId: string | null;
  readonly keyId: string | null;
  readonly sessionId: string | null;
  readonly path: LeasePath;
  /** The host's `prompt_id` or `turn_id` at the time. */
  readonly promptId: string | null;
  readonly givenAt: number;
  readonly expiresAt: number;
}

export type HoldKind = 'approval' | 'quarantine';

export interface Hold {
  readonly id: string;
  readonly deliveryId: string;
  readonly kind: HoldKind;
  /** A sentence for the person who decides. */
  readonly reason: string;
  readonly createdAt: number;
  readonly decidedAt: number | null;
  readonly decision: 'accepted' | 'dropped' | null;
}

/** Of trying to hand an email to the next server. `code` is the SMTP reply, e.g. 550, where there was one. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly reply: string }
  | {
      readonly kind: 'deferred';
      readonly reason: string;
      readonly code: number | null;
      /** The server asks for less mail: to this domain, or from us at all. */
      readonly slowDown?: 'domain' | 'all';
    }
  | { readonly kind: 'refused'; readonly reason: string; readonly code: number | null };

/** A composed email in the outbox: made once at enqueue, so every attempt sends the same bytes. */
export interface OutgoingEmail {
  readonly deliveryId: string;
  readonly envelopeFrom: string;
  readonly envelopeTo: string;
  /** RFC 3461 ENVID, comes back in a DSN. */
  readonly envid: string;
  readonly raw: Buffer;
}

export type ReplyPurpose = 'reply' | 'bounce' | 'unsubscribe';

/** What a reply token stands for: which agent's thread, and whom it was given to. */
export interface ReplyRoute {
  /** 16 characters base32, lower case: the random half of the token. */
  readonly id: string;
  readonly agentId: string;
  readonly threadId: string;
  /** The message that went out with it. */
  readonly messageId: string;
  readonly deliveryId: string;
  /** The person asked. */
  readonly address: string;
  readonly createdAt: number;
}

/** Why nothing is sent to an address any more; only a `bounce` ends by itself (docs/flow.md). */
export const SUPPRESSION_REASONS = ['bounce', 'complaint', 'unsubscribe'] as const;
export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];

/** An address that gets no email from here. */
export interface Suppression {
  /** Lower case. */
  readonly address: string;
  /** Whose mail it means; null: every agent's. */
  readonly agentId: string | null;
  readonly reason: SuppressionReason;
  /** RFC 3463 status, else the SMTP reply code; null where it was no server that said so. */
  readonly code: string | null;
  /** How we know, in words for a person: what the other server said, who asked. */
  readonly source: string;
  readonly createdAt: number;
  /** From then on it counts for nothing; null: until somebody takes it back. */
  readonly expiresAt: number | null;
}
