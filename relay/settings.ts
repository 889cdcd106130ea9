/**
 * Every setting, once: name, default, meaning, parser. docs/configuration.md and templates/env.example are printed
 * from this table (`npm run docs`). Names and defaults are interface (pinned by test/pins/interface.test.ts).
 */
import { homedir } from 'node:os';
import path from 'node:path';
import {
  adminKey,
  domain,
  domains,
  durationBetween,
  emailAddress,
  inboxQuota,
  oneOf,
  onOrOff,
  port,
  portOrOff,
  sizeBetween,
  smtpServer,
  snsTopics,
  sqlitePath,
  text,
  textOrOff,
  url,
  urls,
  webhookSecrets,
} from './config-values.ts';
import { LOG_LEVELS, type LogLevel } from './log.ts';
import { sendLimits } from './send-limit.ts';

export interface Setting<T> {
  /** Shown in the docs where the default depends on something. */
  readonly shown?: string;
  /** As the user would write it; undefined: may be left out, and then the value is undefined. */
  readonly default: string | undefined;
  readonly doc: string;
  /** Never logged, never printed. */
  readonly secret?: true;
  parse(text: string): T;
}

export const SETTINGS = {
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
  smtpsPort: {
    env: 'TURNPOST_SMTPS_PORT',
    default: 'off',
    doc: 'Port that speaks TLS from its first byte, for mail programs that log in as agents; 0 takes any free one.',
    parse: portOrOff,
  },
  smtpTlsCert: {
    env: 'TURNPOST_SMTP_TLS_CERT',
    default: undefined,
    shown: 'a self-signed pair made at first start',
    doc: 'PEM file with the certificate for STARTTLS and TURNPOST_SMTPS_PORT.',
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
    doc: 'Server for outgoing mail, `smtp(s)://user:pass@host:port`, or `mx:` for straight to the mail servers of each domain.',
    parse: smtpServer,
    secret: true,
  },
  mailHost: {
    env: 'TURNPOST_MAIL_HOST',
    default: undefined,
    shown: "TURNPOST_PUBLIC_URL's host, else the domain",
    doc: 'Name under which other mail servers know this machine: in the MX record, and how it greets them.',
    parse: domain,
  },
  sendLimits: {
    env: 'TURNPOST_SEND_LIMIT',
    default: undefined,
    shown: 'none; 2 at once to a domain',
    doc: 'How fast mail may go out, as providers allow it: `gmail.com=20/1m:2,*=100/1m,total=500/1d` (`:2` at once; `*` each other domain).',
    parse: sendLimits,
  },
  maxEmail: {
    env: 'TURNPOST_MAX_EMAIL',
    default: '20MiB',
    doc: 'Largest email that goes out, as composed; what is larger carries links to its files, which need TURNPOST_PUBLIC_URL.',
    parse: sizeBetween('64KiB', '256MiB'),
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
  oauthFile: {
    env: 'TURNPOST_OAUTH',
    default: undefined,
    shown: '`oauth.json` in the data folder, if it is there',
    doc: 'JSON file, mode 0600, with OAuth2 logins by user, for URLs with a user and no password; `turnpost oauth login` writes it.',
    parse: text,
  },
  readJunk: {
    env: 'TURNPOST_READ_JUNK',
    default: 'on',
    doc: 'Read the Junk folder with INBOX, with lower trust; `off` leaves it alone.',
    parse: onOrOff,
  },
  pollIntervalMs: {
    env: 'TURNPOST_POLL_INTERVAL',
    default: '60s',
    doc: 'How often a mailbox is looked at when IDLE is not to be had, and as a watchdog; at least 1s.',
    parse: durationBetween('1s', '1d'),
  },
  tlsCa: {
    env: 'TURNPOST_TLS_CA',
    default: undefined,
    shown: "the system's",
    doc: 'PEM file of the authority that IMAP and SMTP peers are checked against.',
    parse: text,
  },
  peers: {
    env: 'TURNPOST_PEERS',
    default: '',
    shown: "none: mail of other relays' agents is held",
    doc: "Domains of the relays whose agents' signed mail goes on to agents here, by comma; `*` for all of them.",
    parse: (value: string) => (value.trim() === '*' ? ['*'] : domains(value)),
  },
  intakeSecrets: {
    env: 'TURNPOST_INTAKE_SECRET',
    default: undefined,
    shown: 'none: nobody may',
    doc: 'Secret `whsec_...` of those who hand in mail at /v1/intake/email; two by comma while one replaces the other.',
    parse: webhookSecrets,
    secret: true,
  },
  sesTopics: {
    env: 'TURNPOST_SES_TOPIC',
    default: undefined,
    shown: 'none',
    doc: 'ARN of the SNS topic by which Amazon SES hands in mail at /v1/intake/ses, several by comma.',
    parse: snsTopics,
  },
  s3Url: {
    env: 'TURNPOST_S3_URL',
    default: undefined,
    shown: 'none',
    doc: 'Where Amazon SES puts mail too large for a notification, `https://KEY_ID:SECRET@s3.REGION.amazonaws.com`.',
    parse: url('https'),
    secret: true,
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
    doc: 'Whose Authentication-Results to believe in mailboxes: the name that the server of the mailbox gives itself there; several by comma, each for all mailboxes or as `imap.host=name`.',
    parse: text,
  },
  arcForwarders: {
    env: 'TURNPOST_ARC_FORWARDERS',
    default: '',
    shown: 'none',
    doc: 'Domains whose ARC seals are believed about mail they forward and change, by comma.',
    parse: domains,
  },
  inboxQuota: {
    env: 'TURNPOST_INBOX_QUOTA',
    default: 'inboxes=20 messages=100 life=7d hourly=60',
    doc: 'Disposable inboxes of one key: how many at once, messages in each, longest life, how many made in an hour. What is left out stays.',
    parse: inboxQuota('inboxes=20 messages=100 life=7d hourly=60'),
  },
  inboxRetentionMs: {
    env: 'TURNPOST_INBOX_RETENTION',
    default: '1d',
    doc: 'How long the mail of a disposable inbox can still be read when the inbox has expired; then it is deleted.',
    parse: durationBetween('0s', '365d'),
  },
  anonymousInboxes: {
    env: 'TURNPOST_ANONYMOUS_INBOXES',
    default: 'off',
    doc: 'Whether callers without a key may make disposable inboxes: `on` or `off`.',
    parse: onOrOff,
  },
  anonymousInboxQuota: {
    env: 'TURNPOST_ANONYMOUS_INBOX_QUOTA',
    default: 'inboxes=2 messages=20 life=1h hourly=5',
    doc: 'As TURNPOST_INBOX_QUOTA, for each network address they come from.',
    parse: inboxQuota('inboxes=2 messages=20 life=1h hourly=5'),
  },
  leaseMs: {
    env: 'TURNPOST_LEASE',
    default: '10m',
    doc: 'How long a message handed out waits for evidence before it is offered again; 1s to 1d.',
    parse: durationBetween('1s', '1d'),
  },
  maxMessage: {
    env: 'TURNPOST_MAX_MESSAGE',
    default: '25MiB',
    doc: 'Largest message, attachments included; at most 256MiB.',
    parse: sizeBetween('1KiB', '256MiB'),
  },
  logLevel: {
    env: 'TURNPOST_LOG_LEVEL',
    default: 'info',
    doc: 'debug, info, warn, error or silent; JSON lines on stderr.',
    parse: oneOf(...LOG_LEVELS) as (value: string) => LogLevel,
  },
} as const satisfies Record<string, Setting<unknown> & { readonly env: string }>;
