/** The file of TURNPOST_OAUTH as the command changes it: one user's entry, everything else as it was, mode 0600, whole or not at all. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';
import { OAUTH_ENTRY, type OAuthEntry } from '../../relay/mail/oauth/oauth-account.ts';
import { CliError } from '../exit-code.ts';

/** Half of an entry: what a login before this one left, or nothing. */
export type OldEntry = Partial<OAuthEntry>;

type Entries = Readonly<Record<string, unknown>>;

export function findEntry(file: string, user: string): OldEntry {
  const entries = readEntries(file);
  const entry = entries[nameIn(entries, user)];
  return typeof entry === 'object' && entry !== null ? (entry as OldEntry) : {}; // checked whole before it is written
}

/** Throws CliError where the entry is not sound. */
export function putEntry(file: string, user: string, entry: OAuthEntry): void {
  const read = OAUTH_ENTRY.safeParse(entry);
  if (!read.success) {
    const issues = read.error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`);
    throw new CliError('usage', issues.join('; '));
  }
  const entries = readEntries(file);
  const text = JSON.stringify({ ...entries, [nameIn(entries, user)]: read.data }, null, 2);
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const half = `${file}.new`;
  const handle = openSync(half, 'w', 0o600);
  writeSync(handle, `${text}\n`);
  fsyncSync(handle);
  closeSync(handle);
  renameSync(half, file);
}

function readEntries(file: string): Entries {
  if (!existsSync(file)) return {};
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Entries; // any members
  } catch {
    // Told below, without the parser's words: they quote the text.
  }
  throw new CliError('error', `${file} is not a JSON object of logins. Mend it or move it away; nothing was changed.`);
}

/** As it is written there already, in whatever case. */
function nameIn(entries: Entries, user: string): string {
  return Object.keys(entries).find((name) => name.toLowerCase() === user.toLowerCase()) ?? user;
}
