/** What `turnpost doctor` finds about the relay: each finding says what is so, and if it is wrong how to mend it. */
import type { Connection } from '../client/connection.ts';
import { TurnpostClient } from '../client/turnpost-client.ts';
import { TurnpostError } from '../client/turnpost-error.ts';

export interface Finding {
  readonly check: string;
  /** `bad` makes doctor fail; `warn` is worth knowing. */
  readonly status: 'ok' | 'warn' | 'bad';
  readonly says: string;
  /** What to do; null where nothing is wrong. */
  readonly mend: string | null;
}

export const ok = (check: string, says: string): Finding => ({ check, status: 'ok', says, mend: null });
export const warn = (check: string, says: string, mend: string): Finding => ({ check, status: 'warn', says, mend });
export const bad = (check: string, says: string, mend: string): Finding => ({ check, status: 'bad', says, mend });

/** Asks the relay; where it does not answer, nothing more is asked. */
export async function checkRelay({ relay, key, keySource }: Connection, version: string): Promise<Finding[]> {
  const client = new TurnpostClient({ relay, key, program: 'cli' });
  try {
    const reached = await checkHealth(client, version);
    if (reached.some(({ status }) => status === 'bad')) return reached;
    return [...reached, await checkReady(client), await checkKey(client, keySource)];
  } finally {
    client.close();
  }
}

async function checkHealth(client: TurnpostClient, version: string): Promise<Finding[]> {
  const check = 'relay';
  try {
    const health = await client.health();
    if (health.version === version) return [ok(check, `answers at ${client.address}, version ${version}`)];
    const says = `at ${client.address} has version ${health.version}, this command ${version}`;
    return [warn(check, says, 'Start the relay again with the newer version, or update this one.')];
  } catch (error) {
    if (!(error instanceof TurnpostError)) throw error;
    const mend = 'Start it: npm start, or turnpost serve. If it runs elsewhere, set TURNPOST_URL or give --url.';
    return [bad(check, `does not answer at ${client.address} (${error.code})`, mend)];
  }
}

async function checkReady(client: TurnpostClient): Promise<Finding> {
  try {
    const { ready, not_ready } = await client.ready();
    if (ready) return ok('ready', 'all parts of the relay work');
    const mend =
      "Mail on that way waits, nothing is lost. The relay's log says why; look at host, port and password there.";
    return warn('ready', `not working: ${not_ready.join(', ')}`, mend);
  } catch (error) {
    if (!(error instanceof TurnpostError)) throw error;
    return warn('ready', error.message, "Look at the relay's log.");
  }
}

async function checkKey(client: TurnpostClient, source: string | undefined): Promise<Finding> {
  const { key } = client;
  if (key === undefined) return warn('key', 'none here', 'Set TURNPOST_KEY, or give --settings with a turnpost.json.');
  const admin = key.startsWith('tp_admin_');
  try {
    if (admin) await client.listAgents({ limit: 1 });
    const who = admin ? 'admin' : (await client.getAgent('me')).address;
    return ok('key', `alive, ${who} (from ${source})`);
  } catch (error) {
    if (!(error instanceof TurnpostError)) throw error;
    const mend = admin
      ? 'Take the admin.key of the data folder that this relay uses.'
      : 'Have a new one made with "turnpost keys create", or run "turnpost install" again.';
    return bad('key', `from ${source} is dead (${error.code})`, mend);
  }
}

const SIGNS = { ok: 'ok', warn: 'warning', bad: 'WRONG' } as const;

/** One line a finding, and below it what to do. */
export function findingsText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings
    .map(({ check, status, says, mend }) => {
      const line = `${SIGNS[status].padEnd(7)}  ${check.padEnd(width)}  ${says}`;
      return mend === null ? line : `${line}\n${' '.repeat(width + 11)}-> ${mend}`;
    })
    .join('\n');
}
