/** Settings: defaults, where they come from, and all that is wrong said at once without showing a value. */
import { homedir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError, loadConfig, loggableConfig, unknownSettings } from '../relay/config.ts';

function problemsOf(env: Record<string, string>, file?: unknown): string[] {
  try {
    loadConfig(env, file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

describe('where values come from', () => {
  test('nothing set: everything under the home folder, on loopback only', () => {
    const config = loadConfig({});
    const dataDir = path.join(homedir(), '.local/share/turnpost');
    expect(config).toMatchObject({
      dataDir,
      databaseFile: path.join(dataDir, 'turnpost.db'),
      socketPath: path.join(dataDir, 'relay.sock'),
      httpHost: '127.0.0.1',
      smtpHost: '127.0.0.1',
      pollIntervalMs: 60_000,
      leaseMs: 600_000,
      maxMessage: 25 * 1024 * 1024,
      mailboxes: [],
    });
    expect(config.smtpUrl).toBeUndefined();
  });

  test('XDG_DATA_HOME moves the data folder; TURNPOST_DATA_DIR wins over it, and may begin with ~', () => {
    expect(loadConfig({ XDG_DATA_HOME: '/xdg' }).dataDir).toBe('/xdg/turnpost');
    expect(loadConfig({ XDG_DATA_HOME: '/xdg', TURNPOST_DATA_DIR: '~/post' }).dataDir).toBe(
      path.join(homedir(), 'post'),
    );
  });

  test('the environment wins over the file, an empty value counts as unset', () => {
    const file = { http_port: 1, domain: 'file.example.com' };
    expect(loadConfig({ TURNPOST_HTTP_PORT: '2' }, file)).toMatchObject({ httpPort: 2, domain: 'file.example.com' });
    expect(loadConfig({ TURNPOST_HTTP_PORT: '' }, file).httpPort).toBe(1);
  });

  test('off is off', () => {
    expect(loadConfig({ TURNPOST_SOCKET: 'off', TURNPOST_SMTP_PORT: 'off' })).toMatchObject({
      socketPath: null,
      smtpPort: null,
    });
  });

  test('a mailbox has its user as address, or the one that is named in the same place', () => {
    const TURNPOST_IMAP_URL = 'imaps://You%40Example.com:pw@mail.example.com, imap://box:pw@localhost:1143/In';
    expect(
      loadConfig({ TURNPOST_IMAP_URL, TURNPOST_IMAP_ADDRESS: 'you@example.com,Box@example.com' }).mailboxes,
    ).toEqual([
      { url: 'imaps://You%40Example.com:pw@mail.example.com', address: 'you@example.com' },
      { url: 'imap://box:pw@localhost:1143/In', address: 'box@example.com' },
    ]);
    expect(problemsOf({ TURNPOST_IMAP_URL })).toEqual([
      'TURNPOST_IMAP_ADDRESS: mailbox 2 has a user that is no address; give its address here',
    ]);
  });

  test.each([
    [{}, { smtp: true, imap: false, http: false }],
    [{ TURNPOST_DOMAIN: 'agents.example.com' }, { smtp: false, imap: false, http: false }],
    [
      { TURNPOST_DOMAIN: 'agents.example.com', TURNPOST_INBOUND_AUTH: 'token' },
      { smtp: true, imap: true, http: true },
    ],
    [{ TURNPOST_INBOUND_AUTH: 'token' }, { smtp: true, imap: true, http: true }],
    [{ TURNPOST_INBOUND_AUTH: 'dmarc' }, { smtp: false, imap: false, http: false }],
  ])('a token alone lets mail in by %j: %j', (env, expected) => {
    expect(loadConfig(env).tokenLetsIn).toEqual(expected);
  });
});

describe('what is wrong', () => {
  test.each([
    ['HTTP_PORT', ['-1', '65536', '80a', '1.5', ' 80']],
    ['SMTP_PORT', ['no', '70000']],
    ['LEASE', ['10', '0s', '2d', '10 m', '999999999d']],
    ['POLL_INTERVAL', ['0s', '500ms', '25h']],
    ['MAX_MESSAGE', ['25MB', '0B', '1GiB']],
    ['DOMAIN', ['-a.example', 'a b', 'exämple.com', '.com', 'a..b']],
    ['OWNER', ['you', 'a@b@c', 'you@example.com,person@example.com']],
    ['ADMIN_KEY', ['secret', 'tp_admin_short', 'tp_agent_aaaaaaaaaaaaaaaaaaaaaaaa']],
    ['SMTP_URL', ['mail.example.com', 'http://mail.example.com', 'smtp://', 'smtp://u:%zz@h']],
    ['IMAP_URL', ['smtp://h', 'imap://', 'imaps://a%zz:b@h', 'imap://a@h,https://h']],
    ['PUBLIC_URL', ['relay.example.com', 'ftp://relay.example.com']],
    ['INBOUND_AUTH', ['yes']],
    ['LOG_LEVEL', ['loud']],
    ['SMTPS_PORT', ['on', '70000']],
    ['PEERS', ['a b', '*,a.example', 'https://a.example']],
    ['INTAKE_SECRET', ['secret', 'whsec_AAAA', 'whsec_', `whsec_${'A'.repeat(40)},x`]],
    ['SES_TOPIC', ['mail', 'arn:aws:sqs:eu-west-1:123456789012:mail', 'arn:aws:sns:eu-west-1:1:mail']],
    ['S3_URL', ['s3.amazonaws.com', 'http://s3.eu-west-1.amazonaws.com']],
    ['DATABASE_URL', ['postgres://u:p@h/db']],
  ])('TURNPOST_%s refuses %j by name, and never shows the value', (name, values) => {
    for (const value of values) {
      const problems = problemsOf({ [`TURNPOST_${name}`]: value });
      expect(
        problems.filter((line) => line.startsWith(`TURNPOST_${name}: `)),
        value,
      ).toHaveLength(1);
      if (value.length > 8) expect(problems.join(), value).not.toContain(value);
    }
  });

  test('all problems are said at once, of settings and of the file', () => {
    const env = {
      TURNPOST_HTTP_PORT: 'x',
      TURNPOST_LEASE: 'x',
      TURNPOST_SMTP_TLS_CERT: 'cert.pem',
      TURNPOST_IMAP_ADDRESS: 'you@example.com',
    };
    const names = problemsOf(env, { colour: 'red', owner: true, url: 'x' }).map((line) => line.replace(/[: ].*/, ''));
    expect(names.toSorted()).toEqual([
      'TURNPOST_HTTP_PORT',
      'TURNPOST_IMAP_ADDRESS',
      'TURNPOST_LEASE',
      'TURNPOST_SMTP_TLS_CERT',
      'colour',
      'owner',
      'url',
    ]);
  });

  test.each([[[]], [null], ['text']])('a file that holds %j is no settings', (file) => {
    expect(problemsOf({}, file)).toEqual(['TURNPOST_CONFIG: want a JSON object of settings']);
  });

  test('a name that is no setting is told, those of clients are not', () => {
    const env = { TURNPOST_SMPT_HOST: 'x', TURNPOST_URL: 'x', TURNPOST_KEY: 'x', TURNPOST_CONFIG: 'x', HOME: 'x' };
    expect(unknownSettings(env)).toEqual(['TURNPOST_SMPT_HOST']);
  });
});

test('the log gets every setting that is set, and of secrets only that', () => {
  const config = loadConfig({
    TURNPOST_ADMIN_KEY: `tp_admin_${'s'.repeat(30)}`,
    TURNPOST_SMTP_URL: 'smtps://u:hunter2@mail.example.com',
    TURNPOST_IMAP_URL: 'imaps://you%40example.com:hunter2@mail.example.com',
    TURNPOST_DATABASE_URL: 'sqlite:/data/hunter2.db',
  });
  const logged = loggableConfig(config);
  expect(logged).toMatchObject({
    TURNPOST_ADMIN_KEY: '(set)',
    TURNPOST_SMTP_URL: '(set)',
    TURNPOST_IMAP_URL: '(set)',
    TURNPOST_DATABASE_URL: '(set)',
    TURNPOST_HTTP_PORT: 8725,
  });
  expect(JSON.stringify(logged)).not.toMatch(/hunter2|sss/);
});

describe('how mail goes out', () => {
  const sender = (address: string) => ({
    TURNPOST_IMAP_URL: 'imaps://u:p@mail.example.com',
    TURNPOST_IMAP_ADDRESS: address,
  });

  test('a mailbox that sends needs room for a reply token behind its name', () => {
    expect(problemsOf(sender(`${'a'.repeat(29)}@example.com`))).toEqual([]);
    expect(problemsOf(sender(`${'a'.repeat(29)}+agents@example.com`))).toEqual([]);
    expect(problemsOf(sender(`${'a'.repeat(30)}@example.com`))).toEqual([
      expect.stringMatching(
        /^TURNPOST_IMAP_ADDRESS: the first mailbox sends, and its name has 30 characters.*TURNPOST_DOMAIN/,
      ),
    ]);
    // With a domain of its own the relay does not send under a mailbox's name.
    expect(problemsOf({ ...sender(`${'a'.repeat(30)}@example.com`), TURNPOST_DOMAIN: 'agents.example.com' })).toEqual(
      [],
    );
  });

  test('mx: is for a domain that others can ask the DNS for', () => {
    expect(problemsOf({ TURNPOST_SMTP_URL: 'mx:' })).toEqual([
      expect.stringMatching(/^TURNPOST_SMTP_URL: mx: needs a TURNPOST_DOMAIN/),
    ]);
    expect(loadConfig({ TURNPOST_SMTP_URL: 'mx:', TURNPOST_DOMAIN: 'agents.example.com' }).smtpUrl).toBe('mx:');
    expect(problemsOf({ TURNPOST_SMTP_URL: 'mx://example.com' })).toHaveLength(1);
  });

  test.each([
    [{ TURNPOST_DOMAIN: 'agents.example.com' }, 'agents.example.com'],
    [
      { TURNPOST_DOMAIN: 'agents.example.com', TURNPOST_PUBLIC_URL: 'https://relay.example.com:8443/x' },
      'relay.example.com',
    ],
    [{ TURNPOST_DOMAIN: 'agents.example.com', TURNPOST_PUBLIC_URL: 'https://192.0.2.1' }, 'agents.example.com'],
    [{ TURNPOST_DOMAIN: 'agents.example.com', TURNPOST_PUBLIC_URL: 'http://localhost:8725' }, 'agents.example.com'],
    [{ TURNPOST_MAIL_HOST: 'MX.example.com' }, 'mx.example.com'],
  ])('%j: other mail servers know us as %s', (env, host) => {
    expect(loadConfig(env).mailHost).toBe(host);
  });

  test('limits that are none say how they look', () => {
    expect(problemsOf({ TURNPOST_SEND_LIMIT: 'gmail.com' })).toEqual([expect.stringContaining('gmail.com=20/1m:2')]);
  });
});
