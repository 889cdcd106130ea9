/**
 * What the rules may ask of storage. One method is one transaction and none spans an await inside; on return it is on
 * disk. SQLite (sqlite/) is the first implementation, PostgreSQL the second to come; test/conformance/ holds for all.
 *
 * A guard stands where it can refuse: methods named `...If...` return undefined or false instead of changing anything.
 * All throw RelayError `unavailable` where the store cannot write (full disk, locked database): nothing has changed then.
 */
import type { NewInboxMail } from '../disposable-inbox.ts';
import type {
  Agent,
  AttachmentContent,
  Delivery,
  DeliveryState,
  Evidence,
  Hold,
  Key,
  Lease,
  LeasePath,
  Message,
  Outcome,
  OutgoingEmail,
  ReplyRoute,
  Suppression,
  SuppressionReason,
} from '../types.ts';
import type { InboxStore } from './inbox-store.ts';

export type {
  InboxCreation,
  InboxMailFilter,
  InboxReader,
  InboxStore,
  NewInboxMails,
} from './inbox-store.ts';

/** An opaque position in a list; undefined is the beginning. */
export interface PageRequest {
  readonly cursor: string | undefined;
  readonly limit: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** The answer to a request with an Idempotency-Key, sealed so that only the same caller can read it again. */
export interface Receipt {
  /** SHA-256 over caller, route and Idempotency-Key. */
  readonly scope: string;
  readonly bodyHash: string;
  readonly status: number;
  readonly sealed: Buffer;
  readonly createdAt: number;
}

export interface ReceiptStore {
  find(scope: string, since: number): Promise<Receipt | undefined>;
  /** Drops receipts older than `before`; returns how many. */
  prune(before: number): Promise<number>;
}

export interface AgentFilter {
  readonly query?: string | undefined;
  readonly capability?: string | undefined;
}

export type AgentChanges = Partial<
  Pick<Agent, 'displayName' | 'description' | 'capabilities' | 'owner' | 'host' | 'program' | 'model'>
>;

export interface AgentStore {
  /**
   * Agent and first key. With `enrolmentHash` the code is used up in the same transaction.
   * Throws `name_taken`, or `expired` where the code was used meanwhile.
   */
  register(input: {
    readonly agent: Agent;
    readonly key: Key;
    readonly enrolmentHash?: string | undefined;
    readonly receipt?: Receipt | undefined;
  }): Promise<void>;
  /** By name, deleted ones included. */
  findByName(name: string): Promise<Agent | undefined>;
  find(id: string): Promise<Agent | undefined>;
  /** Living agents by name. */
  list(filter: AgentFilter, page: PageRequest): Promise<Page<Agent>>;
  patch(id: string, changes: AgentChanges, now: number): Promise<Agent | undefined>;
  /** Ends the agent: keys revoked, leases ended, open deliveries to it `cancelled`. False where it was ended already. */
  end(id: string, now: number): Promise<boolean>;
}

export interface KeyStore {
  /** Issues the key if it is new; other keys with its label are dead from now on. */
  replaceConfigured(key: Key, now: number): Promise<void>;
  issue(key: Key, receipt?: Receipt): Promise<void>;
  findByHash(hash: string): Promise<Key | undefined>;
  find(id: string): Promise<Key | undefined>;
  /** Adds `next` and lets the old one live until `oldExpiresAt`. False where the old one is dead. */
  rotateIfLive(id: string, next: Key, oldExpiresAt: number, receipt?: Receipt): Promise<boolean>;
  /**
   * Kills the key: its leases are released; with `compromised`, what it sent and nobody has yet is held, at once or
   * when a lease that covers it ends without evidence. `held` counts the former.
   * Undefined where it was dead already; only `compromised` may still be said of a dead one, once.
   */
  revokeIfLive(id: string, now: number, reason: string | null): Promise<{ readonly held: number } | undefined>;
}

export interface EnrolmentRow {
  readonly hash: string;
  readonly name: string | null;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly usedAt: number | null;
  /** The agent's first key may use disposable inboxes through MCP. */
  readonly mcpAccess: boolean;
}

export interface EnrolmentStore {
  create(enrolment: EnrolmentRow, receipt?: Receipt): Promise<void>;
  find(hash: string): Promise<EnrolmentRow | undefined>;
}

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

/** A delivery that may be handed out, with its message. */
export interface Candidate {
  readonly delivery: Delivery;
  readonly message: Message;
}

/** What the rules choose of the candidates, decided in a pure function inside the transaction. */
export interface Choice {
  /** Delivery ids to lease, in order. */
  readonly take: readonly string[];
  /** Delivery ids that must not be handed out (a signature does not verify), with the reason. */
  readonly quarantine: readonly { readonly deliveryId: string; readonly holdId: string; readonly reason: string }[];
}

export interface LeaseRequest {
  readonly leaseId: string;
  readonly keyId: string | null;
  readonly path: LeasePath;
  readonly leaseMs: number;
  /** At most this many candidates are looked at. */
  readonly max: number;
  /** And no more of them than have bodies of this many bytes together; one is always looked at. */
  readonly maxBytes: number;
  readonly choose: (candidates: readonly Candidate[]) => Choice;
}

/** One call of a session: evidence is taken, then what is given up is released, then new mail is leased. */
export interface Turn {
  readonly agentId: string;
  /** Null: a caller without a session (a plain API lease). */
  readonly sessionId: string | null;
  readonly host: string | null;
  readonly promptId: string | null;
  readonly now: number;
  /** Messages of this agent of which there is evidence, from whatever attempt. */
  readonly evidence: readonly { readonly messageIds: readonly string[]; readonly kind: Evidence }[];
  /** Confirms what this session was handed by this path before. */
  readonly confirmPath: { readonly path: LeasePath; readonly kind: Evidence } | null;
  /** Confirms what this lease of an end of turn covers, if it was given to this session in this very prompt. */
  readonly confirmLease: { readonly leaseId: string; readonly kind: Evidence } | null;
  /** `earlier_prompt`: what an end of turn was given in another prompt; `all`: everything this session holds. */
  readonly release: 'none' | 'earlier_prompt' | 'all';
  /** An end of turn that does not continue one, or a tool call, starts a new run of injections. */
  readonly newRun: boolean;
  readonly endSession: boolean;
  /** Null: nothing is handed out in this call, or not more than `maxRun` times in a run. */
  readonly lease: (LeaseRequest & { readonly maxRun: number | null }) | null;
}

export interface TurnResult {
  readonly confirmed: number;
  readonly released: number;
  /** Null where nothing was leased. */
  readonly lease: Lease | null;
  readonly items: readonly Candidate[];
  /** Messages this session held before the call and still holds. */
  readonly holding: readonly string[];
  /** How much is available now and was not handed out. */
  readonly waiting: number;
  /** Deliveries that went on hold in this call. */
  readonly quarantined: number;
}

export interface DeliveryStore {
  turn(turn: Turn): Promise<TurnResult>;
  /** Would `turn` change or hand out anything? A read, so that an agent without mail costs no write. */
  hasWork(turn: Turn): Promise<boolean>;
  countAvailable(agentId: string): Promise<number>;
  /** Evidence for one message: leased or available becomes `delivered`. Undefined where this agent has no such delivery. */
  confirm(agentId: string, messageId: string, kind: Evidence, now: number): Promise<Delivery | undefined>;
  /** Ends the lease early; only its own holder may. Undefined: no such lease of this agent, or ended already. */
  releaseIfHeld(agentId: string, leaseId: string, now: number): Promise<number | undefined>;
  /** Leases that ran out: their deliveries become available again, or `expired`. Returns the agents that have mail again. */
  rescue(now: number): Promise<readonly string[]>;
  /**
   * What nobody took in time becomes `expired`. What `tell` makes of an email that ended so is stored in the same
   * transaction, where its recipient lives. Returns how many ended, and what was told.
   */
  expire(
    now: number,
    tell: (message: Message, delivery: Delivery) => NewMail | undefined,
  ): Promise<{ readonly expired: number; readonly told: readonly NewMail[] }>;
  /** Forgets sessions that were last seen before and hold nothing; returns how many. */
  pruneSessions(before: number): Promise<number>;
  find(id: string): Promise<Delivery | undefined>;
  /** Open deliveries by state, for /metrics. */
  countOpen(): Promise<ReadonlyMap<DeliveryState, number>>;
}

export interface OutboxItem {
  readonly delivery: Delivery;
  readonly email: OutgoingEmail;
}

export interface OutboxStore {
  /**
   * The email that has been due longest, leased for the worker; undefined where nothing is due. Mail for
   * `exceptDomains` is passed over, and holds up no other.
   */
  claimNext(
    now: number,
    leaseMs: number,
    leaseId: string,
    exceptDomains?: readonly string[],
  ): Promise<OutboxItem | undefined>;
  /**
   * Records the outcome if the claim is still good; with `deferred`, `retryAt` null means: out of attempts, bounced.
   * `notice`, which tells the sender, is stored in the same transaction where its recipient lives.
   */
  settleIfClaimed(
    item: OutboxItem,
    outcome: Outcome,
    settled: {
      readonly retryAt: number | null;
      readonly now: number;
      readonly notice: NewMail | undefined;
      readonly suppress?: Suppression | undefined;
      /** The same email made smaller: every later attempt sends these bytes. */
      readonly raw?: Buffer | undefined;
      /** Another Message-ID by which answers will name this email: `findByEmailMessageId` finds it from then on. */
      readonly alias?: string | undefined;
    },
  ): Promise<Delivery | undefined>;
  /** At start: what a worker of a relay that died had in hand is due again. Nothing else may be working. */
  rescueAll(now: number): Promise<void>;
  /** When the next email for other domains than these is due; undefined where none waits. */
  nextDueAt(exceptDomains?: readonly string[]): Promise<number | undefined>;
  /** When mail went out after `since`, and for which domain, the oldest first; at most `limit`, the newest. */
  sentSince(since: number, limit: number): Promise<readonly { readonly domain: string; readonly at: number }[]>;
  /** Newest first. */
  list(page: PageRequest): Promise<Page<OutboxItem>>;
  findByEnvid(envid: string): Promise<OutboxItem | undefined>;
}

export interface RouteStore {
  find(id: string): Promise<ReplyRoute | undefined>;
}

export interface HeldDelivery {
  readonly hold: Hold;
  readonly delivery: Delivery;
  readonly message: Message;
}

export interface HoldStore {
  /** Undecided ones, newest first. */
  list(page: PageRequest): Promise<Page<HeldDelivery>>;
  find(id: string): Promise<HeldDelivery | undefined>;
  /** How many messages of a thread wait for a person's approval. */
  countOpenApprovals(threadId: string): Promise<number>;
  /** How many emails of an agent to an address wait for a person's approval. */
  countOpenApprovalsTo(agentId: string, address: string): Promise<number>;
  /** `held` becomes available (accepted; a quarantined sender counts as known from then on) or cancelled (dropped). */
  decideIfOpen(id: string, decision: 'accepted' | 'dropped', now: number): Promise<HeldDelivery | undefined>;
}

export interface MailboxPosition {
  readonly uidValidity: string;
  /** One after the `lastUid` that this UIDVALIDITY was first seen with. */
  readonly firstUid: number;
  readonly lastUid: number;
}

export interface MailboxStore {
  find(account: string, folder: string): Promise<MailboxPosition | undefined>;
  /** Never back within a UIDVALIDITY. */
  move(cursor: CursorMove): Promise<void>;
  /** Returns how many times this UID has failed now. */
  countFailure(account: string, folder: string, uidValidity: string, uid: number): Promise<number>;
}

/** An email that was sent back or left for a while, since it could not be told who sent it. */
export interface Deferral {
  /** This time counted. */
  readonly tries: number;
  readonly firstAt: number;
}

export interface DeferralStore {
  /** Counts one more try of the email with this hash. */
  count(hash: string, now: number): Promise<Deferral>;
  /** Forgets those first seen earlier. */
  prune(before: number): Promise<void>;
}

export interface SigningKeyRow {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  /** PKCS #8 PEM. */
  readonly privatePem: string;
  readonly publicJwk: Readonly<Record<string, unknown>>;
  /** Published before, used from then on. */
  readonly validFrom: number;
  readonly retiredAt: number | null;
}

export interface SigningKeyStore {
  list(): Promise<readonly SigningKeyRow[]>;
  add(key: SigningKeyRow): Promise<void>;
}

/** A key that signs outgoing mail (RFC 6376); its public half stands in the DNS under `selector`. */
export interface DkimKeyRow {
  readonly selector: string;
  readonly algorithm: 'rsa' | 'ed25519';
  /** PKCS #8 PEM. */
  readonly privatePem: string;
  readonly createdAt: number;
  /** Signs from then on; null: to be published first. */
  readonly usedFrom: number | null;
  readonly retiredAt: number | null;
}

export interface DkimKeyStore {
  /** The oldest first. */
  list(): Promise<readonly DkimKeyRow[]>;
  /** All of them; none and false where one of the selectors is taken. */
  addIfNew(keys: readonly DkimKeyRow[]): Promise<boolean>;
  /** The keys that wait sign from now on, and those that signed are retired. False where none waits. */
  switchIfWaiting(now: number): Promise<boolean>;
}

/** A key of another relay that signed mail kept here. */
export interface PeerKeyRow {
  /** The relay's domain. */
  readonly iss: string;
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly jwk: Readonly<Record<string, unknown>>;
  readonly seenAt: number;
  /** Since when its relay does not publish it any more: what it signed is not believed. */
  readonly goneAt: number | null;
}

export interface PeerKeyStore {
  list(): Promise<readonly PeerKeyRow[]>;
  /** Published now: one that was gone is back. */
  keep(key: PeerKeyRow): Promise<void>;
  /** These are all keys the relay publishes now; returns the ids of those that are gone since. */
  keepOnly(iss: string, kids: readonly string[], now: number): Promise<readonly string[]>;
}

export interface SecretStore {
  /** The secret of that name, made by `make` at its first use. */
  getOrMake(name: string, make: () => Buffer): Promise<Buffer>;
  find(name: string): Promise<Buffer | undefined>;
  /** In place of the one there was. */
  put(name: string, value: Buffer): Promise<void>;
}

/** Addresses in any case; they are kept in lower case. */
export interface SuppressionStore {
  /** Once for address, agent and reason: what is known already stays as it was. False where nothing was added. */
  add(suppression: Suppression): Promise<boolean>;
  /** What keeps this agent's mail from that address now; the one that is hardest to take back, if there are several. */
  find(address: string, agentId: string | null, now: number): Promise<Suppression | undefined>;
  /** All of that address, or with `reason` only those; for every agent. Returns how many there were. */
  remove(address: string, reason?: SuppressionReason): Promise<number>;
  /** Newest first, ended ones included until they are pruned. */
  list(page: PageRequest): Promise<Page<Suppression>>;
  /** Drops those that have ended; returns how many. */
  prune(now: number): Promise<number>;
}

export interface AutoAnswerStore {
  /** May whom this names (an address, or what else is told once) be told on this day (`2026-03-02`, or an hour of it)? True once. */
  claim(address: string, day: string): Promise<boolean>;
  /** Forgets all days before this one; returns how many answers that were. */
  prune(day: string): Promise<number>;
}

export interface Stores {
  readonly agents: AgentStore;
  readonly keys: KeyStore;
  readonly enrolments: EnrolmentStore;
  readonly messages: MessageStore;
  readonly deliveries: DeliveryStore;
  readonly outbox: OutboxStore;
  readonly routes: RouteStore;
  readonly holds: HoldStore;
  readonly deferrals: DeferralStore;
  readonly mailboxes: MailboxStore;
  readonly signingKeys: SigningKeyStore;
  readonly peerKeys: PeerKeyStore;
  readonly dkimKeys: DkimKeyStore;
  readonly secrets: SecretStore;
  readonly receipts: ReceiptStore;
  readonly inboxes: InboxStore;
  readonly suppressions: SuppressionStore;
  readonly autoAnswers: AutoAnswerStore;
  /** Writes what is waiting and closes. */
  close(): Promise<void>;
}
