/** What the rules are handed: storage, time, chance, keys, and a way to wake who waits. Nothing else of the world. */
import type { Clock } from '../clock.ts';
import type { InboxQuota } from '../disposable-inbox.ts';
import type { Log } from '../log.ts';
import type { EmailFrame } from '../mail/compose/compose-email.ts';
import type { Authenticator, Extractor } from '../mail/contracts.ts';
import type { Resolver } from '../mail/dns.ts';
import type { KeyDirectory } from '../mail/signature/jwks-fetch.ts';
import type { WebFetch } from '../mail/web/web-fetch.ts';
import type { Stores } from '../store/stores.ts';
import type { SesWorld } from './intake/ses-intake.ts';
import type { DkimDesk } from './outbox/dkim-desk.ts';
import type { Signer } from './signer.ts';

/** The settings the rules need. */
export interface BrokerSettings {
  readonly domain: string;
  readonly owner: string | null;
  /** Addresses of the mailboxes the relay reads; agents are `local+name@` there. The first one sends. */
  readonly mailboxAddresses: readonly string[];
  readonly outbound: OutboundSettings;
  readonly leaseMs: number;
  readonly maxMessage: number;
  readonly inboxes: InboxSettings;
  readonly intake: IntakeSettings;
  /** Domains of the relays whose agents' mail goes on; `*`: of all that sign it. */
  readonly peers: readonly string[];
  readonly tokenLetsIn: { readonly smtp: boolean; readonly imap: boolean; readonly http: boolean };
}

/** What disposable inboxes may be and how long they are kept. */
export interface InboxSettings {
  /** May callers without a key make some? */
  readonly anonymous: boolean;
  readonly quota: InboxQuota;
  readonly anonymousQuota: InboxQuota;
  /** How long the mail can still be read when an inbox has expired. */
  readonly retentionMs: number;
}

/** Who may hand in mail by HTTP. */
export interface IntakeSettings {
  /** Keys of signed requests; none: nobody. */
  readonly secrets: readonly Buffer[];
  /** ARNs of the SNS topics whose notifications count; none: nobody's. */
  readonly sesTopics: readonly string[];
}

export interface OutboundSettings {
  /** Where people reach this relay; null where nobody said so. */
  readonly publicUrl: string | null;
  /** Largest email, as composed, in bytes. */
  readonly maxEmail: number;
  /** Name under which other mail servers reach this machine. */
  readonly mailHost: string;
  /** Host that mail goes out through; null: from this machine itself, or not at all. */
  readonly through: string | null;
  /** Mail is taken by SMTP, and with a certificate that was given for it. */
  readonly takesMail: boolean;
  readonly certified: boolean;
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
  readonly dkim: DkimDesk;
  readonly authenticator: Authenticator;
  readonly extractor: Extractor;
  /** The keys of other relays' agents. */
  readonly keyDirectory: KeyDirectory;
  readonly ses: SesWorld;
  readonly resolver: Resolver;
  readonly fetch: WebFetch;
  readonly randomBytes: (size: number) => Buffer;
  /** For /metrics. */
  readonly count: (event: CountedEvent, by?: number) => void;
  /** Mail may be there now for these agents. */
  readonly wake: (agentIds: readonly string[]) => void;
  /** An email is due now. */
  readonly wakeOutbox: () => void;
}
