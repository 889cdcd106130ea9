/**
 * What the rules may ask of storage. One method is one transaction and none spans an await inside; on return it is on
 * disk. SQLite (sqlite/) is the first implementation, PostgreSQL the second to come; test/conformance/ holds for all.
 *
 * A guard stands where it can refuse: methods named `...If...` return undefined or false instead of changing anything.
 * All throw RelayError `unavailable` where the store cannot write (full disk, locked database): nothing has changed then.
 */
import type { AgentStore, EnrolmentStore, KeyStore } from './agent-stores.ts';
import type { DeliveryStore } from './delivery-store.ts';
import type { InboxStore } from './inbox-store.ts';
import type {
  AutoAnswerStore,
  DeferralStore,
  DkimKeyStore,
  MailboxStore,
  PeerKeyStore,
  SecretStore,
  SigningKeyStore,
  SuppressionStore,
} from './mail-stores.ts';
import type { MessageStore } from './message-store.ts';
import type { HoldStore, OutboxStore, RouteStore } from './outbox-store.ts';

export type * from './agent-stores.ts';
export type * from './delivery-store.ts';
export type * from './inbox-store.ts';
export type * from './mail-stores.ts';
export type * from './message-store.ts';
export type * from './outbox-store.ts';

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
