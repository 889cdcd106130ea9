/** The relay's parts, built from the settings and connected; started and stopped as one. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { createMcpHttpHandler, type McpHttpHandler } from '../mcp-remote/http.ts';
import type { BrokerDeps } from './broker/deps.ts';
import { keepHouse } from './broker/housekeeping.ts';
import { ensureAdminKey } from './broker/keys.ts';
import { letterBoxKeeper, smtpDesk } from './broker/mail-desk.ts';
import { loadDkimDesk } from './broker/outbox/dkim-desk.ts';
import { Outbox } from './broker/outbox/outbox.ts';
import { loadSigner } from './broker/signer.ts';
import { tokenVault } from './broker/token-vault.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { checkSocketPath, prepareDataFolder, readAdminKey, readPem, readTlsPair } from './data-folder.ts';
import { RelayError } from './errors.ts';
import { createApp } from './http/app.ts';
import { type Listening, listenError, listenSocket, listenTcp } from './http/listen.ts';
import { createMetrics, type Metrics } from './http/metrics.ts';
import type { Log } from './log.ts';
import { startAuthenticator } from './mail/auth/authenticator.ts';
import { authservIdFor } from './mail/auth/authserv-id.ts';
import { withoutSpecialNames } from './mail/auth/dns-limits.ts';
import { readEmailFrame } from './mail/compose/compose-email.ts';
import { openCourier } from './mail/courier/open-courier.ts';
import { type Resolver, systemResolver } from './mail/dns.ts';
import type { LetterBox } from './mail/imap/letter-box.ts';
import { imapLetterBoxes } from './mail/imap/letter-boxes.ts';
import { type TokensFor, tokensFor } from './mail/oauth/mail-login.ts';
import { readOAuthFile } from './mail/oauth/oauth-file.ts';
import { startExtractor } from './mail/replies/extractor.ts';
import { keyDirectory } from './mail/signature/jwks-fetch.ts';
import { type SmtpListener, startSmtpListener } from './mail/smtp/smtp-listener.ts';
import { makeTlsPair } from './mail/smtp/tls-pair.ts';
import { s3ObjectStore } from './mail/web/object-store.ts';
import { snsChecker } from './mail/web/sns-message.ts';
import { publicFetch, type WebFetch } from './mail/web/web-fetch.ts';
import { PACKAGE_ROOT, VERSION } from './package-info.ts';
import { Waiters } from './push/waiters.ts';
import { lockFolder } from './store/sqlite/folder-lock.ts';
import { openSqlite } from './store/sqlite/open-sqlite.ts';
import type { Stores } from './store/stores.ts';

export interface RunningRelay {
  readonly httpUrl: string;
  readonly socketPath: string | null;
  readonly smtpHost: string;
  /** Null where it takes no mail by SMTP. */
  readonly smtpPort: number | null;
  /** Null where there is no port with implicit TLS. */
  readonly smtpsPort: number | null;
  readonly adminKey: string;
  readonly stores: Stores;
  /** Stops taking work, finishes what is in hand, closes the store. */
  close(): Promise<void>;
}

/** What is in hand gets this long to come to an end; with the store's closing it stays below the ten seconds promised. */
const GRACE_MS = 8_000;
/** Requests get less: who does not finish sending one in time was not promised anything. */
const REQUEST_GRACE_MS = 5_000;

