import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { imapProvider } from '../../../relay/mail/imap/imap-provider.ts';
import { readOAuthAccounts } from '../../../relay/mail/oauth/oauth-account.ts';
import { tokenFailure } from '../../../relay/mail/oauth/oauth-failure.ts';
import { readOAuthFile } from '../../../relay/mail/oauth/oauth-file.ts';

const read = (entry: Record<string, unknown>, user = 'You@Example.com') =>
  readOAuthAccounts(JSON.stringify({ [user]: entry })).get(user.toLowerCase());

describe('the file of TURNPOST_OAUTH', () => {
  test('Gmail: the provider brings URL and scope', () => {
    expect(read({ provider: 'google', client_id: 'app', client_secret: 's', refresh_token: 'r' })).toEqual({
      user: 'you@example.com',
      grant: 'refresh_token',
      tokenUrl: 'https://oauth2.googleapis.com/token',
      clientId: 'app',
      clientSecret: 's',
      refreshToken: 'r',
      scope: 'https://mail.google.com/',
    });
  });

  test('Microsoft 365: a person in any directory, a program in one', () => {
    expect(read({ provider: 'microsoft', client_id: 'app', refresh_token: 'r' })).toMatchObject({
      tokenUrl: 'https://login.microsoftonline.com/common/oauth2/v2.0/token',
      clientSecret: null,
      scope: expect.stringContaining('IMAP.AccessAsUser.All'),
    });
    const app = { provider: 'microsoft', grant: 'client_credentials', client_id: 'app', client_secret: 's' };
    expect(read({ ...app, tenant: 'example.com' })).toMatchObject({
      tokenUrl: 'https://login.microsoftonline.com/example.com/oauth2/v2.0/token',
      refreshToken: null,
      scope: 'https://outlook.office365.com/.default',
    });
    expect(() => read(app)).toThrow(/You@Example.com.tenant: is needed/);
  });

  const BASE = { token_url: 'https://id.example.com/token', client_id: 'app', refresh_token: 'sesame' };
  test.each([
    ['a token URL in plain text', { token_url: 'http://id.example.com/token' }, /token_url: want an https URL/],
    ['no provider and no URL', { token_url: undefined }, /token_url: name a provider or a token_url/],
    ['no refresh token', { refresh_token: undefined }, /refresh_token: is missing: "turnpost oauth login"/],
    ['an unknown field', { password: 'sesame' }, /password/],
    ['client_credentials without a secret', { grant: 'client_credentials' }, /client_secret: is needed/],
  ])('%s is named with its user, and no value is shown', (_, change, message) => {
    expect(() => read({ ...BASE, ...change })).toThrow(message);
    expect(() => read({ ...BASE, ...change })).toThrow(expect.not.stringContaining('sesame'));
  });

  test('a user in any case; another server on this machine over http', () => {
    expect(read({ ...BASE, token_url: 'http://127.0.0.1:1/token' })).toMatchObject({ scope: null });
  });
});

describe('the file on disk', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'turnpost-oauth-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'oauth.json');

  test('none is no mistake; one that others can open, or that is no JSON, is, with the file and what to do', () => {
    expect(readOAuthFile(file).size).toBe(0);
    writeFileSync(file, '{"sesame', { mode: 0o600 });
    expect(() => readOAuthFile(file)).toThrow(`${file}: it is not valid JSON`);
    chmodSync(file, 0o640);
    expect(() => readOAuthFile(file)).toThrow(`chmod 600 ${file}`);
  });
});

describe('what a token server refuses', () => {
  const answer = { status: 400, retryAfterMs: 0 };
  test.each([
    ['invalid_grant', /turnpost oauth login/],
    ['invalid_client', /client_secret is wrong or has run out/],
    ['invalid_scope', /mail scopes/],
    ['something_new', /check the entry/],
    [null, /HTTP 400/],
  ])('%s is for a person to mend', (code, message) => {
    const failure = tokenFailure('you@example.com', { ...answer, code });
    expect(failure).toMatchObject({ refused: true, message: expect.stringMatching(message) });
  });

  test.each([
    [500, null],
    [503, 'invalid_grant'],
    [429, null],
    [400, 'temporarily_unavailable'],
  ])('%i %s passes', (status, code) => {
    expect(tokenFailure('you@example.com', { status, code, retryAfterMs: 9 })).toMatchObject({
      refused: false,
      retryAfterMs: 9,
    });
  });
});

describe('what is particular about a provider', () => {
  test.each([
    ['imap.gmail.com', true, /app password.*turnpost oauth login/],
    ['IMAP.GMAIL.COM', true, /Gmail/],
    ['outlook.office365.com', false, /takes no passwords/],
    ['imap.163.com', true, /authorization code/],
    ['imap.purelymail.com', false, /TURNPOST_IMAP_URL/],
    ['imap.gmail.com.example.net', false, /TURNPOST_IMAP_URL/],
  ])('%s: ID %s', (host, wantsId, loginAdvice) => {
    expect(imapProvider(host)).toMatchObject({ wantsId, loginAdvice: expect.stringMatching(loginAdvice) });
  });
});
