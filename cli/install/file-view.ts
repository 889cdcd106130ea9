/**
 * What a plan may know of the disk: file texts, modes and git's opinion. It never writes.
 *
 * Text is UTF-8 and comes with its byte order mark; anything else is refused, since writing it back would change bytes
 * that are not ours.
 */

import { isUtf8 } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { InstallError } from './install-error.ts';

export interface FileState {
  readonly text: string;
  /** Permission bits only. */
  readonly mode: number;
}

export interface FileView {
  /** Null: no such file. Symbolic links are followed. Throws InstallError for what cannot be read as UTF-8 text. */
  read(path: string): FileState | null;
  isFolder(path: string): boolean;
  /** The user id a file, folder or socket belongs to; undefined if there is nothing. */
  owner(path: string): number | undefined;
  isTracked(path: string): boolean;
  isIgnored(path: string): boolean;
  /** `.git/info/exclude` of the repository that holds this folder; undefined outside of one. */
  excludeFile(dir: string): string | undefined;
}

function git(dir: string, args: readonly string[]): { status: number | null; out: string } {
  const run = spawnSync('git', args, { cwd: dir, encoding: 'utf8', timeout: 10_000 });
  return { status: run.status, out: run.stdout ?? '' };
}

/** The nearest folder that is there: git cannot be asked from one that is not. */
function existingFolder(path: string): string {
  const parent = dirname(path);
  return parent === path || statSync(path, { throwIfNoEntry: false })?.isDirectory() ? path : existingFolder(parent);
}

function readText(path: string): FileState | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  if (!stat.isFile()) throw new InstallError(`${path} is not a file. Move it away, then run the command again.`);
  const bytes = readFileSync(path);
  if (!isUtf8(bytes)) {
    throw new InstallError(`${path} is not UTF-8 text. Save it as UTF-8, then run the command again.`);
  }
  return { text: bytes.toString('utf8'), mode: stat.mode & 0o7777 };
}

export const diskView: FileView = {
  read(path) {
    try {
      return readText(path);
    } catch (cause) {
      if (cause instanceof InstallError) throw cause;
      throw new InstallError(`${path} cannot be read (${errorCode(cause)}). Check its permissions.`, { cause });
    }
  },
  isFolder: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
  owner: (path) => statSync(path, { throwIfNoEntry: false })?.uid,
  isTracked: (path) => git(existingFolder(dirname(path)), ['ls-files', '--error-unmatch', '--', path]).status === 0,
  isIgnored: (path) => git(existingFolder(dirname(path)), ['check-ignore', '-q', '--', path]).status === 0,
  excludeFile(dir) {
    const { status, out } = git(dir, ['rev-parse', '--git-path', 'info/exclude']);
    return status === 0 ? resolve(dir, out.trim()) : undefined;
  },
};

/** `EACCES` and the like, for messages. */
export function errorCode(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
}
