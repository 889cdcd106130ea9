/**
 * Watches one IMAP account: connects, reads what is new, waits for more (IDLE, and a look every `pollIntervalMs`
 * whatever IDLE says), comes back after failures. One connection; with INBOX it also reads the Junk folder on it.
 *
 * Never throws out of `run`: an unreachable server, a wrong password or a full disk is a state, shown by `state()`.
 */
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { LetterBoxKeeper } from '../contracts.ts';
import type { TokensFor } from '../oauth/mail-login.ts';
import type { AccessToken, AccessTokens } from '../oauth/oauth-tokens.ts';
import { readServerUrl } from '../server-url.ts';
import { imapProvider } from './imap-provider.ts';
import { connectMailbox, type MailboxConnection } from './letter-box-connection.ts';
import { KeeperFailure } from './letter-box-drain.ts';
import { causeOf, describeProblem } from './letter-box-problem.ts';
import { LetterBoxVisit } from './letter-box-visit.ts';
import { addFailure, type Failures, failureKind, hintMs, isParked, NO_FAILURES, retryWaitMs } from './retry-wait.ts';

export interface LetterBoxOptions {
  /** `imap(s)://user:pass@host:port/FOLDER`, percent-encoded; INBOX where no folder is named. */
  readonly url: string;
  /** The mailbox's own address: agents are `local+name@` there. */
  readonly address: string;
  /** Whose tokens log in where the URL has no password; left out: nobody's. */
  readonly tokens?: TokensFor | undefined;
  /** With INBOX, read the Junk folder too. Default true. */
  readonly readJunk?: boolean | undefined;
  /** Folders of the same account that have letter boxes of their own. */
  readonly elsewhere?: readonly string[] | undefined;
  /** PEM of the authority to trust instead of the system's. */
  readonly ca?: string | undefined;
  readonly pollIntervalMs: number;
  readonly keeper: LetterBoxKeeper;
  readonly clock: Clock;
  readonly log: Log;
  readonly maxBytes: number;
}

export interface LetterBoxState {
  /** `imap:user@host/FOLDER`. */
  readonly account: string;
  /** Connected, and all that was there has been read. */
  readonly ready: boolean;
  /** What is wrong and what to do, in a sentence; null while nothing is. */
  readonly problem: string | null;
}

export interface LetterBox {
  readonly address: string;
  /** Key of the cursor, with `folder`. */
  readonly account: string;
  readonly folder: string;
  /** Resolves some moments after `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Connects, reads what is new, disconnects. Throws what failed. Not while `run` runs: one connection per account. */
  drainOnce(): Promise<void>;
  state(): LetterBoxState;
}

/** Throws TypeError for a URL that is none. */
export function imapLetterBox(options: LetterBoxOptions): LetterBox {
  return new ImapLetterBox(options);
}

/** How often a parked mailbox looks whether its login was mended. */
const MENDED_MS = 15_000;

class ImapLetterBox implements LetterBox {
  readonly address: string;
  readonly account: string;
  readonly folder: string;
  readonly #options: LetterBoxOptions;
  readonly #server: ReturnType<typeof readServerUrl>;
  readonly #tokens: AccessTokens | undefined;
  /** UIDs near the cursor that are done with, by folder; lives as long as this process. */
  readonly #decided = new Map<string, Set<number>>();
  #failures: Failures = NO_FAILURES;
  #ready = false;
  #problem: string | null = 'not connected yet';

  constructor(options: LetterBoxOptions) {
    this.#options = options;
    this.#server = readServerUrl(options.url, 'imap');
    this.#tokens = options.tokens?.(this.#server);
    this.address = options.address;
    this.account = `${this.#server.user ?? ''}@${this.#server.host}`;
    this.folder = this.#server.path ?? 'INBOX';
  }

  state(): LetterBoxState {
    return { account: `imap:${this.account}/${this.folder}`, ready: this.#ready, problem: this.#problem };
  }

  async drainOnce(): Promise<void> {
    const { connection } = await this.#open();
    try {
      const visit = await this.#visit(connection);
      await visit.look(() => false);
      this.#succeed();
    } finally {
      await connection.close();
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#session(signal);
      } catch (error) {
        this.#fail(error);
        await this.#rest(signal);
      }
    }
    this.#ready = false;
  }

