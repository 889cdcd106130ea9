/** Settings of the host programs themselves that keep our hooks from running, or from being heard. */
import { join } from 'node:path';
import { type CheckRow, fail, type Patient, pass, readSettings, warn } from './check-row.ts';
import { isPlainObject } from './jsonc-document.ts';

/** As many as the relay answers in one run; Claude Code's own cap is 8. */
const INJECTIONS_PER_RUN = 7;

interface Switch {
  readonly at: readonly string[];
  readonly off: (value: unknown) => boolean;
}

const SWITCHES: Readonly<Record<string, readonly Switch[]>> = {
  claude: [{ at: ['disableAllHooks'], off: (value) => value === true }],
  gemini: [
    { at: ['hooksConfig', 'enabled'], off: (value) => value === false },
    { at: ['hooksConfig', 'disabled'], off: (value) => JSON.stringify(value ?? []).includes('turnpost') },
  ],
  codex: [{ at: ['features', 'hooks'], off: (value) => value === false }],
};

function valueAt(settings: unknown, at: readonly string[]): unknown {
  return at.reduce<unknown>((value, key) => (isPlainObject(value) ? value[key] : undefined), settings);
}

function settingsFiles({ client, machine, dir, edits }: Patient): string[] {
  const codexConfig = join(machine.env['CODEX_HOME'] ?? join(machine.home, '.codex'), 'config.toml');
  const structured = edits.filter(({ format }) => format !== 'section').map(({ path }) => path);
  return [...structured, ...client.otherSettings({ machine, dir }), ...(client.name === 'codex' ? [codexConfig] : [])];
}

export function disabledCheck(patient: Patient): CheckRow | undefined {
  const switches = SWITCHES[patient.client.name];
  if (switches === undefined) return undefined;
  for (const path of settingsFiles(patient)) {
    const settings = readSettings(patient.machine, path);
    const found = switches.find(({ at, off }) => off(valueAt(settings, at)));
    if (found === undefined) continue;
    const name = found.at.join('.');
    return fail('hooks enabled', `${path} turns hooks off (${name}).`, `Take "${name}" out of ${path}.`);
  }
  return pass('hooks enabled', 'No settings file turns hooks off.');
}

/** Claude Code ends the turn over our answer after this many in a row. 0 means no limit. */
export function stopCapCheck(patient: Patient): CheckRow | undefined {
  if (patient.client.name !== 'claude') return undefined;
  const name = 'CLAUDE_CODE_STOP_HOOK_BLOCK_CAP';
  const inFiles = settingsFiles(patient).map((path) => valueAt(readSettings(patient.machine, path), ['env', name]));
  const value = [patient.machine.env[name], ...inFiles].find((candidate) => candidate !== undefined);
  const cap = Number(value ?? INJECTIONS_PER_RUN);
  if (!Number.isInteger(cap) || cap === 0 || cap >= INJECTIONS_PER_RUN)
    return pass('stop cap', `Claude Code lets ${INJECTIONS_PER_RUN} injections in a row through.`);
  const message = `${name}=${cap} ends a turn after ${cap} answers in a row; up to ${INJECTIONS_PER_RUN} come, and those over it wait for the next turn.`;
  return warn('stop cap', message, `Unset ${name}, or set it to ${INJECTIONS_PER_RUN} or more.`);
}