/** `clock`, `resolver` and `fetch` are the world's; tests hand in their own. */
export async function openRelay(
  config: Config,
  log: Log,
  clock: Clock = systemClock,
  resolver: Resolver = withoutSpecialNames(systemResolver()),
  fetch: WebFetch = publicFetch,
): Promise<RunningRelay> {
  prepareDataFolder(config.dataDir);
  if (config.socketPath !== null) checkSocketPath(config.socketPath);
  const unlock = lockFolder(path.join(config.dataDir, 'relay.lock'));
  const stoppers: Stopper[] = [];
  const closers: Stopper[] = [];
  let stores: Stores | undefined;
  const stop = async (): Promise<void> => {
    // All at once: each of them needs nothing but the store and what is closed after them.
    await Promise.all(stoppers.map((stopper) => stopper()));
    await Promise.all(closers.map((closer) => closer()));
    await stores?.close();
    unlock();
  };
  let stopping: Promise<void> | undefined;
  const close = (): Promise<void> => {
    stopping ??= stop();
    return stopping;
  };
  try {
    stores = openSqlite(config.databaseFile);
    return { ...(await connect({ config, log, clock, resolver, fetch, stores, stoppers, closers })), stores, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Stops taking work at once, resolves when what was in hand is done, or its time is over. */
type Stopper = () => Promise<void>;

interface Building {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly resolver: Resolver;
  readonly fetch: WebFetch;
  readonly stores: Stores;
  readonly stoppers: Stopper[];
  /** What those who stop still need: closed after them. */
  readonly closers: Stopper[];
}

async function connect(building: Building): Promise<Omit<RunningRelay, 'stores' | 'close'>> {
  const { config, clock, stores } = building;
  const adminKey = readAdminKey(
    config.dataDir,
    config.adminKey,
    () => `tp_admin_${randomBytes(32).toString('base64url')}`,
  );
  await ensureAdminKey({ stores, clock }, adminKey);
  const waiters = new Waiters(clock);
  const metrics = createMetrics();
  const outboxBell = { ring: () => {} };
  const deps = await brokerDeps(building, { waiters, metrics, wakeOutbox: () => outboxBell.ring() });
  const tokens = mailTokens(building);
  const boxes = letterBoxes(deps, config, tokens);
  startDuties(building, deps, { boxes, tokens }, outboxBell);
  const smtp = await openSmtp(building, deps);
  const httpUrl = await openHttp(building, deps, { waiters, metrics, boxes });
  const { socketPath, smtpHost } = config;
  return {
    httpUrl,
    socketPath,
    smtpHost,
    smtpPort: smtp?.port ?? null,
    smtpsPort: smtp?.implicitTlsPort ?? null,
    adminKey,
  };
}

async function brokerDeps(
  { config, log, clock, resolver, fetch, stores, closers }: Building,
  parts: { readonly waiters: Waiters; readonly metrics: Metrics; readonly wakeOutbox: () => void },
): Promise<BrokerDeps> {
  const { domain, owner = null, leaseMs, maxMessage, tokenLetsIn, mailboxes } = config;
  const signer = await loadSigner(stores, clock.now());
  const extractor = startExtractor({ clock, log });
  closers.push(() => extractor.close());
  return {
    stores,
    clock,
    log,
    settings: {
      domain,
      owner,
      leaseMs,
      maxMessage,
      tokenLetsIn,
      peers: config.peers,
      intake: { secrets: config.intakeSecrets ?? [], sesTopics: config.sesTopics ?? [] },
      outbound: {
        publicUrl: config.publicUrl ?? null,
        maxEmail: config.maxEmail,
        mailHost: config.mailHost,
        through: config.smtpUrl === undefined || config.smtpUrl === 'mx:' ? null : new URL(config.smtpUrl).hostname,
        takesMail: config.smtpPort !== null,
        certified: config.smtpTlsCert !== undefined,
      },
      mailboxAddresses: mailboxes.map(({ address }) => address),
      inboxes: {
        anonymous: config.anonymousInboxes,
        quota: config.inboxQuota,
        anonymousQuota: config.anonymousInboxQuota,
        retentionMs: config.inboxRetentionMs,
      },
    },
    signer,
    ses: {
      sns: snsChecker({ fetch, clock }),
      fetch,
      objects:
        config.s3Url === undefined ? null : s3ObjectStore({ url: config.s3Url, maxBytes: maxMessage, fetch, clock }),
    },
    keyDirectory: keyDirectory({
      fetch,
      clock,
      onKeys: (issuer, kids) => signer.peerKeys.keepOnly(issuer, kids, clock.now()),
    }),
    tokenSecret: await stores.secrets.getOrMake('reply_token', () => randomBytes(32)),
    resolver,
    fetch,
    randomBytes,
    dkim: await loadDkimDesk(stores, domain, clock.now()),
    emailFrame: readEmailFrame(path.join(PACKAGE_ROOT, 'templates', 'email')),
    authenticator: startAuthenticator({
      resolver,
      tokenLetsIn,
      authservIdOf: (account) => authservIdFor(account.slice(account.lastIndexOf('@') + 1), config.authservId),
      forwarders: config.arcForwarders,
      clock,
      log,
    }),
    extractor,
    count: parts.metrics.count,
    wake: (agentIds) => parts.waiters.wake(agentIds),
    wakeOutbox: parts.wakeOutbox,
  };
}

/** Reads the file once, so that a mistake in it is told at the start; after that whenever a token is due. */
function mailTokens({ config, stores, clock, log }: Building): TokensFor {
  const accounts = () => readOAuthFile(config.oauthFile);
  accounts();
  return tokensFor({ accounts, vault: tokenVault(stores.secrets), clock, log });
}

function letterBoxes(deps: BrokerDeps, config: Config, tokens: TokensFor): LetterBox[] {
  const ca = config.tlsCa === undefined ? undefined : readPem('TURNPOST_TLS_CA', config.tlsCa);
  const { mailboxes, readJunk, pollIntervalMs, maxMessage: maxBytes } = config;
  const { clock, log } = deps;
  const keeper = letterBoxKeeper(deps);
  return imapLetterBoxes(mailboxes, { tokens, readJunk, ca, pollIntervalMs, keeper, clock, log, maxBytes });
}

/** What runs beside the requests; each ends by itself when the signal aborts. */
function startDuties(
  building: Building,
  deps: BrokerDeps,
  { boxes, tokens }: { readonly boxes: readonly LetterBox[]; readonly tokens: TokensFor },
  bell: { ring: () => void },
): void {
  const { log, clock, stoppers, config } = building;
  const ca = config.tlsCa === undefined ? undefined : readPem('TURNPOST_TLS_CA', config.tlsCa);
  const courier = openCourier({ ...config, ...building, ca, tokens });
  const outbox = courier && new Outbox(deps, courier, config.sendLimits);
  bell.ring = () => outbox?.wake();
  const stop = new AbortController();
  const duties = [
    duty('housekeeping', keepHouse(deps, stop.signal)),
    ...boxes.map((box) => duty(`imap:${box.account}`, box.run(stop.signal))),
    ...(outbox === undefined ? [] : [duty('outbox', outbox.run(stop.signal))]),
  ];
  stoppers.push(async () => {
    stop.abort();
    await atMost(clock, GRACE_MS, Promise.all(duties));
  });

  async function duty(name: string, running: Promise<void>): Promise<void> {
    try {
      await running;
    } catch (error) {
      log.error({ duty: name, cause: error }, 'a background duty ended: restart the relay and report this');
    }
  }
}

/** Resolves with the work, or when its time is over. */
async function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, clock.sleep(ms, done.signal)]);
  done.abort();
}

