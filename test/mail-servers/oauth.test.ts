/** Logins by OAuth2 with real Dovecot (passdb oauth2) and Postfix (its SASL), and a local authorisation server. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../relay/clock.ts';
import { silentLog } from '../../relay/log.ts';
import { smtpCourier } from '../../relay/mail/courier/courier.ts';
import { imapLetterBox, type LetterBox } from '../../relay/mail/imap/letter-box.ts';
import { type TokensFor, tokensFor } from '../../relay/mail/oauth/mail-login.ts';
import { type OAuthEntry, readOAuthAccounts } from '../../relay/mail/oauth/oauth-account.ts';
import type { ReplacedToken } from '../../relay/mail/oauth/oauth-tokens.ts';
import { type AuthorisationServer, CLIENT, startAuthorisationServer } from '../support/authorisation-server.ts';
import { imapProxy } from '../support/imap-proxy.ts';
import { type MailPeer, mailPeerAvailable, startMailPeer } from '../support/mail-peer.ts';
import { MemoryKeeper } from './memory-keeper.ts';

const USER = 'alice@human.test';
const SOON = { timeout: 15_000, interval: 20 };
/** Retries almost without a wait. */
const clock: Clock = { ...systemClock, chance: () => 0.02 };

describe.skipIf(!mailPeerAvailable())('OAuth2 with Dovecot and Postfix', () => {
  let auth: AuthorisationServer;
  let peer: MailPeer;
  let keeper: MemoryKeeper;
  let entry: OAuthEntry;
  let vault: Map<string, ReplacedToken>;
  let stop: AbortController;
  let running: Promise<void>[];
  let sent = 0;

  beforeAll(async () => {
    auth = await startAuthorisationServer();
    peer = await startMailPeer({ oauthPort: auth.port });
  });
  afterAll(async () => {
    await peer?.stop();
    await auth?.close();
  });
  beforeEach(() => {
    Object.assign(auth, { lifetime: 3600 });
    for (const list of [auth.asked, auth.reused, auth.failures]) list.length = 0;
    keeper = new MemoryKeeper();
    vault = new Map();
    entry = {
      token_url: auth.tokenUrl,
      client_id: CLIENT.id,
      client_secret: CLIENT.secret,
      refresh_token: auth.login(USER),
    };
    stop = new AbortController();
    running = [];
  });
  afterEach(async () => {
    stop.abort();
    await Promise.all(running);
  });

  function logins(on: Clock = clock): TokensFor {
    return tokensFor({
      accounts: () => readOAuthAccounts(JSON.stringify({ [USER]: entry })),
      vault: {
        load: async (user) => vault.get(user),
        save: async (user, token) => void vault.set(user, token),
      },
      clock: on,
      log: silentLog,
    });
  }

  const imapUrl = (port = peer.imapPort) => `imap://${encodeURIComponent(USER)}@localhost:${port}/INBOX?auth=oauth2`;

  function letterBox(tokens: TokensFor, url = imapUrl(), on: Clock = clock): LetterBox {
    const more = { keeper, clock: on, log: silentLog, maxBytes: 100_000, pollIntervalMs: 60_000 };
    return imapLetterBox({ url, address: USER, tokens, ca: url === imapUrl() ? peer.ca : undefined, ...more });
  }

  async function watch(box: LetterBox): Promise<LetterBox> {
    running.push(box.run(stop.signal));
    await expect.poll(() => box.state(), SOON).toMatchObject({ ready: true, problem: null });
    return box;
  }

  async function send(subject: string, tokens: TokensFor) {
    const url = `smtp://${encodeURIComponent(USER)}@localhost:${peer.smtpPort}`;
    const courier = smtpCourier({ url, tokens, ca: peer.ca, clock, log: silentLog });
    sent += 1;
    const raw = Buffer.from(
      `From: ${USER}\r\nTo: ${USER}\r\nSubject: ${subject}\r\nMessage-ID: <${sent}@oauth>\r\n\r\nhi\r\n`,
    );
    const email = { deliveryId: 'dlv_1', envelopeFrom: USER, envelopeTo: USER, envid: 'dlv_1', raw };
    const outcome = await courier.deliver(email);
    courier.close();
    return outcome;
  }

  test('mailbox and courier log in with one token, asked for once; no password is anywhere', async () => {
    const tokens = logins();
    const [, outcome] = await Promise.all([watch(letterBox(tokens)), send('before', tokens)]);
    expect(outcome).toMatchObject({ kind: 'delivered' });
    expect(await send('by token', tokens)).toMatchObject({ kind: 'delivered' });
    await expect.poll(() => keeper.subjects(), SOON).toContain('by token');
    expect(auth.asked).toEqual(['refresh_token']);
  });

  test.each([
    ['OAUTHBEARER', ' AUTH=XOAUTH2'],
    ['XOAUTH2', ' AUTH=OAUTHBEARER'],
  ])('IMAP by %s', async (mechanism, hidden) => {
    const proxy = await imapProxy(peer.imapPort, (text) => text.replaceAll(hidden, ''));
    await letterBox(logins(), imapUrl(proxy.port)).drainOnce();
    expect(proxy.said()).toContain(`AUTHENTICATE ${mechanism} `);
    expect(keeper.cursor).toBeDefined();
    proxy.close();
  });

  test('client_credentials: a program without a person', async () => {
    const app = { ...entry, grant: 'client_credentials' as const, scope: USER };
    delete app.refresh_token;
    entry = app;
    await letterBox(logins()).drainOnce();
    expect(auth.asked).toEqual(['client_credentials']);
    expect(vault.size).toBe(0);
  });

  test('before its token runs out a connection gives way to a new one, unnoticed', async () => {
    auth.lifetime = 2;
    const proxy = await imapProxy(peer.imapPort);
    const tokens = logins();
    const box = await watch(letterBox(tokens, imapUrl(proxy.port)));
    const problems = new Set<string | null>();
    await expect
      .poll(() => {
        problems.add(box.state().problem);
        return auth.asked.length;
      }, SOON)
      .toBeGreaterThanOrEqual(3);
    expect(await send('after three tokens', tokens)).toMatchObject({ kind: 'delivered' });
    await expect.poll(() => keeper.subjects(), SOON).toEqual(['after three tokens']);
    expect([...problems]).toEqual([null]);
    expect(proxy.open()).toBeLessThanOrEqual(1);
    expect(auth.reused).toEqual([]);
    stop.abort();
    await Promise.all(running);
    proxy.close();
  });

  test('a refresh token that was replaced is kept; the next start uses it', async () => {
    await letterBox(logins()).drainOnce();
    await letterBox(logins()).drainOnce();
    await letterBox(logins()).drainOnce();
    expect([auth.asked.length, auth.reused]).toEqual([3, []]);
    // A person who logs in anew makes the kept one void.
    auth.withdrawLogin(USER);
    entry = { ...entry, refresh_token: auth.login(USER) };
    await letterBox(logins()).drainOnce();
    expect(auth.reused).toEqual([]);
  });

  test('an access token that is withdrawn is replaced, for the mailbox and for the courier', async () => {
    const tokens = logins();
    await letterBox(tokens).drainOnce();
    auth.withdrawAccess();
    await watch(letterBox(tokens));
    auth.withdrawAccess();
    expect(await send('withdrawn', tokens)).toMatchObject({ kind: 'delivered' });
    expect(auth.asked).toHaveLength(3);
  });

  test('BYE AccessTokenExpired, as Exchange says it: another token, another connection', async () => {
    const proxy = await imapProxy(peer.imapPort);
    const tokens = logins();
    const box = await watch(letterBox(tokens, imapUrl(proxy.port)));
    proxy.inject('* BYE Session invalidated - AccessTokenExpired');
    await expect.poll(() => auth.asked.length, SOON).toBe(2);
    await expect.poll(() => box.state(), SOON).toMatchObject({ ready: true, problem: null });
    await send('after the goodbye', tokens);
    await expect.poll(() => keeper.subjects(), SOON).toEqual(['after the goodbye']);
    stop.abort();
    await Promise.all(running);
    proxy.close();
  });

  /** Notes the waits after failures, and does not wait; an hour ends when `mended` says so. */
  function noting(waits: number[], mended: () => boolean): Clock {
    const sleep = (ms: number, signal?: AbortSignal) => {
      if (signal !== stop.signal) return systemClock.sleep(ms, signal);
      waits.push(ms);
      return ms >= 15_000 && !mended() ? systemClock.sleep(20, signal) : Promise.resolve();
    };
    return { ...systemClock, chance: () => 0.5, sleep };
  }

  test('a login that was taken back parks mailbox and courier at once and says what to do; a new login ends that', async () => {
    auth.withdrawLogin(USER);
    const waits: number[] = [];
    const on = noting(waits, () => false);
    const tokens = logins(on);
    const box = letterBox(tokens, imapUrl(), on);
    running.push(box.run(stop.signal));
    await expect.poll(() => waits.length, SOON).toBeGreaterThan(3);
    expect(box.state().problem).toMatch(/refuses alice@human\.test \(invalid_grant.*turnpost oauth login.*in an hour/s);
    expect(await send('parked', tokens)).toMatchObject({
      kind: 'deferred',
      reason: expect.stringMatching(/invalid_grant.*turnpost oauth login/),
    });
    expect([...new Set(waits)]).toEqual([15_000]);
    expect(auth.asked).toHaveLength(1);
    entry = { ...entry, refresh_token: auth.login(USER) };
    await expect.poll(() => box.state(), SOON).toMatchObject({ ready: true, problem: null });
  });

  test('a token server that is out of order, or asks to be left alone, is asked again later, with full jitter', async () => {
    auth.failures.push({ status: 503 }, { status: 500, error: 'server_error' }, { status: 429, retryAfter: 7 });
    const waits: number[] = [];
    let now = Date.now();
    const quick = { now: () => now, chance: () => 0.5 };
    const sleep = (ms: number, signal?: AbortSignal) => {
      if (signal !== stop.signal) return systemClock.sleep(ms, signal);
      waits.push(ms);
      now += ms;
      return Promise.resolve();
    };
    const on = { ...quick, sleep };
    const box = letterBox(logins(on), imapUrl(), on);
    running.push(box.run(stop.signal));
    await expect.poll(() => box.state(), SOON).toMatchObject({ ready: true, problem: null });
    expect(waits).toEqual([500, 1000, 7000]);
    expect(auth.asked).toHaveLength(4);
  });

  test('a mail server whose logins are out of order (UNAVAILABLE) is tried again; the token is no worse for it', async () => {
    auth.introspection = false;
    const waits: number[] = [];
    const on = noting(waits, () => false);
    const box = letterBox(logins(on), imapUrl(), on);
    running.push(box.run(stop.signal));
    await expect.poll(() => waits.slice(0, 3), SOON).toEqual([500, 1000, 2000]);
    expect(box.state().problem).toBe('A part of the mail service is down. It is tried again.');
    auth.introspection = true;
    await expect.poll(() => box.state(), SOON).toMatchObject({ ready: true, problem: null });
    expect(auth.asked).toHaveLength(1);
  });

  test('without an entry the mailbox says how to get one', async () => {
    const tokens = tokensFor({
      accounts: () => new Map(),
      vault: { load: async () => undefined, save: async () => {} },
      clock,
      log: silentLog,
    });
    await expect(letterBox(tokens).drainOnce()).rejects.toThrow(
      /neither a password nor an OAuth login.*turnpost oauth login/,
    );
  });
});
