/** What `turnpost doctor` asks the relay itself, and how its rows are shown. What the project's files tell is in install/. */
import type { Connection } from '../client/connection.ts';
import { TurnpostClient } from '../client/turnpost-client.ts';
import { TurnpostError } from '../client/turnpost-error.ts';
import { type CheckRow, fail, pass, warn } from './install/check-row.ts';
import { card } from './table.ts';

/** Asks the relay; where it does not answer, nothing more is asked. */
export async function checkRelay(
  { relay, key, keySource }: Omit<Connection, 'searchedFolder'>,
  version: string,
): Promise<CheckRow[]> {
  const client = new TurnpostClient({ relay, key, program: 'cli' });
  try {
    const reached = await checkHealth(client, version);
    if (reached.some(({ ok }) => !ok)) return reached;
    return [...reached, await checkReady(client), await checkKey(client, keySource)];
  } finally {
    client.close();
  }
}

async function checkHealth(client: TurnpostClient, version: string): Promise<CheckRow[]> {
  const check = 'relay';
  try {
    const health = await client.health();
    if (health.version === version) return [pass(check, `answers at ${client.address}, version ${version}`)];
    const says = `at ${client.address} has version ${health.version}, this command ${version}`;
    return [warn(check, says, 'Start the relay again with the newer version, or update this one.')];
  } catch (error) {
    if (!(error instanceof TurnpostError)) throw error;
    const mend = 'Start it: npm start, or turnpost serve. If it runs elsewhere, set TURNPOST_URL or give --url.';
    return [fail(check, `does not answer at ${client.address} (${error.code})`, mend)];
  }
}

async function checkReady(client: TurnpostClient): Promise<CheckRow> {
  try {
    const { ready, not_ready } = await client.ready();
    if (ready) return pass('ready', 'all parts of the relay work');
    const mend =
      "Mail on that way waits, nothing is lost. The relay's log says why; look at host, port and password there.";
    return warn('ready', `not working: ${not_ready.join(', ')}`, mend);
  } catch (error) {
    if (!(error instanceof TurnpostError)) throw error;
    return warn('ready', error.message, "Look at the relay's log.");
  }
}

async function checkKey(client: TurnpostClient, source: string | undefined): Promise<CheckRow> {
  const { key } = client;
  if (key === undefined) return warn('key', 'none here', 'Set TURNPOST_KEY, or give --settings with a turnpost.json.');
  const admin = key.startsWith('tp_admin_');
  try {
    if (admin) await client.listAgents({ limit: 1 });
    const who = admin ? 'admin' : (await client.getAgent('me')).address;
    return pass('key', `alive, ${who} (from ${source})`);
  } catch (error) {
    if (!(error instanceof TurnpostError)) throw error;
    const mend = admin
      ? 'Take the admin.key of the data folder that this relay uses.'
      : 'Have a new one made with "turnpost keys create", or run "turnpost install" again.';
    return fail('key', `from ${source} is dead (${error.code})`, mend);
  }
}

/** One line a row, and below it what to do. */
export function rowsText(rows: readonly CheckRow[]): string {
  return card(rows.flatMap((row) => [[signOf(row), `${row.name}: ${row.message}`] as const, ...fixLine(row)]));
}

const signOf = ({ ok, warning }: CheckRow): string => (ok ? (warning ? 'warning' : 'ok') : 'WRONG');

const fixLine = ({ fix }: CheckRow): (readonly [string, string])[] => (fix === '' ? [] : [['', `-> ${fix}`]]);
