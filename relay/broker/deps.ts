/** What the rules are handed: storage, time, chance, keys, and a way to wake who waits. Nothing else of the world. */
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { EmailFrame } from '../mail/compose-email.ts';
import type { Authenticator, Extractor } from '../mail/contracts.ts';
import type { Stores } from '../store/stores.ts';
import type { Signer } from './signer.ts';

/** The settings the rules need. */
export interface BrokerSettings {
  readonly domain: string;
  readonly owner: string | null;
  /** Addresses of the mailboxes the relay reads; agents are `local+name@` there. The first one sends. */
  readonly mailboxAddresses: readonly string[];
  readonly leaseMs: number;
  readonly maxMessage: number;
  readonly tokenLetsIn: { readonly smtp: boolean; readonly imap: boolean; readonly http: boolean };
}

export type CountedEvent =
  | 'messages_accepted'
  | 'messages_injected'
  | 'messages_leased'
  | 'deliveries_confirmed'
  | 'deliveries_released'
  | 'emails_received'
  | 'emails_held'
  | 'emails_sent'
  | 'emails_deferred'
  | 'emails_bounced';

export interface BrokerDeps {
  readonly stores: Stores;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: BrokerSettings;
  readonly signer: Signer;
  /** Keys the reply tokens; see mail/reply-token.ts. */
  readonly tokenSecret: Buffer;
  readonly emailFrame: EmailFrame;
  readonly authenticator: Authenticator;
  readonly extractor: Extractor;
  readonly randomBytes: (size: number) => Buffer;
  /** For /metrics. */
  readonly count: (event: CountedEvent, by?: number) => void;
  /** Mail may be there now for these agents. */
  readonly wake: (agentIds: readonly string[]) => void;
  /** An email is due now. */
  readonly wakeOutbox: () => void;
}
