/**
 * Reads the settings of settings.ts from what main.ts hands in: all problems at once, never with a value in them, since it
 * may be a secret.
 */
import path from 'node:path';
import { isPublicDomain } from './config-values.ts';
import { SETTINGS, type Setting } from './settings.ts';

type Settings = typeof SETTINGS;
type Parsed<K extends keyof Settings> = ReturnType<Settings[K]['parse']>;
type RawConfig = {
  readonly [K in keyof Settings]: Settings[K]['default'] extends string ? Parsed<K> : Parsed<K> | undefined;
};

/** The settings with what depends on others filled in. */
export type Config = Omit<RawConfig, 'mailHost'> & {
  readonly mailHost: string;
  readonly databaseFile: string;
  readonly oauthFile: string;
  readonly socketPath: string | null;
  readonly mailboxes: readonly { readonly url: string; readonly address: string }[];
  /** May a token alone let mail in, by the way it came? */
  readonly tokenLetsIn: { readonly smtp: boolean; readonly imap: boolean; readonly http: boolean };
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
  const raw = values as unknown as RawConfig; // every row was parsed by its own parser or has no default
  problems.push(...contradictions(raw));
  if (problems.length > 0) throw new ConfigError(`bad configuration:\n  ${problems.join('\n  ')}`);
  return complete(raw);
}

/** Settings that are sound each, and not together. */
function contradictions(raw: RawConfig): string[] {
  const { imapUrls = [], imapAddresses = [], smtpPort, smtpsPort, smtpTlsCert, smtpTlsKey } = raw;
  const unnamed = imapUrls.findIndex((imapUrl, index) => (imapAddresses[index] ?? addressIn(imapUrl)) === undefined);
  return [
    ...(unnamed === -1
      ? []
      : [`TURNPOST_IMAP_ADDRESS: mailbox ${unnamed + 1} has a user that is no address; give its address here`]),
    ...(imapAddresses.length > imapUrls.length
      ? [`TURNPOST_IMAP_ADDRESS: names ${imapAddresses.length} addresses for ${imapUrls.length} mailboxes`]
      : []),
    ...((smtpTlsCert === undefined) === (smtpTlsKey === undefined)
      ? []
      : ['TURNPOST_SMTP_TLS_CERT: belongs together with TURNPOST_SMTP_TLS_KEY; set both or neither']),
    ...(smtpPort === null && smtpsPort !== null ? ['TURNPOST_SMTPS_PORT: needs TURNPOST_SMTP_PORT as well'] : []),
    ...wrongSender(raw),
  ];
}

/** RFC 5321 section 4.5.3.1.1 gives a local part 64 octets; "+" and a reply token take 35 of them. */
const LONGEST_SENDER = 29;

/** Where the domain is this machine's, mail goes out under the first mailbox's address. */
function wrongSender({ domain = '', smtpUrl, imapUrls = [], imapAddresses = [] }: Partial<RawConfig>): string[] {
  // Empty: it could not be read, and is reported already.
  if (isPublicDomain(domain)) return [];
  const [first] = imapUrls;
  const sender = imapAddresses[0] ?? (first === undefined ? undefined : addressIn(first));
  const local = (sender ?? '').replace(/[+@].*$/s, '');
  return [
    ...(local.length <= LONGEST_SENDER
      ? []
      : [
          `TURNPOST_IMAP_ADDRESS: the first mailbox sends, and its name has ${local.length} characters: more than ${LONGEST_SENDER} leave no room for a reply token. Use another mailbox, or set TURNPOST_DOMAIN`,
        ]),
    ...(smtpUrl === 'mx:'
      ? ['TURNPOST_SMTP_URL: mx: needs a TURNPOST_DOMAIN that other mail servers can ask the DNS for']
      : []),
  ];
}

/** The user of a mailbox, where it is an address. */
function addressIn(imapUrl: string): string | undefined {
  const user = decodeURIComponent(new URL(imapUrl).username);
  return user.includes('@') ? user.toLowerCase() : undefined;
}

const SETTING_NAMES = new Set(ROWS.map(([, setting]) => setting.env));

/** Also those of clients and of the loader itself. */
const KNOWN_NAMES = new Set([...SETTING_NAMES, 'TURNPOST_CONFIG', 'TURNPOST_URL', 'TURNPOST_KEY', 'TURNPOST_CORPORA']);

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
    if (!SETTING_NAMES.has(env)) problems.push(`${name} in TURNPOST_CONFIG: there is no such setting`);
    else if (typeof value !== 'string' && typeof value !== 'number')
      problems.push(`${name} in TURNPOST_CONFIG: want a text or a number`);
    else found.set(env, String(value));
  }
  return found;
}

function complete(raw: RawConfig): Config {
  const auth = raw.inboundAuth ?? (isPublicDomain(raw.domain) ? 'dmarc' : 'token');
  return {
    ...raw,
    inboundAuth: auth,
    mailHost: raw.mailHost ?? hostOf(raw.publicUrl) ?? raw.domain,
    oauthFile: raw.oauthFile ?? path.join(raw.dataDir, 'oauth.json'),
    databaseFile: raw.databaseUrl ?? path.join(raw.dataDir, 'turnpost.db'),
    socketPath: raw.socket === undefined ? path.join(raw.dataDir, 'relay.sock') : raw.socket,
    mailboxes: mailboxes(raw),
    tokenLetsIn: { smtp: auth === 'token', imap: raw.inboundAuth === 'token', http: raw.inboundAuth === 'token' },
  };
}

/** The host of a URL where it is a name of the DNS. */
function hostOf(publicUrl: string | undefined): string | undefined {
  const host = publicUrl === undefined ? '' : new URL(publicUrl).hostname;
  return /^[a-z0-9.-]+\.[a-z][a-z0-9-]*$/.test(host) && isPublicDomain(host) ? host : undefined;
}

function mailboxes({ imapUrls = [], imapAddresses = [] }: RawConfig): Config['mailboxes'] {
  return imapUrls.flatMap((imapUrl, index) => {
    const address = imapAddresses[index] ?? addressIn(imapUrl);
    return address === undefined ? [] : [{ url: imapUrl, address }];
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
