/**
 * Which folders of an account are read: the one its URL names, and with INBOX the Junk folder, where a person's answer
 * is forgotten most easily. Pure.
 */
import { FolderRefused } from './retry-wait.ts';

export interface ListedFolder {
  readonly path: string;
  /** RFC 6154, `\Junk`; where the server does not say, imapflow guesses by the name. */
  readonly specialUse: string | null;
  readonly selectable: boolean;
}

export interface WatchedFolders {
  readonly main: { readonly path: string; readonly junk: boolean };
  /** Read beside it; null where there is none, or it is not to be read. */
  readonly junk: string | null;
}

export interface FolderWishes {
  /** Of the URL. */
  readonly folder: string;
  readonly readJunk: boolean;
  /** Folders of this account that other URLs name: their letter boxes read them. */
  readonly elsewhere: readonly string[];
}

/** Throws FolderRefused where the folder holds what other folders hold too. */
export function chooseFolders(listed: readonly ListedFolder[], wishes: FolderWishes): WatchedFolders {
  const { folder, readJunk, elsewhere } = wishes;
  const main = listed.find(({ path }) => isSame(path, folder));
  // RFC 6154 section 2: \All "presents all messages"; Gmail's All Mail, in the language of the account.
  if (main?.specialUse === '\\All') {
    throw new FolderRefused(
      `${folder} holds a copy of every mail, sent ones and old ones too. Name INBOX in TURNPOST_IMAP_URL: the Junk folder is read with it.`,
    );
  }
  const junk = listed.find(({ specialUse, selectable }) => specialUse === '\\Junk' && selectable);
  const withInbox = readJunk && isSame(folder, 'INBOX') && !elsewhere.some((other) => isSame(other, junk?.path ?? ''));
  return {
    main: { path: folder, junk: main?.specialUse === '\\Junk' },
    junk: (withInbox && junk?.path) || null,
  };
}

/** RFC 9051 section 5.1: only INBOX is written in any case. */
function isSame(one: string, other: string): boolean {
  return one === other || (one.toUpperCase() === 'INBOX' && other.toUpperCase() === 'INBOX');
}
