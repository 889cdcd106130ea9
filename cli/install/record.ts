/**
 * `installed.json` in our own folder: what an install did to files that are not ours alone, so that an uninstall gives
 * back the very bytes where nobody touched them since, and takes out no more than ours where somebody did.
 * Paths inside the project are relative, so a moved project still uninstalls.
 */
import { createHash } from 'node:crypto';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { Traces } from './edits.ts';
import type { FileView } from './file-view.ts';
import { isPlainObject } from './jsonc-document.ts';
import { type Hunk, undoHunks } from './line-diff.ts';

export const RECORD_FILE = 'installed.json';

export interface FileRecord extends Traces {
  readonly path: string;
  /** Was there such a file before us? */
  readonly existed: boolean;
  /** Its permissions before, where we changed them. */
  readonly mode: number | null;
  /** Of the text we wrote. */
  readonly sha256: string;
  /** From the text we wrote to the one before. */
  readonly undo: readonly Hunk[];
}

export interface InstallRecord {
  readonly version: 1;
  /** Folders that were not there before us. */
  readonly folders: readonly string[];
  readonly files: readonly FileRecord[];
}

/** Undefined where there is none, or none that can be used: then only what is recognisably ours counts as ours. */
export function readRecord(view: FileView, folder: string): InstallRecord | undefined {
  const text = view.read(join(folder, RECORD_FILE))?.text;
  if (text === undefined) return undefined;
  try {
    const record: unknown = JSON.parse(text);
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

export function writeRecord(record: InstallRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

function isRecord(value: unknown): value is InstallRecord {
  if (!isPlainObject(value) || value['version'] !== 1) return false;
  const { folders, files } = value;
  return Array.isArray(folders) && Array.isArray(files) && files.every(isFileRecord);
}

function isFileRecord(value: unknown): value is FileRecord {
  if (!isPlainObject(value)) return false;
  const lists = [value['keys'], value['made'], value['replaced'], value['undo']];
  return typeof value['path'] === 'string' && typeof value['sha256'] === 'string' && lists.every(Array.isArray);
}

/** How a path stands in the record. */
export function recordedPath(dir: string, path: string): string {
  const inside = relative(dir, path);
  return inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? path : inside;
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The text from before us, if nobody changed the file since we wrote it. */
export function originalText(record: FileRecord, current: string): string | undefined {
  return sha256(current) === record.sha256 ? undoHunks(current, record.undo) : undefined;
}
