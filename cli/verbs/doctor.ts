/** turnpost doctor: what is wrong with relay, key and project, and how to mend it. Exit code 1 if something is. */
import path from 'node:path';
import type { Command } from 'commander';
import { ConnectionError, readSettings } from '../../client/connection.ts';
import type { Cli } from '../cli.ts';
import { checkRelay, rowsText } from '../doctor.ts';
import { CliError } from '../exit-code.ts';
import { type CheckRow, warn } from '../install/check-row.ts';
import { doctorChecks } from '../install/doctor-checks.ts';
import { CLIENTS } from '../install/registry.ts';
import { SETTINGS_FILE, thisMachine } from '../install/setup.ts';
import type { Client } from '../install/types.ts';
import { packageRoot, packageVersion } from '../version.ts';

export function addDoctor(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description('say what is wrong with relay, key and project, and how to mend it')
    .option('--dir <folder>', "the project's folder; default: this one")
    .action(async ({ dir = '.' }: { dir?: string }) => {
      const rows = await examine(path.resolve(cli.world.cwd, dir), cli);
      await cli.answer({ checks: rows }, () => rowsText(rows));
      const wrong = rows.filter(({ ok }) => !ok).length;
      if (wrong === 0) return;
      throw new CliError(
        'error',
        `${wrong} ${wrong === 1 ? 'check says' : 'checks say'} WRONG; the line below each says how to mend it.`,
      );
    });
}

async function examine(dir: string, cli: Cli): Promise<CheckRow[]> {
  const relay = await checkRelay(cli.connection(), packageVersion());
  const machine = thisMachine();
  const installed = Object.values(CLIENTS).filter((client) => machine.view.read(settingsFile(client, dir)) !== null);
  if (installed.length === 0) {
    const install = 'Run "turnpost install claude" there (or gemini, codex, ...).';
    return [...relay, warn('project', `Turnpost is not installed in ${dir}`, install)];
  }
  const projects = await Promise.all(installed.map((client) => checkInstalled(client, dir)));
  return [...relay, ...projects.flat()];
}

const settingsFile = (client: Client, dir: string): string =>
  path.join(client.folder({ machine: thisMachine(), dir }), SETTINGS_FILE);

/** The project's files, then its own relay with its own key. */
async function checkInstalled(client: Client, dir: string): Promise<CheckRow[]> {
  const files = doctorChecks({ client: client.name, dir, packageRoot: packageRoot() });
  const rows = [...files, ...(await checkOwnKey(settingsFile(client, dir)))];
  return rows.map((row) => ({ ...row, name: `${client.name}: ${row.name}` }));
}

async function checkOwnKey(file: string): Promise<CheckRow[]> {
  try {
    const { relay, key } = readSettings(file) ?? {};
    if (relay === undefined || key === undefined) return []; // the row "settings" says so
    return await checkRelay({ relay, key, keySource: file }, packageVersion());
  } catch (error) {
    if (error instanceof ConnectionError) return []; // as above
    throw error;
  }
}
