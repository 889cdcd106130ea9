/**
 * What can be wrong with an installation, seen from the project's files alone: one row per check, each with how to mend
 * it. Whether the relay answers is asked elsewhere. Reads; never writes, never throws for a broken file.
 */
import { dirname, join, resolve } from 'node:path';
import { type CheckRow, fail, type Patient, pass, readSettings, warn } from './check-row.ts';
import { disabledCheck, stopCapCheck } from './doctor-host-checks.ts';
import { findOurHooks } from './hook-entries.ts';
import { isPlainObject } from './jsonc-document.ts';
import { getClient } from './registry.ts';
import { bareSetup, readPackageFile, SETTINGS_FILE, thisMachine } from './setup.ts';
import { type ClientName, DUTIES, type Machine } from './types.ts';

export interface DoctorRequest {
  readonly client: ClientName;
  readonly dir: string;
  readonly packageRoot: string;
}

export function doctorChecks(request: DoctorRequest, machine: Machine = thisMachine()): CheckRow[] {
  const client = getClient(request.client);
  const dir = resolve(request.dir);
  const folder = client.folder({ machine, dir });
  const patient: Patient = {
    client,
    machine,
    dir,
    folder,
    edits: client.edits(bareSetup(client, machine, dir)),
    install: `Run "turnpost install ${client.name} --dir ${dir}".`,
  };
  if (machine.view.read(join(folder, SETTINGS_FILE)) === null) {
    return [fail('installed', `Turnpost is not installed for ${client.title} in ${dir}.`, patient.install)];
  }
  const checks = [
    settingsCheck(patient),
    secretCheck(patient),
    ...(client.hooks ? [hookFilesCheck(patient, request.packageRoot), hookEntriesCheck(patient)] : []),
    serverCheck(patient),
    nodeCheck(patient),
    doubleCheck(patient),
    disabledCheck(patient),
    stopCapCheck(patient),
    sameUserCheck(patient),
  ];
  return checks.filter((row) => row !== undefined);
}

function ownSettings({ machine, folder }: Patient): Record<string, unknown> | undefined {
  const settings = readSettings(machine, join(folder, SETTINGS_FILE));
  return isPlainObject(settings) ? settings : undefined;
}

function settingsCheck(patient: Patient): CheckRow {
  const path = join(patient.folder, SETTINGS_FILE);
  const settings = ownSettings(patient);
  const place = settings?.['socket'] ?? settings?.['url'];
  if (typeof place !== 'string' || typeof settings?.['key'] !== 'string') {
    return fail('settings', `${path} names no relay or no key.`, patient.install);
  }
  const mode = patient.machine.view.read(path)?.mode ?? 0;
  if (patient.machine.platform !== 'win32' && (mode & 0o077) !== 0) {
    return fail('settings', `${path} holds the key and others may read it.`, `Run "chmod 600 ${path}".`);
  }
  return pass('settings', `${path}: relay at ${place}.`);
}

function secretCheck({ machine: { view }, dir, folder }: Patient): CheckRow {
  const path = join(folder, SETTINGS_FILE);
  if (view.isTracked(path)) {
    const fix = `Run "git rm --cached ${path}", then issue a new key: the old one is in the history.`;
    return fail('git', `${path} holds the key and is tracked by git.`, fix);
  }
  const isHidden = view.excludeFile(dir) === undefined || view.isIgnored(path);
  if (isHidden) return pass('git', 'The key is in no file that git sees.');
  return fail(
    'git',
    `git does not ignore ${path}, which holds the key.`,
    `Put a file .gitignore with the line "*" into ${folder}.`,
  );
}

function hookFilesCheck({ machine: { view }, folder, install }: Patient, packageRoot: string): CheckRow {
  const differing = DUTIES.filter((duty) => {
    const text = view.read(join(folder, `${duty}.mjs`))?.text;
    return text !== readPackageFile(view, packageRoot, join('hooks', `${duty}.mjs`));
  });
  if (differing.length === 0) return pass('hook files', 'All hooks are there and as in this package.');
  return fail('hook files', `Missing, or not as in this package: ${differing.join(', ')}.`, install);
}

