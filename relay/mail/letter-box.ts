/**
 * Watches one IMAP mailbox: connects, reads what is new, waits for more (IDLE, and a look every `pollIntervalMs`
 * whatever IDLE says), comes back after failures. One connection per account; several mailboxes are several letter boxes.
 *
 * Never throws out of `run`: an unreachable server, a wrong password or a full disk is a state, shown by `state()`.
 */
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { LetterBoxKeeper } from './contracts.ts';
import { type MailboxConnection, openMailbox } from './letter-box-connection.ts';
import { drainMailbox, KeeperFailure } from './letter-box-drain.ts';
import { addFailure, type Failures, failureKind, isParked, NO_FAILURES, retryWaitMs } from './retry-wait.ts';
import { readServerUrl } from './server-url.ts';

export interface LetterBoxOptions {
  /** `imap(s)://user:pass@host:port/FOLDER`, percent-encoded; INBOX where no folder is named. */
  readonly url: string;
  /** The mailbox's own address: agents are `local+name@` there. */
  readonly address: string;
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

class ImapLetterBox implements LetterBox {
  readonly address: string;
  readonly account: string;
  readonly folder: string;
  readonly #options: LetterBoxOptions;
  readonly #server: ReturnType<typeof readServerUrl>;
  readonly #decided = new Set<number>();
  #failures: Failures = NO_FAILURES;
  #ready = false;
  #problem: string | null = 'not connected yet';

  constructor(options: LetterBoxOptions) {
    this.#options = options;
    this.#server = readServerUrl(options.url, 'imap');
    this.address = options.address;
    this.account = `${this.#server.user ?? ''}@${this.#server.host}`;
    this.folder = this.#server.path ?? 'INBOX';
  }

  state(): LetterBoxState {
    return { account: `imap:${this.account}/${this.folder}`, ready: this.#ready, problem: this.#problem };
  }

  async drainOnce(): Promise<void> {
    const connection = await this.#open();
    try {
      await this.#drain(connection, () => false);
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
      }
      const wait = retryWaitMs(this.#failures, this.#options.clock.chance());
      if (!signal.aborted) await this.#options.clock.sleep(wait, signal);
    }
    this.#ready = false;
  }

  /** One connection's life. Ends by abort, or by throwing why it ended. */
  async #session(signal: AbortSignal): Promise<void> {
    const connection = await this.#open();
    try {
      while (!signal.aborted) {
        if (!connection.usable) throw new Error('the server closed the connection');
        const wait = await this.#look(connection, signal);
        await connection.waitForNews(wait, signal);
      }
    } finally {
      this.#ready = false;
      await connection.close();
    }
  }

  /** Reads what is new; returns how long to wait for news. Trouble of the store keeps the connection. */
  async #look(connection: MailboxConnection, signal: AbortSignal): Promise<number> {
    const { clock, pollIntervalMs } = this.#options;
    try {
      await this.#drain(connection, () => signal.aborted);
      return pollIntervalMs;
    } catch (error) {
      if (!(error instanceof KeeperFailure)) throw error;
      this.#fail(error);
      const wait = Math.min(pollIntervalMs, retryWaitMs(this.#failures, clock.chance()));
      await clock.sleep(wait, signal);
      return 0;
    }
  }

  #open(): Promise<MailboxConnection> {
    const { ca, maxBytes, clock, log } = this.#options;
    return openMailbox({ server: this.#server, folder: this.folder, ca, maxBytes, clock, log });
  }

  async #drain(connection: MailboxConnection, stopped: () => boolean): Promise<void> {
    const { keeper, maxBytes, clock, log } = this.#options;
    await drainMailbox(
      connection,
      { account: this.account, folder: this.folder, keeper, decided: this.#decided, maxBytes, clock, log },
      stopped,
    );
    if (!this.#ready) log.info({ tag: 'imap', account: this.account, folder: this.folder }, 'mailbox is being watched');
    this.#failures = NO_FAILURES;
    this.#ready = true;
    this.#problem = null;
  }

  #fail(error: unknown): void {
    this.#ready = false;
    this.#failures = addFailure(this.#failures, failureKind(error));
    this.#problem = describeProblem(error, this.#failures);
    const { account, folder } = this;
    const fields = { tag: 'imap', account, folder, failures: this.#failures.all, problem: this.#problem };
    this.#options.log.warn({ ...fields, cause: causeOf(error) }, 'mailbox cannot be read');
  }
}

/** The error without its stack and without what imapflow attaches (the command's text may hold the password). */
function causeOf(error: unknown): string {
  const cause = error instanceof KeeperFailure ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

function describeProblem(error: unknown, failures: Failures): string {
  if (error instanceof KeeperFailure) return 'The relay could not store what came in; it tries again.';
  if (failureKind(error) === 'auth') {
    const next = isParked(failures) ? 'It is tried again in an hour.' : 'It is tried again.';
    return `The server refuses the login. Put the right user and password (for most providers an app password) in TURNPOST_IMAP_URL and restart. ${next}`;
  }
  const response =
    typeof error === 'object' && error !== null && 'responseText' in error ? error.responseText : undefined;
  return `The mailbox cannot be read: ${String(response ?? causeOf(error)).slice(0, 300)}. It is tried again.`;
}
