/** Refresh tokens that a strict server replaces at every use are not lost when the account's entry is corrected. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../relay/clock.ts';
import { silentLog } from '../../../relay/log.ts';
import { readOAuthAccounts } from '../../../relay/mail/oauth/oauth-account.ts';
import { oauthTokens, type ReplacedToken } from '../../../relay/mail/oauth/oauth-tokens.ts';
import { type AuthorisationServer, CLIENT, startAuthorisationServer } from '../../support/authorisation-server.ts';

const USER = 'alice@human.test';
let auth: AuthorisationServer;
beforeAll(async () => {
  auth = await startAuthorisationServer();
});
afterAll(() => auth?.close());

test('another scope or address in the entry is still the same login, another refresh token is not', async () => {
  const vault = new Map<string, ReplacedToken>();
  const first = {
    token_url: auth.tokenUrl,
    client_id: CLIENT.id,
    client_secret: CLIENT.secret,
    refresh_token: auth.login(USER),
  };
  // Each as after a restart of the relay.
  const tokenFor = (entry: object) =>
    oauthTokens({
      user: USER,
      account: () => readOAuthAccounts(JSON.stringify({ [USER]: entry })).get(USER),
      vault: { load: async (user) => vault.get(user), save: async (user, token) => void vault.set(user, token) },
      clock: systemClock,
      log: silentLog,
    }).get();
  await tokenFor(first);
  await tokenFor({ ...first, scope: 'mail' });
  await tokenFor({ ...first, token_url: `${auth.tokenUrl}?tenant=other` });
  expect([auth.asked.length, auth.reused]).toEqual([3, []]);
  auth.withdrawLogin(USER);
  await tokenFor({ ...first, refresh_token: auth.login(USER) });
  expect([auth.asked.length, auth.reused], 'a new login makes the kept one void').toEqual([4, []]);
});