  /** One connection's life. Returns on abort and when its token runs out, throws why it ended otherwise. */
  async #session(signal: AbortSignal): Promise<void> {
    const { connection, token } = await this.#open();
    const { clock, pollIntervalMs } = this.#options;
    // RFC 7628 has no way to hand in the next token: a new connection does.
    const lifeMs = () => (token === undefined ? pollIntervalMs : token.closeAt - clock.now());
    const over = () => signal.aborted || lifeMs() <= 0;
    try {
      const visit = await this.#visit(connection);
      while (!over()) {
        if (!connection.usable)
          throw new Error(`the server closed the connection: ${connection.farewell ?? 'no reason given'}`);
        const wait = await this.#look(visit, over, signal);
        await connection.waitForNews(Math.min(wait, Math.max(0, lifeMs())), signal);
      }
    } catch (error) {
      // Exchange ends a session whose token ran out with "AccessTokenExpired".
      if (token !== undefined && /token/i.test(connection.farewell ?? '')) this.#tokens?.drop(token.value);
      throw error;
    } finally {
      await connection.close();
    }
  }

  #visit(connection: MailboxConnection): Promise<LetterBoxVisit> {
    const { readJunk = true, elsewhere = [], pollIntervalMs, keeper, maxBytes, clock, log } = this.#options;
    return LetterBoxVisit.begin(connection, {
      account: this.account,
      wishes: { folder: this.folder, readJunk, elsewhere },
      decided: this.#decided,
      junkEveryMs: pollIntervalMs,
      drain: { keeper, maxBytes, clock, log },
    });
  }

  /** Reads what is new; returns how long to wait for news. Trouble of the store keeps the connection. */
  async #look(visit: LetterBoxVisit, over: () => boolean, signal: AbortSignal): Promise<number> {
    const { clock, pollIntervalMs } = this.#options;
    try {
      await visit.look(over);
      this.#succeed();
      return pollIntervalMs;
    } catch (error) {
      if (!(error instanceof KeeperFailure)) throw error;
      this.#fail(error);
      await clock.sleep(Math.min(pollIntervalMs, retryWaitMs(this.#failures, clock.chance())), signal);
      return 0;
    }
  }

  async #open(): Promise<{ readonly connection: MailboxConnection; readonly token: AccessToken | undefined }> {
    const { ca, maxBytes, clock, log } = this.#options;
    const token = await this.#tokens?.get();
    try {
      return { connection: await connectMailbox({ server: this.#server, token, ca, maxBytes, clock, log }), token };
    } catch (error) {
      // Perhaps withdrawn before its time: the next try brings another.
      if (token !== undefined && failureKind(error) === 'auth') this.#tokens?.drop(token.value);
      throw error;
    }
  }

  /** After a failure. A login that someone mends meanwhile ends the wait. */
  async #rest(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const wait = retryWaitMs(this.#failures, clock.chance());
    if (this.#tokens === undefined || !isParked(this.#failures)) return clock.sleep(wait, signal);
    const until = clock.now() + wait;
    while (!signal.aborted && clock.now() < until && !this.#tokens.changed())
      await clock.sleep(Math.min(MENDED_MS, until - clock.now()), signal);
  }

  #succeed(): void {
    const { account, folder } = this;
    if (!this.#ready) this.#options.log.info({ tag: 'imap', account, folder }, 'mailbox is being watched');
    this.#failures = NO_FAILURES;
    this.#ready = true;
    this.#problem = null;
  }

  #fail(error: unknown): void {
    this.#ready = false;
    this.#failures = addFailure(this.#failures, failureKind(error), hintMs(error));
    const provider = imapProvider(this.#server.host);
    this.#problem = describeProblem(error, { failures: this.#failures, provider, byToken: this.#tokens !== undefined });
    const { account, folder } = this;
    const fields = { tag: 'imap', account, folder, failures: this.#failures.all, problem: this.#problem };
    this.#options.log.warn({ ...fields, cause: causeOf(error) }, 'mailbox cannot be read');
  }
}
