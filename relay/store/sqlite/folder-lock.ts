/**
 * One relay per data folder: an exclusive lock on a file of its own, held by the operating system for as long as the
 * process lives, so a relay that was killed leaves nothing to clean up.
 */
import Database from 'better-sqlite3';
import { keepForLife } from './database.ts';

/** Returns what lets go again. Throws an Error for people where another relay holds the folder. */
export function lockFolder(lockFile: string): () => void {
  const lock = keepForLife(new Database(lockFile, { timeout: 0 }));
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    throw new Error(
      `another relay is running on this data folder (${lockFile} is locked). Stop it, or give this one its own folder with TURNPOST_DATA_DIR.`,
      { cause: error },
    );
  }
  return () => lock.close();
}
