/**
 * Every setting, once: name, default, meaning, parser. docs/configuration.md and templates/env.example are printed
 * from this table (`npm run docs`). Only main.ts reads the environment and hands it to loadConfig.
 */
import { homedir } from 'node:os';
import path from 'node:path';
import {
  adminKey,
  domain,
  duration,
  emailAddress,
  oneOf,
  port,
  portOrOff,
  size,
  sqlitePath,
  text,
  textOrOff,
  url,
  urls,
} from './config-values.ts';
import { LOG_LEVELS, type LogLevel } from './log.ts';

interface Setting<T> {
  /** Shown in the docs where the default depends on something. */
  readonly shown?: string;
  /** As the user would write it; undefined: may be left out, and then the value is undefined. */
  readonly default: string | undefined;
  readonly doc: string;
  /** Never logged, never printed. */
  readonly secret?: true;
  parse(text: string): T;
}

const SETTINGS = {
  dataDir: {
    env: 'TURNPOST_DATA_DIR',
    default: '~/.local/share/turnpost',
    shown: '`$XDG_DATA_HOME/turnpost`, else `~/.local/share/turnpost`',
    doc: 'Folder of database, keys and socket; made with mode 0700.',
    parse: (value: string) => path.resolve(value.replace(/^~(?=\/|$)/, homedir())),
  },
  databaseUrl: {
    env: 'TURNPOST_DATABASE_URL',
    default: undefined,
    shown: '`turnpost.db` in the data folder',
    doc: 'Where messages are stored: a path or `sqlite:PATH`.',
    parse: sqlitePath,
    secret: true,
  },
  httpHost: {
    env: 'TURNPOST_HTTP_HOST',
    default: '127.0.0.1',
    doc: 'Address the HTTP interface listens on.',
    parse: text,
  },
  httpPort: { env: 'TURNPOST_HTTP_PORT', default: '8725', doc: 'Its port; 0 takes any free one.', parse: port },
  socket: {
    env: 'TURNPOST_SOCKET',
    default: undefined,
    shown: '`relay.sock` in the data folder',
    doc: 'Unix socket for hooks, command line and MCP on this machine; `off` for none.',
    parse: textOrOff,
  },
  publicUrl: {
    env: 'TURNPOST_PUBLIC_URL',
    default: undefined,
    shown: 'the http address',
    doc: 'Address under which others reach this relay; links in emails and metadata.',
    parse: url('http', 'https'),
  },
  smtpHost: { env: 'TURNPOST_SMTP_HOST', default: '127.0.0.1', doc: 'Address that takes mail by SMTP.', parse: text },
  smtpPort: {
    env: 'TURNPOST_SMTP_PORT',
    default: '2525',
    doc: 'Its port; 0 takes any free one, `off` takes no mail.',
    parse: portOrOff,
  },
  smtpTlsCert: {
    env: 'TURNPOST_SMTP_TLS_CERT',
    default: undefined,
    shown: 'a self-signed pair made at first start',
    doc: 'PEM file with the certificate for STARTTLS.',
    parse: text,
  },
  smtpTlsKey: {
    env: 'TURNPOST_SMTP_TLS_KEY',
    default: undefined,
    shown: 'as above',
    doc: 'PEM file with its key.',
    parse: text,
  },
  domain: {
    env: 'TURNPOST_DOMAIN',
    default: 'turnpost.localhost',
    doc: "Domain of the agents' addresses, `name@domain`.",
    parse: domain,
  },
  owner: {
    env: 'TURNPOST_OWNER',
    default: undefined,
    shown: 'none',
    doc: 'Email address of the owner of agents that name no other.',
    parse: emailAddress,
  },
  adminKey: {
    env: 'TURNPOST_ADMIN_KEY',
    default: undefined,
    shown: 'made at first start, `admin.key` in the data folder, mode 0600',
    doc: 'Key for everything an admin may do.',
    parse: adminKey,
    secret: true,
  },
  smtpUrl: {
    env: 'TURNPOST_SMTP_URL',
    default: undefined,
    shown: 'none: mail stays readable in the outbox',
    doc: 'Server for outgoing mail, `smtp(s)://user:pass@host:port`.',
    parse: url('smtp', 'smtps'),
    secret: true,
  },
  imapUrls: {
    env: 'TURNPOST_IMAP_URL',
    default: undefined,
    shown: 'none',
    doc: 'Mailboxes to read, `imap(s)://user:pass@host:port/FOLDER`, several by comma.',
    parse: urls('imap', 'imaps'),
    secret: true,
  },
  imapAddresses: {
    env: 'TURNPOST_IMAP_ADDRESS',
    default: undefined,
    shown: 'the user, if it is an address',
    doc: "Those mailboxes' addresses in the same order, by comma; agents are `local+name@` there.",
    parse: (value: string) => value.split(',').map((part) => emailAddress(part.trim())),
  },
  pollIntervalMs: {
    env: 'TURNPOST_POLL_INTERVAL',
    default: '60s',
    doc: 'How often a mailbox is looked at when IDLE is not to be had, and as a watchdog.',
    parse: duration,
  },
  tlsCa: {
    env: 'TURNPOST_TLS_CA',
    default: undefined,
    shown: "the system's",
    doc: 'PEM file of the authority that IMAP and SMTP peers are checked against.',
    parse: text,
  },
  inboundAuth: {
    env: 'TURNPOST_INBOUND_AUTH',
    default: undefined,
    shown: '`token` while the domain ends in .localhost, else `dmarc`',
    doc: 'What lets an emailed answer in: `token` (reply token and matching From) or `dmarc`. For IMAP `token` counts only when set here.',
    parse: oneOf('token', 'dmarc'),
  },
  authservId: {
    env: 'TURNPOST_AUTHSERV_ID',
    default: undefined,
    shown: 'preset for well-known providers',
    doc: 'Whose Authentication-Results to believe.',
    parse: text,
  },
  leaseMs: {
    env: 'TURNPOST_LEASE',
    default: '10m',
    doc: 'How long a message handed out waits for evidence before it is offered again.',
    parse: duration,
  },
  maxMessage: {
    env: 'TURNPOST_MAX_MESSAGE',
    default: '25MiB',
    doc: 'Largest message, attachments included.',
    parse: size,
  },
  logLevel: {
    env: 'TURNPOST_LOG_LEVEL',
    default: 'info',
    doc: 'debug, info, warn, error or silent; JSON lines on stderr.',
    parse: oneOf(...LOG_LEVELS) as (value: string) => LogLevel,
  },
} as const satisfies Record<string, Setting<unknown> & { readonly env: string }>;

