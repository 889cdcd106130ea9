/**
 * What is done on one connection to an account: its folder is read at every look, its Junk folder every `junkEveryMs`
 * where something there has changed. One folder is open at a time, and news is told of the open one only: after Junk the
 * account's folder is opened again, and read once more.
 *
 * Each folder has a cursor of its own. Trouble with the Junk folder never keeps INBOX from being read.
 */
import type { MailboxConnection } from './letter-box-connection.ts';
import { type DrainOptions, drainMailbox, KeeperFailure } from './letter-box-drain.ts';
import { chooseFolders, type FolderWishes, type ListedFolder, type WatchedFolders } from './letter-box-folders.ts';

export interface VisitOptions {
  readonly account: string;
  readonly wishes: FolderWishes;
  /** By folder; see DrainOptions. */
  readonly decided: Map<string, Set<number>>;
  readonly junkEveryMs: number;
  readonly drain: Pick<DrainOptions, 'keeper' | 'maxBytes' | 'clock' | 'log'>;
}

export class LetterBoxVisit {
  readonly #connection: MailboxConnection;
  readonly #options: VisitOptions;
  readonly #folders: WatchedFolders;
  /** Of the Junk folder, when it was last read to its end. */
  #junkState: string | null = null;
  #junkDueAt = 0;
  /** Or was tried to be. */
  #open = '';
  #junkBroken = false;

  private constructor(connection: MailboxConnection, options: VisitOptions, folders: WatchedFolders) {
    this.#connection = connection;
    this.#options = options;
    this.#folders = folders;
  }

  /** Finds out which folders there are. Throws FolderRefused for one that is never read. */
  static async begin(connection: MailboxConnection, options: VisitOptions): Promise<LetterBoxVisit> {
    const folders = chooseFolders(await listFolders(connection, options), options.wishes);
    return new LetterBoxVisit(connection, options, folders);
  }

  /** Resolves when all that is new has been read, with the account's own folder open. */
  async look(stopped: () => boolean): Promise<void> {
    const { main, junk } = this.#folders;
    await this.#drain(main.path, main.junk, stopped);
    if (junk === null || this.#junkBroken || stopped() || this.#now() < this.#junkDueAt) return;
    await this.#lookIntoJunk(junk, stopped);
    if (this.#open !== main.path) await this.#drain(main.path, main.junk, stopped);
  }

  async #lookIntoJunk(folder: string, stopped: () => boolean): Promise<void> {
    const { account, drain, junkEveryMs } = this.#options;
    try {
      const state = await this.#connection.stateOf(folder);
      if (state !== this.#junkState) await this.#drain(folder, true, stopped);
      if (stopped()) return;
      this.#junkState = state;
      this.#junkDueAt = this.#now() + junkEveryMs;
    } catch (error) {
      // The store's trouble and the connection's end concern INBOX as well.
      if (error instanceof KeeperFailure || !this.#connection.usable) throw error;
      this.#junkBroken = true;
      const cause = error instanceof Error ? error.message : String(error);
      drain.log.warn(
        { tag: 'imap', account, folder, cause },
        'the Junk folder cannot be read: left out until the next connection',
      );
    }
  }

  #now(): number {
    return this.#options.drain.clock.now();
  }

  async #drain(folder: string, junk: boolean, stopped: () => boolean): Promise<void> {
    const { account, decided, drain } = this.#options;
    const seen = decided.get(folder) ?? new Set();
    decided.set(folder, seen);
    this.#open = folder;
    const box = await this.#connection.open(folder);
    await drainMailbox(box, { ...drain, account, folder, junk, decided: seen }, stopped);
  }
}

/** None, where the server tells none: the folder of the URL is read all the same. */
async function listFolders(connection: MailboxConnection, options: VisitOptions): Promise<readonly ListedFolder[]> {
  try {
    return await connection.listFolders();
  } catch (error) {
    if (!connection.usable) throw error;
    const { account, drain } = options;
    const cause = error instanceof Error ? error.message : String(error);
    drain.log.warn({ tag: 'imap', account, cause }, 'the folders cannot be listed: the Junk folder is left out');
    return [];
  }
}
