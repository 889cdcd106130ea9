/**
 * What an install will change, as a value. Reads through the machine's view; writes nothing.
 *
 * Whatever the client, the same three steps: our own folder (settings with the key, hooks, a .gitignore that hides all
 * of it), the edits of files that may be the user's, and the record of those edits. An install over an older one
 * changes only what is ours.
 */
import { dirname, join, resolve } from 'node:path';
import { putIn, takeOut, tracesOf } from './edits.ts';
import { InstallError } from './install-error.ts';
import { diffLines } from './line-diff.ts';
import {
  type FileRecord,
  type InstallRecord,
  originalText,
  RECORD_FILE,
  readRecord,
  recordedPath,
  sha256,
  writeRecord,
} from './record.ts';
import { getClient } from './registry.ts';
import { bareSetup, checkRequest, installSetup, readPackageFile, SETTINGS_FILE, thisMachine } from './setup.ts';
import {
  type Client,
  DUTIES,
  type Edit,
  type FileChange,
  type InstallRequest,
  type Machine,
  type Plan,
} from './types.ts';

const PRIVATE = 0o600;

/** Throws InstallError, with what to do, for a request or a file that does not allow it. */
export function planInstall(request: InstallRequest, machine: Machine = thisMachine()): Plan {
  const client = getClient(request.client);
  checkRequest(request, client, machine);
  const dir = resolve(request.dir);
  const folder = client.folder({ machine, dir });
  const record = readRecord(machine.view, folder);
  const setup = installSetup(request, client, machine, record);

  const edits = client.edits(setup);
  const planned = edits.map((edit) => planEdit(edit, findRecord(record, dir, edit.path), machine, dir));
  const dropped = noLongerWanted(client, machine, dir, edits, record);
  const own = ownFiles(request, client, machine, folder);
  const changes = [...own, ...planned.map(({ change }) => change), ...dropped];
  const next: InstallRecord = {
    version: 1,
    folders: [...new Set([...(record?.folders ?? []), ...missingFolders(changes, machine, dir)])].sort(),
    files: planned.map((plan) => plan.record),
  };
  const recordChange = ownFile(machine, join(folder, RECORD_FILE), writeRecord(next), PRIVATE);
  const all = [...changes, recordChange].filter((change) => isChange(change, machine));
  for (const { path, mode } of changes) if (mode === PRIVATE) refuseTracked(path, machine);
  return {
    client: client.name,
    title: client.title,
    dir,
    changes: all,
    privateFolder: folder,
    emptyFolders: [],
    notes: client.notes(setup),
    secrets: [request.key],
  };
}

function ownFiles(request: InstallRequest, client: Client, machine: Machine, folder: string): FileChange[] {
  const { url, socket } = request.relay;
  const settings = { ...(socket !== undefined && { socket }), ...(url !== undefined && { url }), key: request.key };
  const read = (file: string): string => readPackageFile(machine.view, request.packageRoot, file);
  const hooks = DUTIES.map((duty) => ({
    ...ownFile(machine, join(folder, `${duty}.mjs`), read(join('hooks', `${duty}.mjs`)), null),
    copied: true,
  }));
  return [
    // First, so that git never sees the key.
    ownFile(machine, join(folder, '.gitignore'), read(join('templates', 'gitignore')), null),
    ownFile(machine, join(folder, SETTINGS_FILE), `${JSON.stringify(settings, null, 2)}\n`, PRIVATE),
    ...(client.hooks ? hooks : []),
  ];
}

function ownFile({ view }: Machine, path: string, after: string, mode: number | null): FileChange {
  return { path, before: view.read(path)?.text ?? null, after, mode, copied: false };
}

interface PlannedEdit {
  readonly change: FileChange;
  readonly record: FileRecord;
}

function planEdit(edit: Edit, recorded: FileRecord | undefined, machine: Machine, dir: string): PlannedEdit {
  const state = machine.view.read(edit.path);
  const current = state?.text ?? null;
  const base = baseText(edit, current ?? '', recorded);
  const wanted = new Set(edit.format === 'json' ? edit.keys.map(({ at }) => at.join('\n')) : []);
  const hasStaleKeys = edit.format === 'json' && recorded?.keys.some((at) => !wanted.has(at.join('\n')));
  const after = putIn(edit, hasStaleKeys === true ? base : (current ?? ''));
  const mode = edit.format === 'json' && edit.secret === true ? PRIVATE : null;
  const change = { path: edit.path, before: current, after, mode, copied: false };
  if (recorded !== undefined && after === current) return { change, record: recorded };

  const existed = state !== null && (recorded?.existed ?? true);
  const record: FileRecord = {
    path: recordedPath(dir, edit.path),
    existed,
    mode: recorded?.mode ?? (existed && mode !== null ? state.mode : null),
    sha256: sha256(after),
    undo: diffLines(base, after),
    ...tracesOf(edit, base),
  };
  return { change, record };
}

/** The text without us: the very bytes from before if nobody touched the file since, else it minus our entries. */
function baseText(edit: Edit, current: string, recorded: FileRecord | undefined): string {
  const original = recorded && originalText(recorded, current);
  return original ?? takeOut(edit, current, recorded);
}

/** Files that an earlier install changed and this one has no use for: `--http` first, then without. */
function noLongerWanted(
  client: Client,
  machine: Machine,
  dir: string,
  edits: readonly Edit[],
  record: InstallRecord | undefined,
): FileChange[] {
  return client.edits(bareSetup(client, machine, dir)).flatMap((edit) => {
    const recorded = findRecord(record, dir, edit.path);
    const text = machine.view.read(edit.path)?.text;
    if (recorded === undefined || text === undefined || edits.some(({ path }) => path === edit.path)) return [];
    return [{ path: edit.path, before: text, after: baseText(edit, text, recorded), mode: null, copied: false }];
  });
}

export function findRecord(record: InstallRecord | undefined, dir: string, path: string): FileRecord | undefined {
  return record?.files.find((file) => file.path === recordedPath(dir, path));
}

/** Folders on the way to the files that are not there yet. */
function missingFolders(changes: readonly FileChange[], { view }: Machine, dir: string): string[] {
  const missing = new Set<string>();
  for (const { path } of changes) {
    for (let folder = dirname(path); !view.isFolder(folder) && folder !== dirname(folder); folder = dirname(folder)) {
      missing.add(recordedPath(dir, folder));
    }
  }
  return [...missing];
}

function isChange({ path, before, after, mode }: FileChange, { view }: Machine): boolean {
  return before !== after || (mode !== null && view.read(path)?.mode !== mode);
}

function refuseTracked(path: string, { view }: Machine): void {
  if (!view.isTracked(path)) return;
  throw new InstallError(
    `${path} is tracked by git, and would hold the agent's key. Nothing was written. Run "git rm --cached ${path}" first.`,
  );
}
