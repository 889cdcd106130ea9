/** How a relay starts in this process: what it makes private, what it refuses to touch, and what never stops it. */

import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashSecret } from '../../relay/broker/keys.ts';
import { prepareDataFolder, readAdminKey, readTlsPair } from '../../relay/data-folder.ts';
import { type Log, silentLog } from '../../relay/log.ts';
import { readyLine, startRelay } from '../../relay/main.ts';
import type { RunningRelay } from '../../relay/relay.ts';
import { openFixture, temporaryFolder, testSettings } from '../support/relay-fixture.ts';

let folder: string;
const running: RunningRelay[] = [];

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  for (const relay of running.splice(0)) await relay.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(more: Readonly<Record<string, string>> = {}, log: Log = silentLog): Promise<RunningRelay> {
  const relay = await startRelay({ env: { ...testSettings(folder), ...more }, log });
  running.push(relay);
  return relay;
}

const mode = (file: string): string => (statSync(path.join(folder, file)).mode & 0o777).toString(8);

/** A port that some other program has. */
async function takenPort(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

describe('the data folder', () => {
  test('folder 0700, admin key, certificate and socket 0600, whatever they were', async () => {
    chmodSync(folder, 0o755);
    const relay = await start();
    expect([mode('.'), mode('admin.key'), mode('smtp-tls.json'), mode('relay.sock')]).toEqual([
      '700',
      '600',
      '600',
      '600',
    ]);
    expect(readFileSync(path.join(folder, 'admin.key'), 'utf8')).toBe(`${relay.adminKey}\n`);
  });

  test('the same key and certificate after the next start', async () => {
    const { adminKey, ...first } = await start();
    const pair = readFileSync(path.join(folder, 'smtp-tls.json'), 'utf8');
    await first.close();
    expect((await start()).adminKey).toBe(adminKey);
    expect(readFileSync(path.join(folder, 'smtp-tls.json'), 'utf8')).toBe(pair);
  });

  test('the key of the settings counts, and no file is made', async () => {
    const key = `tp_admin_${'k'.repeat(30)}`;
    expect((await start({ TURNPOST_ADMIN_KEY: key })).adminKey).toBe(key);
    expect(existsSync(path.join(folder, 'admin.key'))).toBe(false);
  });

  test('a key of the settings that was replaced is dead after the next start', async () => {
    const [old, next] = [`tp_admin_${'o'.repeat(30)}`, `tp_admin_${'n'.repeat(30)}`];
    const { stores, close } = await start({ TURNPOST_ADMIN_KEY: old });
    expect((await stores.keys.findByHash(hashSecret(old)))?.revokedAt).toBeNull();
    await close();
    const second = await start({ TURNPOST_ADMIN_KEY: next });
    expect((await second.stores.keys.findByHash(hashSecret(old)))?.revokedAt).not.toBeNull();
    expect((await second.stores.keys.findByHash(hashSecret(next)))?.revokedAt).toBeNull();
    await second.close();
    await expect(start({ TURNPOST_ADMIN_KEY: old })).rejects.toThrow(/the admin key was revoked/);
  });

  test.each(['', 'half a k', 'tp_admin_short'])(
    'an admin.key that holds "%s" is refused, not taken and not shown',
    (content) => {
      writeFileSync(path.join(folder, 'admin.key'), content);
      const read = () => readAdminKey(folder, undefined, () => 'new');
      expect(read).toThrow(/admin\.key.*Put the key back, or remove the file/);
      if (content !== '') expect(read).not.toThrow(content);
    },
  );

  test('a folder that cannot be made says which and what to do', () => {
    writeFileSync(path.join(folder, 'file'), '');
    expect(() => prepareDataFolder(path.join(folder, 'file', 'data'))).toThrow(
      /cannot use the data folder .*TURNPOST_DATA_DIR/,
    );
  });

  test('PEM files that are named are read, and a missing one is named', async () => {
    const cert = path.join(folder, 'cert.pem');
    writeFileSync(cert, 'CERT');
    const make = () => Promise.reject(new Error('not to be made'));
    expect(await readTlsPair(folder, { cert, key: cert }, make)).toEqual({ cert: 'CERT', key: 'CERT' });
    await expect(readTlsPair(folder, { cert, key: 'missing.pem' }, make)).rejects.toThrow(
      'TURNPOST_SMTP_TLS_KEY: cannot read missing.pem',
    );
  });
});

describe('refusing to start', () => {
  test('a second relay on the same folder, until the first is gone', async () => {
    const first = await start();
    await expect(start()).rejects.toThrow(/another relay is running on this data folder .*TURNPOST_DATA_DIR/);
    await first.close();
    await start();
  });

  test.each(['HTTP', 'SMTP'])('a %s port in use is named with its setting, and everything is let go', async (kind) => {
    const { server, port } = await takenPort();
    const refused = start({ [`TURNPOST_${kind}_PORT`]: String(port) });
    await expect(refused).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port}: another program is using it. Stop that one, or choose another with TURNPOST_${kind}_PORT.`,
    );
    await new Promise((resolve) => server.close(resolve));
    await start({ [`TURNPOST_${kind}_PORT`]: String(port) });
  });

  test('a database of a newer Turnpost is not touched', async () => {
    const first = await start();
    await first.close();
    const file = path.join(folder, 'turnpost.db');
    const db = new Database(file);
    db.pragma('user_version = 999');
    db.close();
    await expect(start()).rejects.toThrow(/is at schema 999, this version of Turnpost knows \d+: upgrade Turnpost/);
    expect(new Database(file, { readonly: true }).pragma('user_version', { simple: true })).toBe(999);
  });

  test('a file that is no database is not touched', async () => {
    writeFileSync(
      path.join(folder, 'turnpost.db'),
      'my letters, not a database, long enough to be looked at'.repeat(20),
    );
    await expect(start()).rejects.toThrow(/cannot open the database .*turnpost\.db/);
    expect(readFileSync(path.join(folder, 'turnpost.db'), 'utf8')).toMatch(/^my letters/);
  });

  test('a socket path that is too long says so', async () => {
    await expect(start({ TURNPOST_SOCKET: path.join(folder, 'x'.repeat(104)) })).rejects.toThrow(
      /longer than 103 bytes.*TURNPOST_SOCKET/,
    );
  });

  test('a file where the socket should be is never removed', async () => {
    const file = path.join(folder, 'letters.txt');
    writeFileSync(file, 'mine');
    await expect(start({ TURNPOST_SOCKET: file })).rejects.toThrow(/it is a file.*TURNPOST_SOCKET/);
    symlinkSync(file, path.join(folder, 'link'));
    await expect(start({ TURNPOST_SOCKET: path.join(folder, 'link') })).rejects.toThrow(/it is a file/);
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  test("another relay's socket is not taken over; one that a killed relay left is", async () => {
    const socket = path.join(folder, 'shared.sock');
    const other = path.join(folder, 'other');
    mkdirSync(other);
    const first = await start({ TURNPOST_SOCKET: socket });
    await expect(start({ TURNPOST_DATA_DIR: other, TURNPOST_SOCKET: socket })).rejects.toThrow(
      /another program is using it/,
    );
    await first.close();
    // What SIGKILL leaves: a socket file nobody listens on.
    const left = createServer().listen(socket);
    await new Promise((resolve) => left.once('listening', resolve));
    const { rename } = await import('node:fs/promises');
    await rename(socket, `${socket}.left`);
    await new Promise((resolve) => left.close(resolve));
    await rename(`${socket}.left`, socket);
    await start({ TURNPOST_SOCKET: socket });
  });
});

describe('settings', () => {
  test('a config file gives settings by their names in lower case; the environment wins', async () => {
    const file = path.join(folder, 'settings.json');
    writeFileSync(file, JSON.stringify({ domain: 'agents.example.com', smtp_port: 'off', http_port: 1 }));
    const relay = await start({ TURNPOST_CONFIG: file, TURNPOST_SMTP_PORT: '' });
    expect(readyLine(relay)).toMatch(/ smtp=off /);
    expect(relay.httpUrl).not.toBe('http://127.0.0.1:1');
  });

  test('what is off is called off', async () => {
    const relay = await start({ TURNPOST_SMTP_PORT: 'off', TURNPOST_SOCKET: 'off' });
    expect(readyLine(relay)).toBe(`turnpost: ready http=${relay.httpUrl} smtp=off socket=off`);
  });

  test('the ready line is exact, with brackets around an IPv6 address', () => {
    const parts = { httpUrl: 'http://127.0.0.1:8725', smtpHost: '::1', smtpPort: 2525, socketPath: '/data/relay.sock' };
    // Only what the line is made of.
    expect(readyLine(parts as unknown as RunningRelay)).toBe(
      'turnpost: ready http=http://127.0.0.1:8725 smtp=[::1]:2525 socket=/data/relay.sock',
    );
  });
});

test('a config file that is no JSON, or is not there, is named, and nothing in it is shown', async () => {
  const file = path.join(folder, 'settings.json');
  writeFileSync(file, '{"admin_key": hunter2}');
  const refused = await start({ TURNPOST_CONFIG: file }).then(() => '', String);
  expect(refused).toContain(`TURNPOST_CONFIG: cannot read ${file}: it is not valid JSON`);
  expect(refused).not.toContain('hunter2');
  await expect(start({ TURNPOST_CONFIG: `${file}.missing` })).rejects.toThrow(/TURNPOST_CONFIG: cannot read .*ENOENT/);
});

describe('mail servers that are not there', () => {
  test('an unreachable IMAP server: the relay runs, and `ready` says what is missing', async () => {
    const { server, port } = await takenPort();
    await new Promise((resolve) => server.close(resolve));
    const env = { TURNPOST_IMAP_URL: `imap://agent%40example.com:pw@127.0.0.1:${port}/INBOX` };
    await using fixture = await openFixture({ env });
    const ready = await fixture.call('GET', '/v1/ready', { key: null });
    expect([ready.status, ready.json]).toEqual([
      503,
      { ready: false, not_ready: ['imap:agent@example.com@127.0.0.1/INBOX'] },
    ]);
    const agent = await fixture.agent();
    expect((await fixture.send(agent, agent.name)).status).toBe(201);
  });

  test('an unreachable SMTP server: mail is accepted, deferred and tried again, the relay runs', async () => {
    const { server, port } = await takenPort();
    await new Promise((resolve) => server.close(resolve));
    await using fixture = await openFixture({ env: { TURNPOST_SMTP_URL: `smtp://127.0.0.1:${port}` } });
    const agent = await fixture.agent();
    expect((await fixture.send(agent, 'person@example.com')).status).toBe(201);
    const first = async () => {
      const { items } = (await fixture.call('GET', '/v1/outbox')).json as {
        items: { state: string; last_error: string }[];
      }; // checked by the fixture
      return items[0];
    };
    await expect.poll(async () => (await first())?.state).toBe('deferred');
    expect((await first())?.last_error).toContain('ECONNREFUSED');
    expect((await fixture.call('GET', '/v1/ready', { key: null })).status).toBe(200);
  });

  test('without TURNPOST_SMTP_URL mail stays in the outbox, untried', async () => {
    await using fixture = await openFixture();
    const agent = await fixture.agent();
    await fixture.send(agent, 'person@example.com');
    const { items } = await fixture.relay.stores.outbox.list({ cursor: undefined, limit: 10 });
    expect(items.map(({ delivery }) => [delivery.state, delivery.attempt])).toEqual([['available', 0]]);
  });
});

test('closing twice is closing once: the second does not take the store from what the first waits for', async () => {
  await using fixture = await openFixture();
  const agent = await fixture.agent();
  const polled = fixture.call('POST', '/v1/agents/me/leases', { key: agent.key, body: { wait: '1m' } });
  await expect.poll(() => fixture.metric('turnpost_waiters')).toBe(1);
  await Promise.all([fixture.relay.close(), fixture.relay.close()]);
  expect((await polled).status).toBe(200);
});