type Settings = typeof SETTINGS;
type Parsed<K extends keyof Settings> = ReturnType<Settings[K]['parse']>;
type RawConfig = {
  readonly [K in keyof Settings]: Settings[K]['default'] extends string ? Parsed<K> : Parsed<K> | undefined;
};

/** The settings with what depends on others filled in. */
export type Config = RawConfig & {
  readonly databaseFile: string;
  readonly socketPath: string | null;
  readonly mailboxes: readonly { readonly url: string; readonly address: string }[];
  /** May a token alone let mail in, by the way it came? */
  readonly tokenLetsIn: { readonly smtp: boolean; readonly imap: boolean };
};

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Row = readonly [string, Setting<unknown> & { readonly env: string }];
const ROWS: readonly Row[] = Object.entries(SETTINGS);

/**
 * Reads all settings, or throws one ConfigError that names every bad one. `env` wins over `file` (the parsed JSON of
 * TURNPOST_CONFIG: the same names in lower case without the prefix). An empty value counts as unset.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>, file: unknown = {}): Config {
  const problems: string[] = [];
  const fromFile = readFileSettings(file, problems);
  const values: Record<string, unknown> = {};
  for (const [key, setting] of ROWS) {
    const value =
      env[setting.env] || fromFile.get(setting.env) || (key === 'dataDir' ? xdgDataDir(env) : '') || setting.default;
    if (value === undefined) continue;
    try {
      values[key] = setting.parse(value);
    } catch (error) {
      // Never echo the value: it may be a secret.
      problems.push(`${setting.env}: ${error instanceof Error ? error.message : 'is not valid'}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(`bad configuration:\n  ${problems.join('\n  ')}`);
  return complete(values as unknown as RawConfig); // every row was parsed by its own parser or has no default
}

/** Of clients and of the loader itself: known, but no settings of the relay. */
const KNOWN_NAMES = new Set([
  ...ROWS.map(([, setting]) => setting.env),
  'TURNPOST_CONFIG',
  'TURNPOST_URL',
  'TURNPOST_KEY',
  'TURNPOST_CORPORA',
]);

