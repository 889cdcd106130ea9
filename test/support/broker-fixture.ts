/** The rules of a relay with real stores (SQLite), real hosts and a clock that a test moves. No network. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { type Accepted, acceptMessage, type Outgoing } from '../../relay/broker/accept.ts';
import { type Registered, registerAgent } from '../../relay/broker/agents.ts';
import { type ClaimRequest, claim } from '../../relay/broker/claims.ts';
import type { BrokerDeps, BrokerSettings, CountedEvent } from '../../relay/broker/deps.ts';
import { authenticate, type Caller } from '../../relay/broker/keys.ts';
import { loadDkimDesk } from '../../relay/broker/outbox/dkim-desk.ts';
import { SessionTurns } from '../../relay/broker/session-turns.ts';
import { loadSigner } from '../../relay/broker/signer.ts';
import { silentLog } from '../../relay/log.ts';
import { startAuthenticator } from '../../relay/mail/auth/authenticator.ts';
import { readEmailFrame } from '../../relay/mail/compose/compose-email.ts';
import type { Authenticator } from '../../relay/mail/contracts.ts';
import { extractNewWords } from '../../relay/mail/replies/new-words.ts';
import { keyDirectory } from '../../relay/mail/signature/jwks-fetch.ts';
import type { ObjectStore } from '../../relay/mail/web/object-store.ts';
import { snsChecker } from '../../relay/mail/web/sns-message.ts';
import type { WebFetch } from '../../relay/mail/web/web-fetch.ts';
import { openSqlite } from '../../relay/store/sqlite/open-sqlite.ts';
import type { Delivery, DeliveryState } from '../../relay/types.ts';
import { ManualClock } from './manual-clock.ts';
import { type Zone, zoneResolver } from './zone-resolver.ts';

export const TEMPLATES = path.join(import.meta.dirname, '../../templates/email');
export const DOMAIN = 'turnpost.localhost';

export type AgentCaller = Caller & { readonly agent: NonNullable<Caller['agent']> };

export interface Correspondent {
  readonly registered: Registered;
  readonly caller: AgentCaller;
  readonly id: string;
  readonly address: string;
}

export interface Broker {
  readonly deps: BrokerDeps;
  readonly clock: ManualClock;
  readonly turns: SessionTurns;
  /** Agents that were woken, oldest first. */
  readonly woken: string[];
  readonly counted: Map<CountedEvent, number>;
  /** How often the outbox was told that an email is due. */
  readonly rung: () => number;
  readonly agent: (name: string, owner?: string) => Promise<Correspondent>;
  readonly send: (from: Correspondent, to: string | Correspondent, more?: Partial<Outgoing>) => Promise<Accepted>;
  /** Leases as a tool or the API does, without waiting. */
  readonly lease: (who: Correspondent, more?: Partial<ClaimRequest>) => ReturnType<typeof claim>;
  readonly deliveryOf: (sent: Accepted, index?: number) => Promise<Delivery>;
  readonly stateOf: (sent: Accepted, index?: number) => Promise<DeliveryState>;
}

interface BrokerOptions {
  /** A database file; in memory where left out. */
  readonly file?: string;
  readonly clock?: ManualClock;
  readonly settings?: Partial<BrokerSettings>;
  readonly randomBytes?: (size: number) => Buffer;
  readonly authenticator?: Authenticator;
  /** The web, for keys of other relays; nobody answers where left out. */
  readonly fetch?: WebFetch;
  readonly objects?: ObjectStore;
  /** What the DNS knows; nothing where left out. */
  readonly zone?: Zone;
  /** What the provider of the mailboxes calls itself in Authentication-Results. */
  readonly authservId?: string;
  /** Whose ARC seals are believed. */
  readonly forwarders?: readonly string[];
}

const SETTINGS: BrokerSettings = {
  domain: DOMAIN,
  owner: 'you@example.com',
  mailboxAddresses: [],
  outbound: {
    publicUrl: null,
    maxEmail: 20 * 1024 * 1024,
    mailHost: 'mail.example.com',
    through: null,
    takesMail: true,
    certified: false,
  },
  leaseMs: 600_000,
  maxMessage: 1_000_000,
  peers: [],
  intake: { secrets: [], sesTopics: [] },
  tokenLetsIn: { smtp: true, imap: false, http: false },
  inboxes: {
    anonymous: false,
    quota: { inboxes: 3, messages: 5, longestLifeMs: 24 * 3_600_000, perHour: 6 },
    anonymousQuota: { inboxes: 1, messages: 2, longestLifeMs: 3_600_000, perHour: 2 },
    retentionMs: 24 * 3_600_000,
  },
};

