/**
 * How a mail server is logged in to: with the password of its URL, or with tokens where the URL has a user and no
 * password. One set of tokens a user, shared by the mailbox and the courier: two would replace each other's.
 */
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { ServerAddress } from '../server-url.ts';
import type { OAuthAccount } from './oauth-account.ts';
import { type AccessTokens, oauthTokens, type TokenVault } from './oauth-tokens.ts';

/** Undefined: the URL has a password, or no user. */
export type TokensFor = (server: ServerAddress) => AccessTokens | undefined;

export interface TokensForOptions {
  readonly accounts: () => ReadonlyMap<string, OAuthAccount>;
  readonly vault: TokenVault;
  readonly clock: Clock;
  readonly log: Log;
}

export function tokensFor({ accounts, ...shared }: TokensForOptions): TokensFor {
  const known = new Map<string, AccessTokens>();
  return ({ user, password }) => {
    if (user === null || password !== null) return undefined;
    const key = user.toLowerCase();
    const tokens = known.get(key) ?? oauthTokens({ ...shared, user, account: () => accounts().get(key) });
    known.set(key, tokens);
    return tokens;
  };
}