/** Names that look like settings and are none: most likely a typing error, worth a warning. */
export function unknownSettings(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(env).filter((name) => name.startsWith('TURNPOST_') && !KNOWN_NAMES.has(name));
}

function xdgDataDir(env: Readonly<Record<string, string | undefined>>): string {
  const home = env['XDG_DATA_HOME'];
  return home ? path.join(home, 'turnpost') : '';
}

function readFileSettings(file: unknown, problems: string[]): Map<string, string> {
  const found = new Map<string, string>();
  if (typeof file !== 'object' || file === null || Array.isArray(file)) {
    problems.push('TURNPOST_CONFIG: want a JSON object of settings');
    return found;
  }
  for (const [name, value] of Object.entries(file)) {
    const env = `TURNPOST_${name.toUpperCase()}`;
    if (!KNOWN_NAMES.has(env)) problems.push(`${name} in TURNPOST_CONFIG: there is no such setting`);
    else if (typeof value !== 'string' && typeof value !== 'number')
      problems.push(`${name} in TURNPOST_CONFIG: want a text or a number`);
    else found.set(env, String(value));
  }
  return found;
}

function complete(raw: RawConfig): Config {
  const auth = raw.inboundAuth ?? (raw.domain.endsWith('.localhost') || raw.domain === 'localhost' ? 'token' : 'dmarc');
  return {
    ...raw,
    inboundAuth: auth,
    databaseFile: raw.databaseUrl ?? path.join(raw.dataDir, 'turnpost.db'),
    socketPath: raw.socket === undefined ? path.join(raw.dataDir, 'relay.sock') : raw.socket,
    mailboxes: mailboxes(raw),
    tokenLetsIn: { smtp: auth === 'token', imap: raw.inboundAuth === 'token' },
  };
}

function mailboxes(raw: RawConfig): Config['mailboxes'] {
  return (raw.imapUrls ?? []).map((imapUrl, index) => {
    const user = decodeURIComponent(new URL(imapUrl).username);
    const address = raw.imapAddresses?.[index] ?? (user.includes('@') ? user.toLowerCase() : undefined);
    if (address === undefined) {
      throw new ConfigError(
        `bad configuration:\n  TURNPOST_IMAP_ADDRESS: mailbox ${index + 1} has a user that is no address; give its address here`,
      );
    }
    return { url: imapUrl, address };
  });
}

/** What main.ts logs at start, so that every log says how this relay was set up. */
export function loggableConfig(config: Config): Record<string, unknown> {
  const values: Readonly<Record<string, unknown>> = config;
  return Object.fromEntries(
    ROWS.filter(([key]) => values[key] !== undefined).map(([key, setting]) => [
      setting.env,
      setting.secret ? '(set)' : values[key],
    ]),
  );
}

/** The rows of docs/configuration.md and templates/env.example. */
export function describeSettings(): { readonly name: string; readonly default: string; readonly doc: string }[] {
  return ROWS.map(([, setting]) => ({
    name: setting.env,
    default: setting.shown ?? (setting.default === undefined ? 'none' : `\`${setting.default}\``),
    doc: setting.doc,
  }));
}
