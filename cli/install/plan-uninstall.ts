/**
 * What an uninstall will change, as a value. Files that nobody touched since the install get their very bytes back, and
 * go if they were not there before; from others only our entries vanish. Writes nothing.
 */
import { dirname, join, resolve } from 'node:path';
import { isBlank, takeOut } from './edits.ts';
import { findRecord } from './plan-install.ts';
import { type FileRecord, type InstallRecord, originalText, RECORD_FILE, readRecord } from './record.ts';
import { getClient } from './registry.ts';
import { bareSetup, SETTINGS_FILE, thisMachine } from './setup.ts';
import { type ClientName, DUTIES, type Edit, type FileChange, type Machine, type Plan } from './types.ts';

export interface UninstallRequest {
  readonly client: ClientName;
  readonly dir: string;
}

/** Throws InstallError for a file that cannot be read or does not parse. No changes: nothing of ours is there. */
export function planUninstall(request: UninstallRequest, machine: Machine = thisMachine()): Plan {
  const client = getClient(request.client);
  const dir = resolve(request.dir);
  const folder = client.folder({ machine, dir });
  const record = readRecord(machine.view, folder);
  const edits = client.edits(bareSetup(client, machine, dir));
  const changes = [
    ...edits.flatMap((edit) => undoEdit(edit, findRecord(record, dir, edit.path), machine)),
    ...ownFileNames().flatMap((name) => removeOwnFile(join(folder, name), machine)),
  ];
  return {
    client: client.name,
    title: client.title,
    dir,
    changes,
    privateFolder: null,
    emptyFolders: foldersOfOurs(record, dir, folder),
    notes: [],
    secrets: [],
  };
}

/** The record goes last: an uninstall that broke off can be run again. */
function ownFileNames(): string[] {
  return [...DUTIES.map((duty) => `${duty}.mjs`), SETTINGS_FILE, '.gitignore', RECORD_FILE];
}

function removeOwnFile(path: string, { view }: Machine): FileChange[] {
  const state = view.read(path);
  return state === null ? [] : [{ path, before: state.text, after: null, mode: null, copied: true }];
}

function undoEdit(edit: Edit, recorded: FileRecord | undefined, { view }: Machine): FileChange[] {
  const state = view.read(edit.path);
  if (state === null) return [];
  const text = (recorded && originalText(recorded, state.text)) ?? takeOut(edit, state.text, recorded);
  const goes = recorded?.existed === false && isBlank(edit, text);
  const after = goes ? null : text;
  if (after === state.text) return [];
  return [{ path: edit.path, before: state.text, after, mode: goes ? null : (recorded?.mode ?? null), copied: false }];
}

/** Deepest first. */
function foldersOfOurs(record: InstallRecord | undefined, dir: string, folder: string): string[] {
  const made = (record?.folders ?? []).map((path) => resolve(dir, path));
  return [...new Set([folder, ...made])]
    .filter((path) => path !== dir && path !== dirname(path))
    .sort((a, b) => b.length - a.length);
}
