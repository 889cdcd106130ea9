/** What a person is told where no relay answers and nobody said where one is: usually it was never started, or not again. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Connection } from '../client/connection.ts';
import { TurnpostError } from '../client/turnpost-error.ts';
import { CliError } from './exit-code.ts';

/** What a relay that ran in a data folder leaves there. */
const TRACES = ['turnpost.db', 'admin.key', 'relay.sock'];

/** The error to show in place of this one; most errors stay what they are. */
export function explainNoRelay(error: unknown, { searchedFolder }: Pick<Connection, 'searchedFolder'>): unknown {
  if (searchedFolder === undefined) return error;
  if (!(error instanceof TurnpostError) || error.code !== 'unreachable') return error;
  const hasRun = TRACES.some((name) => existsSync(path.join(searchedFolder, name)));
  return new CliError('unreachable', hasRun ? notRunning(searchedFolder, error.message) : neverRan(searchedFolder));
}

function notRunning(folder: string, message: string): string {
  return `The relay of this machine is not running (its data folder is ${folder}). ${message}`;
}

function neverRan(folder: string): string {
  return (
    `No relay has run here yet: there is none of its data in ${folder}. ` +
    'Start one with "npm start" or "turnpost serve", leave it running, and do this again. ' +
    'If it has another data folder, name that in TURNPOST_DATA_DIR; if it runs elsewhere, set TURNPOST_URL and TURNPOST_KEY.'
  );
}
