/**
 * Carries out a plan. Every new text is first written beside its file, then renamed over it, so no file is ever half
 * written; if one step fails, the files already changed get their former text back.
 *
 * Symbolic links stay: the file they lead to is changed. A file that is read-only, or that changed since the plan was
 * made, stops the whole plan before anything is written.
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { diskView, errorCode } from './file-view.ts';
import { InstallError } from './install-error.ts';
import type { FileChange, Plan } from './types.ts';

interface Step {
  readonly change: FileChange;
  /** Where the bytes are, links followed. */
  readonly target: string;
  readonly stat: Stats | undefined;
}

/** Throws InstallError; then all files are as they were, or the message names the ones that are not. */
export function applyPlan(plan: Plan): void {
  const steps = plan.changes.map(checkStep);
  const madeFolders: string[] = [];
  const done: Step[] = [];
  try {
    if (plan.changes.length > 0 && plan.privateFolder !== null)
      madeFolders.push(...makeFolder(plan.privateFolder, 0o700));
    for (const step of steps) {
      madeFolders.push(...makeFolder(dirname(step.target)));
      carryOut(step, step.change.after, newMode(step));
      done.push(step);
    }
  } catch (cause) {
    const lost = done.reverse().filter((step) => !restore(step));
    for (const folder of madeFolders.reverse()) removeIfEmpty(folder);
    const state =
      lost.length === 0 ? 'Nothing was changed.' : `Left changed: ${lost.map(({ target }) => target).join(', ')}.`;
    throw new InstallError(`Writing failed (${message(cause)}). ${state}`, { cause });
  }
  for (const folder of plan.emptyFolders) removeIfEmpty(folder);
}

function checkStep(change: FileChange): Step {
  const target = followLinks(change.path);
  const current = diskView.read(target)?.text ?? null;
  if (current !== change.before) {
    throw new InstallError(`${change.path} changed while this command ran. Nothing was written. Run it again.`);
  }
  const stat = statSync(target, { throwIfNoEntry: false });
  // Renaming over a read-only file would work; whoever made it read-only did not want that.
  if (stat !== undefined && (stat.mode & 0o200) === 0) {
    throw new InstallError(
      `${target} is read-only. Nothing was written. Make it writable ("chmod u+w"), then run the command again.`,
    );
  }
  return { change, target, stat };
}

/** Also through a link to a file that is not there yet. */
function followLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    try {
      return followLinks(resolve(dirname(path), readlinkSync(path)));
    } catch {
      return path; // no link: a new file
    }
  }
}

function newMode({ change, stat }: Step): number | undefined {
  return change.mode ?? (stat === undefined ? undefined : stat.mode & 0o7777);
}

function carryOut({ target, stat }: Step, text: string | null, mode: number | undefined): void {
  if (text === null) {
    rmSync(target, { force: true });
    return;
  }
  const temporary = `${target}.turnpost-${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(temporary, text, { flag: 'wx', mode: mode ?? 0o666 });
    if (mode !== undefined) chmodSync(temporary, mode); // whatever the umask is
    if (stat !== undefined) keepOwner(temporary, stat);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Only root may give files away; for all others the owner is the same anyway. */
function keepOwner(path: string, { uid, gid }: Stats): void {
  if (process.getuid?.() === 0) chownSync(path, uid, gid);
}

function restore(step: Step): boolean {
  try {
    carryOut(step, step.change.before, step.stat && step.stat.mode & 0o7777);
    return true;
  } catch {
    return false;
  }
}

/** Returns the folders it had to make, outermost first. */
function makeFolder(path: string, mode?: number): string[] {
  if (diskView.isFolder(path)) return [];
  const above = dirname(path) === path ? [] : makeFolder(dirname(path));
  mkdirSync(path, mode === undefined ? {} : { mode });
  return [...above, path];
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // not empty, or already gone: both are fine
  }
}

function message(cause: unknown): string {
  const path = cause instanceof Error && 'path' in cause ? ` at ${String(cause.path)}` : '';
  return `${errorCode(cause)}${path}`;
}