async function openSmtp(
  { config, log, clock, stoppers }: Building,
  deps: BrokerDeps,
): Promise<SmtpListener | undefined> {
  const { smtpPort, smtpsPort, smtpHost, domain, dataDir, maxMessage } = config;
  if (smtpPort === null) return undefined;
  const configured = { cert: config.smtpTlsCert, key: config.smtpTlsKey };
  const tls = await readTlsPair(dataDir, configured, () => makeTlsPair(domain, clock.now()));
  const listener = await startSmtpListener({
    host: smtpHost,
    port: smtpPort,
    implicitTlsPort: smtpsPort,
    tls,
    maxBytes: maxMessage,
    domain,
    desk: smtpDesk(deps),
    clock,
    log,
  }).catch((error: NodeJS.ErrnoException) => {
    const [also, setting] = smtpsPort === null ? ['', ''] : [` or ${smtpsPort}`, ' or TURNPOST_SMTPS_PORT'];
    throw listenError(error, `${smtpHost}:${smtpPort}${also}`, `TURNPOST_SMTP_PORT${setting}`);
  });
  stoppers.push(() => listener.close());
  return listener;
}

async function openHttp(
  { config, log, clock, stoppers }: Building,
  deps: BrokerDeps,
  {
    waiters,
    metrics,
    boxes,
  }: { readonly waiters: Waiters; readonly metrics: Metrics; readonly boxes: readonly LetterBox[] },
): Promise<string> {
  const stopping = new AbortController();
  let mcp: McpHttpHandler | undefined;
  const app = createApp(deps, {
    version: VERSION,
    notReady: () => boxes.flatMap((box) => (box.state().ready ? [] : [box.state().account])),
    hostNames: [
      config.httpHost,
      // RFC 8461 section 3.2: there the domain's policy is asked for.
      `mta-sts.${config.domain}`,
      ...(config.publicUrl === undefined ? [] : [new URL(config.publicUrl).hostname]),
    ],
    wait: (ids, ms, signal) => waiters.wait(ids, ms, signal),
    stopping: stopping.signal,
    countWaiters: () => waiters.count,
    metrics,
    mcp: async (req, res) => {
      if (mcp === undefined) throw new RelayError('unavailable');
      await mcp(req, res);
    },
  });
  const servers: Listening[] = [await listenTcp(app, config.httpHost, config.httpPort)];
  const host = config.httpHost.includes(':') ? `[${config.httpHost}]` : config.httpHost;
  const url = `http://${host}:${servers[0]?.port ?? config.httpPort}`;
  stoppers.push(async () => {
    stopping.abort();
    const [tcp, ...local] = servers;
    // Tools in hand call back over the socket: they end first.
    const outer = tcp?.close();
    await atMost(clock, REQUEST_GRACE_MS / 2, outer ?? Promise.resolve());
    await mcp?.close();
    const closing = Promise.all([outer, ...local.map((server) => server.close())]);
    await atMost(clock, REQUEST_GRACE_MS / 2, closing);
    for (const server of servers) server.cut();
    await closing;
  });
  if (config.socketPath !== null) servers.push(await listenSocket(app, config.socketPath));
  // The MCP server is a client of this relay's own interface.
  mcp = createMcpHttpHandler({
    relay: config.socketPath === null ? { url } : { socketPath: config.socketPath },
    version: VERSION,
    maxBodyBytes: config.maxMessage * 2,
    reportBug: (error) => log.error({ cause: error }, 'mcp'),
  });
  return url;
}
