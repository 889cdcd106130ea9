/** The relay as a program: its ready line, its exit codes, SIGTERM with callers waiting, SIGKILL at any time. */
import { readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import nodemailer from 'nodemailer';
import { SMTPServer } from 'smtp-server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TurnpostClient } from '../../client/turnpost-client.ts';
import { temporaryFolder, testSettings } from '../support/relay-fixture.ts';
import { type RelayProgram, runRelayProgram, startRelayProgram } from '../support/relay-program.ts';

let folder: string;
const running: RelayProgram[] = [];

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((relay) => relay.child.exitCode === null && relay.stop('SIGKILL')));
  rmSync(folder, { recursive: true, force: true });
});

async function start(more: Readonly<Record<string, string>> = {}): Promise<RelayProgram> {
  const relay = await startRelayProgram({ ...testSettings(folder), ...more });
  running.push(relay);
  return relay;
}

const adminOf = (relay: RelayProgram): TurnpostClient =>
  new TurnpostClient({
    relay: { url: relay.httpUrl },
    key: readFileSync(path.join(folder, 'admin.key'), 'utf8').trim(),
  });

async function agentsOf(relay: RelayProgram, ...names: string[]): Promise<TurnpostClient[]> {
  const made = await Promise.all(names.map((name) => adminOf(relay).registerAgent({ name })));
  return made.map(({ key }) => new TurnpostClient({ relay: { url: relay.httpUrl }, key: key.secret }));
}

describe('starting', () => {
  test('one line on stdout says where it is reached, stderr says what to type next', async () => {
    const relay = await start();
    const socket = path.join(folder, 'relay.sock');
    expect(relay.readyLine).toMatch(/^turnpost: ready http=http:\/\/127\.0\.0\.1:\d+ smtp=127\.0\.0\.1:\d+ socket=/);
    expect(relay.readyLine.endsWith(` socket=${socket}`)).toBe(true);
    await expect.poll(relay.stderr).toMatch(/^turnpost: next, connect a project: npm run -s turnpost -- install /m);
    expect(await relay.stop('SIGTERM')).toBe(0);
  });

  test('settings that are wrong: exit 1, each named, none shown', async () => {
    const { code, stdout, stderr } = await runRelayProgram({
      ...testSettings(folder),
      TURNPOST_ADMIN_KEY: 'hunter2hunter2',
      TURNPOST_SMTP_URL: 'http://me:hunter2@mail.example.com',
      TURNPOST_LEASE: 'hunter2',
    });
    expect([code, stdout]).toEqual([1, '']);
    for (const name of ['TURNPOST_ADMIN_KEY', 'TURNPOST_SMTP_URL', 'TURNPOST_LEASE']) expect(stderr).toContain(name);
    expect(stderr).not.toContain('hunter2');
  });

  test('the log of a start has the settings and no secret', async () => {
    const secret = `tp_admin_${'s'.repeat(30)}`;
    const more = { TURNPOST_ADMIN_KEY: secret, TURNPOST_LOG_LEVEL: 'info', TURNPOST_SMPT_HOST: 'typing-error' };
    const relay = await start(more);
    const line = relay
      .stderr()
      .split('\n')
      .find((one) => one.includes('"starting"'));
    expect(JSON.parse(line ?? '{}').settings).toMatchObject({ TURNPOST_DATA_DIR: folder, TURNPOST_ADMIN_KEY: '(set)' });
    expect(relay.stderr()).toContain('TURNPOST_SMPT_HOST');
    expect(relay.stderr()).not.toContain(secret);
  });
});

