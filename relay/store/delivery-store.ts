/** What the rules may ask of storage about deliveries to agents: a turn, evidence, leases. The promises are those of stores.ts. */
import type { Delivery, DeliveryState, Evidence, Lease, LeasePath, Message } from '../types.ts';
import type { NewMail } from './stores.ts';

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