/** Call inside a test: the stores are closed at its end. */
export async function openBroker(options: BrokerOptions = {}): Promise<Broker> {
  const broker = await makeBroker(options);
  onTestFinished(() => broker.deps.stores.close());
  return broker;
}

/** For programs that are no test: who makes it closes its stores. */
export async function makeBroker(options: BrokerOptions = {}): Promise<Broker> {
  const clock = options.clock ?? new ManualClock();
  const stores = openSqlite(options.file ?? ':memory:');
  const woken: string[] = [];
  const counted = new Map<CountedEvent, number>();
  let rings = 0;
  const signer = await loadSigner(stores, clock.now());
  const { fetch = nobodyAnswers } = options;
  const deps: BrokerDeps = {
    stores,
    clock,
    log: silentLog,
    settings: { ...SETTINGS, ...options.settings },
    signer,
    ses: { sns: snsChecker({ fetch, clock }), fetch, objects: options.objects ?? null },
    keyDirectory: keyDirectory({
      fetch,
      clock,
      onKeys: (domain, kids) => signer.peerKeys.keepOnly(domain, kids, clock.now()),
    }),
    tokenSecret: await stores.secrets.getOrMake('reply_token', () => randomBytes(32)),
    emailFrame: readEmailFrame(TEMPLATES),
    dkim: await loadDkimDesk(stores, options.settings?.domain ?? DOMAIN, clock.now()),
    resolver: zoneResolver(options.zone ?? {}).resolve,
    fetch: options.fetch ?? nobodyAnswers,
    randomBytes: options.randomBytes ?? randomBytes,
    authenticator: options.authenticator ?? zoneAuthenticator(options, clock),
    extractor: { extract: async (email) => extractNewWords(email), close: async () => {} },
    count: (event, by = 1) => counted.set(event, (counted.get(event) ?? 0) + by),
    wake: (ids) => woken.push(...ids),
    wakeOutbox: () => {
      rings += 1;
    },
  };
  return {
    deps,
    clock,
    woken,
    counted,
    rung: () => rings,
    turns: new SessionTurns(deps),
    ...verbs(deps),
  };
}

const nobodyAnswers: WebFetch = async (url) => {
  throw new Error(`nobody answers at ${url}`);
};

function zoneAuthenticator({ zone = {}, authservId, forwarders = [], settings }: BrokerOptions, clock: ManualClock) {
  return startAuthenticator({
    resolver: zoneResolver(zone).resolve,
    tokenLetsIn: { ...SETTINGS, ...settings }.tokenLetsIn,
    authservIdOf: () => authservId,
    forwarders,
    clock,
    log: silentLog,
  });
}

function verbs(deps: BrokerDeps): Pick<Broker, 'agent' | 'send' | 'lease' | 'deliveryOf' | 'stateOf'> {
  const deliveryOf = async ({ deliveries }: Accepted, index = 0): Promise<Delivery> => {
    const delivery = await deps.stores.deliveries.find(deliveries[index]?.id ?? '');
    if (delivery === undefined) throw new Error(`there is no delivery ${index}`);
    return delivery;
  };
  return {
    deliveryOf,
    stateOf: async (sent, index) => (await deliveryOf(sent, index)).state,
    agent: (name, owner) => newAgent(deps, name, owner),
    send: (from, to, more = {}) =>
      acceptMessage(deps, from.caller, {
        to: [typeof to === 'string' ? to : to.address],
        cc: [],
        body: 'hello',
        sessionId: null,
        ...more,
      }),
    lease: (who, more = {}) =>
      claim(deps, async () => undefined, {
        caller: who.caller,
        sessionId: null,
        path: 'api',
        max: 10,
        leaseMs: deps.settings.leaseMs,
        waitMs: 0,
        confirmPrevious: false,
        signal: new AbortController().signal,
        ...more,
      }),
  };
}

async function newAgent(deps: BrokerDeps, name: string, owner?: string): Promise<Correspondent> {
  const registered = await registerAgent(deps, { name, ...(owner !== undefined && { owner }) });
  const { key, agent } = await authenticate(deps, registered.key.secret);
  if (agent === null) throw new Error('an agent key without an agent');
  return { registered, caller: { key, agent }, id: agent.id, address: `${name}@${deps.settings.domain}` };
}
