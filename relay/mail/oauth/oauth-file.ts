/** The file of TURNPOST_OAUTH on disk: read anew whenever it is asked for, so that a new login needs no restart. */
import { readFileSync, statSync } from 'node:fs';
import { type OAuthAccount, readOAuthAccounts } from './oauth-account.ts';

/** Accounts by user in lower case; none where there is no file. Throws an Error for people, without a value in it. */
export function readOAuthFile(file: string): ReadonlyMap<string, OAuthAccount> {
  const text = readPrivately(file);
  if (text === undefined) return new Map();
  try {
    return readOAuthAccounts(text);
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : 'cannot be read'}`, { cause: error });
  }
}

/** Undefined: there is no such file. Others on this machine must not be able to read it: it holds the keys of mailboxes. */
export function readPrivately(file: string): string | undefined {
  try {
    const { mode } = statSync(file);
    if ((mode & 0o077) !== 0) throw new Error(`others can open it. Run: chmod 600 ${file}`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new Error(`${file}: ${error instanceof Error ? error.message : 'cannot be read'}`, { cause: error });
  }
}
