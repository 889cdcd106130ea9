/** What the rules may ask of storage about messages, and what must be stored together with one. The promises are those of stores.ts. */
import type { NewInboxMail } from '../disposable-inbox.ts';
import type {
  AttachmentContent,
  Delivery,
  DeliveryState,
  Hold,
  Message,
  OutgoingEmail,
  ReplyRoute,
  Suppression,
} from '../types.ts';
import type { Page, PageRequest, Receipt } from './stores.ts';

/** The position of a mailbox, moved in the same transaction as the mail that was found there. */
export interface CursorMove {
  readonly account: string;
  readonly folder: string;
  readonly uidValidity: string;
  readonly lastUid: number;
}

/** A message with all that must be stored together with it. */
export interface NewMail {
  readonly message: Message;
  readonly deliveries: readonly Delivery[];
  readonly holds?: readonly Hold[] | undefined;
  readonly attachments?: readonly AttachmentContent[] | undefined;
  readonly emails?: readonly OutgoingEmail[] | undefined;
  readonly routes?: readonly ReplyRoute[] | undefined;
  readonly receipt?: Receipt | undefined;
  /** The sender used this message of its own: evidence `reply`. */
  readonly answered?: { readonly agentId: string; readonly messageId: string } | undefined;
}

/** An email as it came, kept beside the messages made of it. */
export interface ReceivedEmail {
  readonly id: string;
  /** By which way, in words for a person: `smtp 192.0.2.1`, `imap you@example.com/INBOX 1/42`. */
  readonly source: string;
  /** Null where it was too large to fetch. */
  readonly raw: Buffer | null;
  readonly receivedAt: number;
  readonly cursor: CursorMove | null;
}

/** What an email means to one recipient of it. */
export interface Intake {
  /** Names recipient and content: what was stored under it before is the same mail and is not stored again. */
  readonly dedupeKey: string;
  /**
   * Of a mail that nobody stands for: the key under which it would be stored if somebody did. Known: it is the same
   * mail. The other way round it is not: who sends a copy ahead must not keep the real one out.
   */
  readonly provenKey?: string | undefined;
  /** Null: it is remembered, and nothing is handed to anybody (our own mail, a report that changes nothing). */
  readonly mail: NewMail | null;
  /** It is for a disposable inbox: for tools to read, no message to anybody. */
  readonly inboxMail?: NewInboxMail | undefined;
  /** A delivery report: this email delivery bounced, in the same transaction. */
  readonly bounced?: { readonly deliveryId: string; readonly reason: string } | undefined;
  /** And its address gets no more email. */
  readonly suppress?: Suppression | undefined;
  /** Proven to be from this address: it lives, so its suppressions of reason `bounce` end. */
  readonly lifts?: string | undefined;
}

export interface MessageFilter {
  readonly direction: 'inbound' | 'outbound' | 'all';
  readonly state?: DeliveryState | undefined;
  readonly threadId?: string | undefined;
  readonly since?: number | undefined;
}

/** A message as one agent may see it: its own delivery where it is a recipient, all deliveries where it is the sender. */
export interface SeenMessage {
  readonly message: Message;
  readonly delivery: Delivery | null;
  readonly deliveries: readonly Delivery[] | null;
}

export interface ThreadSummary {
  readonly id: string;
  readonly subject: string | null;
  readonly messageCount: number;
  readonly lastMessageAt: number;
  readonly participants: readonly string[];
}

/** How much agents may write; what is over it waits for a person. */
export interface Allowance {
  /** Only what was sent after this counts. */
  readonly since: number;
  /** Messages of agents in one thread; null: not counted (the thread begins). */
  readonly threadTurns: number | null;
  /** Emails of one agent to one address. */
  readonly emailsToAddress: number;
}

/** What would be over the allowance with this message. */
export interface Overdrawn {
  /** The thread's: its copies to agents. */
  readonly thread: boolean;
  /** Addresses that get too much email from this agent. */
  readonly addresses: readonly string[];
}

export interface MessageStore {
  /** Stores all of it. Throws `unauthorized` where the sender's key died meanwhile, `recipient_unknown` where a recipient did. */
  accept(mail: NewMail): Promise<void>;
  /** As `accept`, counted in the same transaction. Where something is overdrawn it is named, and nothing is stored. */
  acceptIfWithin(mail: NewMail, allowance: Allowance): Promise<Overdrawn | undefined>;
  /**
   * Stores an email and what was made of it, and moves the cursor. Returns the intakes that were new; a report of what
   * has bounced already changes nothing, and comes back without the mail that would have told of it.
   */
  receive(email: ReceivedEmail, intakes: readonly Intake[]): Promise<readonly Intake[]>;
  find(id: string): Promise<Message | undefined>;
  /** As this agent sees it; held deliveries are not seen. */
  findSeen(agentId: string, messageId: string): Promise<SeenMessage | undefined>;
  /** Newest first. */
  list(agentId: string, filter: MessageFilter, page: PageRequest): Promise<Page<SeenMessage>>;
  threads(agentId: string, page: PageRequest): Promise<Page<ThreadSummary>>;
  /** All messages of a thread this agent may see, oldest first; empty where there is none. */
  thread(agentId: string, threadId: string): Promise<readonly SeenMessage[]>;
  attachment(messageId: string, index: number): Promise<AttachmentContent | undefined>;
  /** The newest message whose email had one of these Message-IDs, or has one as an alias. */
  findByEmailMessageId(ids: readonly string[]): Promise<Message | undefined>;
  /** Message-IDs of a thread's emails, oldest first, for References. */
  emailMessageIds(threadId: string): Promise<readonly string[]>;
  /** The beginning of the email this message came with, long enough for its header section; undefined where it came by none. */
  emailHead(messageId: string): Promise<Buffer | undefined>;
  /** Did this agent send an email to this address in this thread, and did it go out? */
  hasWrittenTo(sent: {
    readonly agentId: string;
    readonly threadId: string;
    readonly address: string;
  }): Promise<boolean>;
  /** How many messages agents sent in this thread since then. */
  countAgentTurns(threadId: string, since: number): Promise<number>;
}
