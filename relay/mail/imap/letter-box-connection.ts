/**
 * One connection to an IMAP account (imapflow). Folders are opened read-only: EXAMINE and BODY.PEEK, so a person's phone
 * sees no difference. Every command has a deadline; one that passes it closes the connection, since a server can be
 * half dead (an IDLE that looks alive for half a minute after its server is gone).
 */
import { ImapFlow } from 'imapflow';
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { AccessToken } from '../oauth/oauth-tokens.ts';
import type { ServerAddress } from '../server-url.ts';
import { imapProvider } from './imap-provider.ts';
import { HEADER_FIELDS, type MailHead, type OpenMailbox } from './letter-box-drain.ts';
import type { ListedFolder } from './letter-box-folders.ts';

export interface ConnectionOptions {
  readonly server: ServerAddress;
  /** Logs in with it in place of the password. */
  readonly token?: AccessToken | undefined;
  readonly ca?: string | undefined;
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface MailboxConnection {
  /** False once the connection is of no more use; nothing announces it (facts: idle() on a dead link resolves). */
  readonly usable: boolean;
  /** What the server said when it ended the session; null where it said nothing. */
  readonly farewell: string | null;
  listFolders(): Promise<readonly ListedFolder[]>;
  /** Opens it, where it is not open already; good until another one is opened. */
  open(folder: string): Promise<OpenMailbox>;
  /** Changes with what lies in a folder that is not open; costs one short command (RFC 9051 section 6.3.11). */
  stateOf(folder: string): Promise<string>;
  /** Resolves on news, on the end of the connection, on abort, or after `ms`. Never means "one new mail". */
  waitForNews(ms: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

const COMMAND_MS = 60_000;
const SOURCE_MS = 5 * 60_000;
/** RFC 2177 section 3 says 29 minutes; NAT and Exchange forget a silent connection sooner. */
const IDLE_MS = 5 * 60_000;
const CONNECT_MS = 30_000;
const LOGOUT_MS = 2000;
/**
 * After so much silence imapflow asks by NOOP whether the server is still there. It also waits up to half of this by
 * itself where a server asks to be left alone, which must end before COMMAND_MS does.
 */
const SILENCE_MS = 100_000;
/** Room for a mail's literal beside the protocol's own words. */
const SLACK_BYTES = 1024 * 1024;

/** Connects and logs in; opens nothing yet. */
export async function connectMailbox(options: ConnectionOptions): Promise<MailboxConnection> {
  const { clock, log, server } = options;
  const client = new ImapFlow(clientOptions(options));
  if (!imapProvider(server.host).wantsId) withoutId(client);
  const news = { waiting: true, wake: () => {} };
  const announce = () => {
    news.waiting = true;
    news.wake();
  };
  // Coalesced and with a count only: it says "look", not what.
  client.on('exists', announce);
  client.on('close', announce);
  client.on('error', (cause) => log.debug({ tag: 'imap', host: server.host, cause }, 'connection error'));
  const run = <T>(ms: number, command: () => Promise<T>) => withDeadline(client, clock, ms, command);
  try {
    await run(CONNECT_MS * 2, () => client.connect());
  } catch (error) {
    client.close();
    throw error;
  }
  return {
    get usable() {
      return client.usable;
    },
    get farewell() {
      return client.byeReason ?? null;
    },
    listFolders: () => run(COMMAND_MS, () => listFolders(client)),
    async open(folder) {
      if (client.mailbox === false || client.mailbox.path !== folder)
        await run(COMMAND_MS, () => client.mailboxOpen(folder, { readOnly: true }));
      return openMailbox(client, run, news);
    },
    async stateOf(folder) {
      const query = { uidNext: true, uidValidity: true, messages: true } as const;
      const state = await run(COMMAND_MS, () => client.status(folder, query));
      if (state === false) throw new Error(`the server does not tell the state of ${folder}`);
      return `${state.uidValidity} ${state.uidNext} ${state.messages}`;
    },
    waitForNews: (ms, signal) => waitForNews(client, news, clock, ms, signal),
    async close() {
      if (client.usable) await Promise.race([client.logout().catch(() => undefined), clock.sleep(LOGOUT_MS)]);
      client.close();
    },
  };
}

type Run = <T>(ms: number, command: () => Promise<T>) => Promise<T>;

function openMailbox(client: ImapFlow, run: Run, news: { waiting: boolean }): OpenMailbox {
  return {
    get uidValidity() {
      return String(selected(client).uidValidity);
    },
    get uidNext() {
      return Number(selected(client).uidNext);
    },
    async findUids(first) {
      news.waiting = false;
      const uids = await run(COMMAND_MS, () => client.search({ uid: `${first}:*` }, { uid: true }));
      if (!Array.isArray(uids)) throw new Error('the server refused to search the mailbox');
      return uids;
    },
    fetchHeads: (uids) => run(COMMAND_MS, () => fetchHeads(client, uids)),
    async fetchSource(uid) {
      const mail = await run(SOURCE_MS, () => client.fetchOne(String(uid), { uid: true, source: true }, { uid: true }));
      return mail === false ? undefined : mail.source;
    },
  };
}

function clientOptions({ server, token, ca, maxBytes }: ConnectionOptions): ConstructorParameters<typeof ImapFlow>[0] {
  const { host, port, secure, user, password, loopback } = server;
  return {
    host,
    port,
    secure,
    // RFC 8314 section 5.2; imapflow's own default falls back to plain text (RFC 3501 section 6.2.1 stripping).
    ...(!secure && !loopback && { doSTARTTLS: true }),
    ...(!secure && loopback && ca === undefined && { doSTARTTLS: false }),
    servername: host,
    tls: ca === undefined ? {} : { ca },
    auth: { user: user ?? '', ...(token === undefined ? { pass: password ?? '' } : { accessToken: token.value }) },
    clientInfo: { name: 'Turnpost' },
    logger: false,
    disableAutoIdle: true,
    // Nothing here needs it, and some servers answer SEARCH wrongly in it.
    disableIMAP4rev2: true,
    maxIdleTime: IDLE_MS,
    missingIdleCommand: 'NOOP',
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    maxLiteralSize: maxBytes + SLACK_BYTES,
    maxResponseSize: maxBytes + 2 * SLACK_BYTES,
  };
}

/** imapflow sends ID (RFC 2971) to every server that offers it, twice, and has no option against it. */
function withoutId(client: ImapFlow): void {
  // Every command goes through this method, which the published types leave out.
  const inner = client as unknown as { run: (command: string, ...more: unknown[]) => Promise<unknown> };
  const run = inner.run.bind(client);
  inner.run = (command, ...more) => (command === 'ID' ? Promise.resolve(false) : run(command, ...more));
}

async function listFolders(client: ImapFlow): Promise<ListedFolder[]> {
  const folders = await client.list();
  return folders.map(({ path, specialUse, flags }) => ({
    path,
    specialUse: specialUse ?? null,
    selectable: !flags.has('\\Noselect'),
  }));
}

function selected(client: ImapFlow) {
  if (client.mailbox === false) throw new Error('the mailbox is no longer open');
  return client.mailbox;
}

/** All at once, and no command inside the loop over them: imapflow would wait for itself. */
async function fetchHeads(client: ImapFlow, uids: readonly number[]): Promise<MailHead[]> {
  const query = { uid: true, size: true, headers: HEADER_FIELDS };
  const mails = await client.fetchAll(uids.join(','), query, { uid: true });
  return mails.map((mail) => ({
    uid: mail.uid,
    size: mail.size ?? Number.MAX_SAFE_INTEGER,
    headers: mail.headers ?? Buffer.alloc(0),
  }));
}

async function withDeadline<T>(client: ImapFlow, clock: Clock, ms: number, command: () => Promise<T>): Promise<T> {
  const done = new AbortController();
  const deadline = clock.sleep(ms, done.signal).then(() => {
    if (done.signal.aborted) return;
    client.close();
    throw new Error(`the server did not answer within ${ms / 1000} s`);
  });
  try {
    // The deadline ends without a value only after the command has settled the race.
    return (await Promise.race([command(), deadline])) as T;
  } finally {
    done.abort();
    deadline.catch(() => undefined);
  }
}

async function waitForNews(
  client: ImapFlow,
  news: { waiting: boolean; wake: () => void },
  clock: Clock,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  // Mail may have been announced in the answer to any command (RFC 9051 section 7.4.1).
  if (news.waiting || !client.usable || signal.aborted) return;
  const done = new AbortController();
  const woken = new Promise<void>((resolve) => {
    news.wake = resolve;
    signal.addEventListener('abort', () => resolve(), { once: true, signal: done.signal });
  });
  // Broken by the next command; where the server has no IDLE, imapflow sends NOOPs instead.
  client.idle().catch(() => undefined);
  await Promise.race([woken, clock.sleep(ms, done.signal)]);
  news.wake = () => {};
  done.abort();
}
