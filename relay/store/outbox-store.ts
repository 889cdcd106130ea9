/** What the rules may ask of storage about emails on their way out, their reply routes, and holds. The promises are those of stores.ts. */
import type { Delivery, Hold, Message, Outcome, OutgoingEmail, ReplyRoute, Suppression } from '../types.ts';
import type { NewMail, Page, PageRequest } from './stores.ts';

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
