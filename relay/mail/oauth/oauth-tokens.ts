/**
 * Access tokens for one user's mailbox, shared by what reads it and what sends from it.
 *
 * Promises: one request at a time; a token handed out is good for a while yet; a refresh token that the server replaced
 * is on disk before anything else happens, since the old one may be dead (RFC 6749 section 6, RFC 9700 section 4.14);
 * a server that fails is left alone for a while, one that refuses until the hour is over or the account's entry changed.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import { addFailure, NO_FAILURES, retryWaitMs } from '../imap/retry-wait.ts';
import type { OAuthAccount } from './oauth-account.ts';
import { OAuthFailure } from './oauth-failure.ts';
import { type IssuedToken, requestToken } from './oauth-token-request.ts';

export interface AccessToken {
  readonly value: string;
  /** Connections that it opened are closed then, before the server does it. */
  readonly closeAt: number;
}

export interface AccessTokens {
  /** Throws OAuthFailure. */
  get(): Promise<AccessToken>;
  /** The mail server refused this one or ended its session: the next `get` brings another. */
  drop(value: string): void;
  /** The account's entry is another than at the last failure: worth a try before the wait is over. */
  changed(): boolean;
}

/** A refresh token that replaced the one in the account's entry. */
export interface ReplacedToken {
  /** Hash of the login it descends from: a person who logs in anew makes it void, a corrected entry does not. */
  readonly origin: string;
  readonly refreshToken: string;
}

/** Keeps replaced refresh tokens. What `save` resolved for survives a crash. */
export interface TokenVault {
  load(user: string): Promise<ReplacedToken | undefined>;
  save(user: string, token: ReplacedToken): Promise<void>;
}

export interface OAuthTokensOptions {
  readonly user: string;
  /** The entry as it is now; undefined where there is none. Throws where the file cannot be read. */
  readonly account: () => OAuthAccount | undefined;
  readonly vault: TokenVault;
  readonly clock: Clock;
  readonly log: Log;
}

/** Renewed this long before its end, or a tenth of its life where that is shorter. */
const MARGIN_MS = 5 * 60_000;

export function oauthTokens(options: OAuthTokensOptions): AccessTokens {
  return new OAuthTokens(options);
}

class OAuthTokens implements AccessTokens {
  readonly #options: OAuthTokensOptions;
  #token: AccessToken | undefined;
  #renewing: Promise<AccessToken> | undefined;
  /** Not on disk yet, since the store failed. */
  #unsaved: ReplacedToken | undefined;
  #failures = NO_FAILURES;
  #failure: { readonly error: OAuthFailure; readonly until: number; readonly entry: string } | undefined;

  constructor(options: OAuthTokensOptions) {
    this.#options = options;
  }

  get(): Promise<AccessToken> {
    if (this.#token !== undefined && this.#options.clock.now() < this.#token.closeAt)
      return Promise.resolve(this.#token);
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  drop(value: string): void {
    if (this.#token?.value === value) this.#token = undefined;
  }

  changed(): boolean {
    return this.#failure !== undefined && this.#failure.entry !== this.#entryNow();
  }

  async #renew(): Promise<AccessToken> {
    const { clock } = this.#options;
    const entry = this.#entryNow();
    if (this.#failure !== undefined && this.#failure.entry === entry && clock.now() < this.#failure.until)
      throw this.#failure.error;
    try {
      const token = await this.#request();
      this.#failures = NO_FAILURES;
      this.#failure = undefined;
      this.#token = token;
      return token;
    } catch (error) {
      throw this.#fail(error, entry);
    }
  }

  async #request(): Promise<AccessToken> {
    const { user, clock } = this.#options;
    const account = this.#account();
    const origin = hashOf([account.clientId, account.refreshToken]);
    const startedAt = clock.now();
    const form = {
      grant_type: account.grant,
      client_id: account.clientId,
      client_secret: account.clientSecret,
      refresh_token: account.grant === 'refresh_token' ? await this.#refreshToken(account, origin) : null,
      scope: account.scope,
    };
    const issued = await requestToken(user, account.tokenUrl, form, clock);
    if (account.grant === 'refresh_token') await this.#keep(issued, form.refresh_token, origin);
    const margin = Math.min(MARGIN_MS, issued.lifetimeMs / 10);
    this.#options.log.debug({ tag: 'oauth', user, lifetime_ms: issued.lifetimeMs }, 'new access token');
    return { value: issued.accessToken, closeAt: startedAt + issued.lifetimeMs - margin };
  }

  async #refreshToken(account: OAuthAccount, origin: string): Promise<string | null> {
    const replaced = this.#unsaved ?? (await this.#options.vault.load(account.user));
    return replaced?.origin === origin ? replaced.refreshToken : account.refreshToken;
  }

  async #keep({ refreshToken }: IssuedToken, used: string | null, origin: string): Promise<void> {
    if (refreshToken !== null && refreshToken !== used) this.#unsaved = { origin, refreshToken };
    if (this.#unsaved === undefined) return;
    const { user, vault, log } = this.#options;
    try {
      await vault.save(user.toLowerCase(), this.#unsaved);
      this.#unsaved = undefined;
    } catch (cause) {
      // It is good as long as this process lives, and saved with the next renewal.
      log.error(
        { tag: 'oauth', user, cause },
        'a replaced refresh token could not be stored: free the disk before the relay restarts',
      );
    }
  }

  #fail(error: unknown, entry: string): OAuthFailure {
    const failure =
      error instanceof OAuthFailure
        ? error
        : new OAuthFailure('The relay could not look up the login of this mailbox; the log has the cause.', {
            refused: false,
          });
    const { user, clock, log } = this.#options;
    this.#failures = addFailure(this.#failures, failure.refused ? 'refused' : 'other');
    const wait = Math.max(failure.retryAfterMs, retryWaitMs(this.#failures, clock.chance()));
    this.#failure = { error: failure, until: clock.now() + wait, entry };
    const cause = failure === error ? undefined : error;
    log.warn(
      { tag: 'oauth', user, wait_ms: wait, problem: failure.message, ...(cause !== undefined && { cause }) },
      'no access token',
    );
    return failure;
  }

  #account(): OAuthAccount {
    const { user } = this.#options;
    const found = this.#entry();
    if (found !== undefined) return found;
    throw new OAuthFailure(
      `There is neither a password nor an OAuth login for ${user}. Put a password (for most providers an app password) into the URL, or run "turnpost oauth login ${user}".`,
      { refused: true },
    );
  }

  #entry(): OAuthAccount | undefined {
    try {
      return this.#options.account();
    } catch (error) {
      const why = error instanceof Error ? error.message : 'unknown cause';
      throw new OAuthFailure(`The file of TURNPOST_OAUTH cannot be used: ${why}.`, { refused: true });
    }
  }

  /** Names the entry without holding it; '' where there is none, or none that can be read. */
  #entryNow(): string {
    try {
      const account = this.#entry();
      return account === undefined ? '' : hashOf(account);
    } catch {
      return '';
    }
  }
}

const hashOf = (value: object): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url');