describe('stopping', () => {
  test('SIGTERM with a long poll open on a kept-alive connection: it is answered, exit 0 well within ten seconds', async () => {
    const relay = await start();
    const [reader] = await agentsOf(relay, 'reader');
    const polled = reader?.lease({ wait: '1m' }, { waitMs: 60_000 });
    await expect.poll(() => waiters(relay)).toBe(1);
    const startedAt = performance.now();
    expect(await relay.stop('SIGTERM')).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect((await polled)?.items).toEqual([]);
  });

  test('SIGINT is the same, and a request that never ends does not hold the stop back', {
    timeout: 20_000,
  }, async () => {
    const relay = await start();
    const { hostname, port } = new URL(relay.httpUrl);
    const stuck = http.request({
      host: hostname,
      port,
      method: 'POST',
      path: '/v1/enrolments/x/agents',
      headers: { 'content-type': 'application/json', 'content-length': 100 },
    });
    const broken = new Promise((resolve) => stuck.once('error', resolve));
    stuck.write('{');
    await adminOf(relay).health();
    const startedAt = performance.now();
    expect(await relay.stop('SIGINT')).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    await broken;
  });

  test('an email on its way out is finished first, and its outcome is known after the next start', async () => {
    const seen = new EventTarget();
    const inHand = happens(seen, 'in-hand');
    const goOn = happens(seen, 'go-on');
    let taken = 0;
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      logger: false,
      onData(stream, _session, callback) {
        stream.resume();
        stream.on('end', async () => {
          seen.dispatchEvent(new Event('in-hand'));
          await goOn;
          taken += 1;
          callback();
        });
      },
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const address = server.server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const settings = { TURNPOST_SMTP_URL: `smtp://127.0.0.1:${port}` };
    const relay = await start(settings);
    const [writer] = await agentsOf(relay, 'writer');
    await writer?.sendMessage({ to: 'person@example.com', subject: 'x', body: 'x' });
    await inHand;
    const stopped = relay.stop('SIGTERM');
    await expect
      .poll(() =>
        adminOf(relay)
          .health()
          .then(
            () => 'up',
            () => 'down',
          ),
      )
      .toBe('down');
    expect(relay.child.exitCode, 'it waits for the answer').toBeNull();
    seen.dispatchEvent(new Event('go-on'));
    expect(await stopped).toBe(0);
    const again = await start(settings);
    const { items } = await adminOf(again).listOutbox();
    expect(items.map(({ state, attempt }) => [state, attempt])).toEqual([['delivered', 1]]);
    expect(taken).toBe(1);
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
});

describe('SIGKILL', () => {
  test('what got a 201 or a 250 is there after the next start, and the folder needs no tidying', async () => {
    const relay = await start();
    const [writer] = await agentsOf(relay, 'writer', 'reader');
    const accepted: string[] = [];
    await mail(relay, 'reader@turnpost.localhost');
    let killed = false;
    const flood = Array.from({ length: 8 }, async () => {
      while (!killed) {
        try {
          accepted.push((await writer?.sendMessage({ to: 'reader', body: 'x' }))?.id ?? '');
        } catch {
          return;
        }
        if (accepted.length >= 60) {
          killed = true;
          relay.child.kill('SIGKILL');
        }
      }
    });
    await Promise.all(flood);
    await relay.stop('SIGKILL');
    const again = await start();
    const [reader] = await reissue(again, 'reader');
    const stored = await allIds(reader);
    expect(accepted.length).toBeGreaterThanOrEqual(60);
    expect(accepted.filter((id) => !stored.has(id))).toEqual([]);
    expect((await adminOf(again).listHolds()).items).toHaveLength(1);
  });
});

const happens = (target: EventTarget, event: string): Promise<void> =>
  new Promise((resolve) => target.addEventListener(event, () => resolve(), { once: true }));

async function mail(relay: RelayProgram, to: string): Promise<void> {
  const transport = nodemailer.createTransport({ host: '127.0.0.1', port: relay.smtpPort, ignoreTLS: true });
  await transport.sendMail({ from: 'person@example.com', to, subject: 'x', text: 'x' });
  transport.close();
}

async function reissue(relay: RelayProgram, ...names: string[]): Promise<TurnpostClient[]> {
  const keys = await Promise.all(names.map((name) => adminOf(relay).issueKey(name, {})));
  return keys.map(({ secret }) => new TurnpostClient({ relay: { url: relay.httpUrl }, key: secret }));
}

async function allIds(reader: TurnpostClient | undefined): Promise<Set<string>> {
  const ids = new Set<string>();
  let cursor: string | null = null;
  do {
    const page: { items: { id: string }[]; next_cursor: string | null } | undefined = await reader?.listMessages({
      limit: 100,
      ...(cursor !== null && { cursor }),
    });
    for (const { id } of page?.items ?? []) ids.add(id);
    cursor = page?.next_cursor ?? null;
  } while (cursor !== null);
  return ids;
}

async function waiters(relay: RelayProgram): Promise<number> {
  const text = await (await fetch(`${relay.httpUrl}/metrics`)).text();
  return Number(/^turnpost_waiters (\d+)$/m.exec(text)?.[1]);
}
