/** turnpost oauth login against a local authorisation server: by code, and in a browser with PKCE. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readOAuthFile } from '../../relay/mail/oauth/oauth-file.ts';
import { type AuthorisationServer, CLIENT, startAuthorisationServer } from '../support/authorisation-server.ts';
import { type CliRun, runCli } from './run-cli.ts';

const USER = 'you@example.com';
let auth: AuthorisationServer;
let dataDir = '';
let file = '';
beforeAll(async () => {
  auth = await startAuthorisationServer();
});
afterAll(() => auth.close());
beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'turnpost-login-'));
  file = path.join(dataDir, 'oauth.json');
  return () => rmSync(dataDir, { recursive: true });
});

const APP = ['--client-id', CLIENT.id];
const login = (args: readonly string[], onNote: (note: string) => unknown, more = {}): Promise<CliRun> =>
  runCli(['oauth', 'login', ...args], { env: { TURNPOST_DATA_DIR: dataDir }, onNote, ...more });
const urls = () => ['--token-url', auth.tokenUrl, '--device-url', auth.deviceUrl];
const inBrowser = () => ['--token-url', auth.tokenUrl, '--authorization-url', auth.authorizationUrl];
const approve = (note: string) => {
  const code = /type the code (\S+), signed in as/.exec(note)?.[1];
  if (code !== undefined) auth.approveDevice(code, USER);
};
const linkIn = (note: string): URL | undefined => {
  const link = /^http\S+$/m.exec(note)?.[0];
  return link === undefined ? undefined : new URL(link);
};

test('by code (RFC 8628): what comes of it lets the relay in, and only this user can read it', async () => {
  writeFileSync(
    file,
    JSON.stringify({ 'other@example.com': { provider: 'google', client_id: 'x', refresh_token: 'kept' } }),
    { mode: 0o600 },
  );
  const done = await login([USER, ...urls(), ...APP, '--client-secret', '-'], approve, { input: `${CLIENT.secret}\n` });
  expect(done).toMatchObject({ code: 0, stdout: `Logged in as ${USER}. It stands in ${file}.\n` });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const accounts = readOAuthFile(file);
  expect(accounts.get('other@example.com')?.refreshToken).toBe('kept');
  expect(accounts.get(USER)).toMatchObject({
    tokenUrl: auth.tokenUrl,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
  });
  expect(done.stdout + done.stderr).not.toContain(accounts.get(USER)?.refreshToken);
  expect(done.stdout + done.stderr).not.toContain(CLIENT.secret);
});

test('a later login needs the user only, and replaces the refresh token', async () => {
  await login([USER, ...urls(), ...APP], approve);
  const before = readOAuthFile(file).get(USER)?.refreshToken;
  const again = await login([USER.toUpperCase(), '--device-url', auth.deviceUrl], approve);
  expect(again.code).toBe(0);
  const { refreshToken } = readOAuthFile(file).get(USER) ?? {};
  expect(refreshToken).not.toBe(before);
  expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')))).toEqual([USER]);
});

test('in a browser (RFC 8252, RFC 7636): back to a port of this machine, once, with the code that fits', async () => {
  const pages: string[] = [];
  const done = await login([USER, ...inBrowser(), ...APP], async (note) => {
    const link = linkIn(note);
    if (link === undefined) return;
    expect(link.searchParams.get('code_challenge_method')).toBe('S256');
    expect(link.searchParams.get('redirect_uri')).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    // Somebody who guesses at the port.
    const forged = await fetch(`${link.searchParams.get('redirect_uri')}/?code=stolen&state=guessed`);
    pages.push(String(forged.status));
    pages.push(await (await fetch(link)).text());
  });
  expect(pages).toEqual(['400', 'Turnpost: done. You can close this window.\n']);
  expect(done.code).toBe(0);
  expect(readOAuthFile(file).get(USER)?.refreshToken).toBeTruthy();
});

test('Gmail and Microsoft 365 are told with the URLs that the relay wants', async () => {
  await login([USER, '--provider', 'microsoft', ...urls(), ...APP], approve).then(({ stderr }) => {
    expect(stderr).toContain('TURNPOST_IMAP_URL=imaps://you%40example.com@outlook.office365.com:993/INBOX');
    expect(stderr).toContain('TURNPOST_SMTP_URL=smtp://you%40example.com@smtp.office365.com:587');
  });
});

test('a refusal, a stop, a missing app and a broken file change nothing and say why', async () => {
  const refused = await login([USER, ...inBrowser(), ...APP], async (note) => {
    const link = linkIn(note);
    const back = new URL(link?.searchParams.get('redirect_uri') ?? 'http://127.0.0.1:1');
    back.searchParams.set('error', 'access_denied');
    back.searchParams.set('state', link?.searchParams.get('state') ?? '');
    if (link !== undefined) await fetch(back);
  });
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('refused; nothing was changed') });
  const stop = new AbortController();
  const stopped = await login([USER, ...urls(), ...APP], () => stop.abort(), { signal: stop.signal });
  expect(stopped).toMatchObject({ code: 130, stderr: expect.stringContaining('nothing was changed') });
  expect(await login([USER, ...urls()], () => {})).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--client-id'),
  });
  expect(await login([USER, ...APP], () => {})).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--provider'),
  });
  const wrong = await login([USER, ...urls(), '--client-id', 'nobody'], approve);
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('client_id or client_secret is wrong') });
  expect(() => statSync(file)).toThrow('ENOENT');
  writeFileSync(file, '{ broken', { mode: 0o600 });
  expect(await login([USER, ...urls(), ...APP], approve)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('nothing was changed'),
  });
  expect(readFileSync(file, 'utf8')).toBe('{ broken');
});