function hookEntriesCheck({ machine, edits, folder, install }: Patient): CheckRow {
  for (const edit of edits) {
    if (edit.format !== 'json' || edit.hooks.length === 0) continue;
    const found = findOurHooks(readSettings(machine, edit.path));
    const missing = edit.hooks.map(({ event }) => event).filter((event) => !found.some((hook) => hook.event === event));
    if (missing.length > 0)
      return fail('hook entries', `${edit.path} lacks our hook for: ${missing.join(', ')}.`, install);
    const elsewhere = found.find(
      ({ handler }) => typeof handler['command'] === 'string' && !handler['command'].includes(folder),
    );
    if (elsewhere !== undefined) {
      return fail(
        'hook entries',
        `${edit.path} runs hooks of another folder for ${elsewhere.event}: was the project moved?`,
        install,
      );
    }
  }
  return pass('hook entries', 'All events call our hooks.');
}

/** The MCP entry, wherever this client keeps it. */
function serverEntry({ machine, edits }: Patient): { path: string; entry: Record<string, unknown> } | undefined {
  for (const edit of edits) {
    const keys = edit.format === 'json' ? edit.keys : edit.format === 'toml' ? [edit.key] : [];
    const at = keys.find((key) => key.at.at(-1) === 'turnpost')?.at;
    const entry = at?.reduce<unknown>(
      (value, key) => (isPlainObject(value) ? value[key] : undefined),
      readSettings(machine, edit.path),
    );
    if (isPlainObject(entry)) return { path: edit.path, entry };
  }
  return undefined;
}

function serverCheck(patient: Patient): CheckRow {
  const server = serverEntry(patient);
  if (server === undefined)
    return fail('mcp server', `${patient.client.title} has no MCP server "turnpost".`, patient.install);
  return pass('mcp server', `${server.path} starts it.`);
}

/** The programs that the client starts for us are named by absolute paths; a version manager may have removed them. */
function nodeCheck(patient: Patient): CheckRow {
  const command = serverEntry(patient)?.entry['command'];
  const server: unknown = Array.isArray(command) ? command[0] : command;
  const hooks = patient.edits.flatMap((edit) =>
    edit.format === 'json' ? findOurHooks(readSettings(patient.machine, edit.path)) : [],
  );
  const first = hooks.map(({ handler }) => /^(['"])(.*?)\1/.exec(String(handler['command'] ?? ''))?.[2]);
  const programs = [server, ...first].filter((program) => typeof program === 'string');
  const gone = programs.find((program) => patient.machine.view.owner(program) === undefined);
  if (gone !== undefined)
    return fail('node', `${gone} is gone: hooks fail silently, and the MCP server does not start.`, patient.install);
  return pass('node', `${programs[0] ?? patient.machine.node} is there.`);
}

function doubleCheck({ client, machine, dir, edits }: Patient): CheckRow {
  const own = new Set(edits.map(({ path }) => path));
  const others = client.otherSettings({ machine, dir }).filter((path) => !own.has(path));
  const double = others.find((path) => findOurHooks(readSettings(machine, path)).length > 0);
  if (double === undefined) return pass('installed once', 'No other settings file runs our hooks as well.');
  return fail(
    'installed once',
    `${double} runs our hooks too, so each call is made twice.`,
    `Take the entries with "hooks/turnpost" out of ${double}.`,
  );
}

/** Only a socket tells whose the relay is; it lies in the relay's own data folder. */
function sameUserCheck(patient: Patient): CheckRow | undefined {
  const socket = ownSettings(patient)?.['socket'];
  const { view, uid } = patient.machine;
  if (typeof socket !== 'string' || uid === undefined || view.owner(socket) !== uid) return undefined;
  return warn(
    'separate user',
    `Agents here run as the relay's own user, so they can read its data and its admin key in ${dirname(socket)}.`,
    'Run the relay as another user where agents are not trusted with that.',
  );
}
