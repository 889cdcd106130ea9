/** Writes a project whose only settings are hooks, in the file and form that a host wants. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DUTIES, type Duty } from '../../hooks/build-hooks.ts';
import type { HostName } from '../../relay/types.ts';
import { hookFile } from '../support/run-hook.ts';

const SETTINGS: Record<HostName, string> = {
  claude: '.claude/settings.json',
  gemini: '.gemini/settings.json',
  codex: '.codex/hooks.json',
};

const SHARED = { 'session-start': 'SessionStart', 'session-end': 'SessionEnd' } as const;

/** The host's event that a duty answers. */
export const EVENTS: Record<HostName, Record<Duty, string>> = {
  claude: { ...SHARED, 'end-of-turn': 'Stop', prompt: 'UserPromptSubmit' },
  codex: { ...SHARED, 'end-of-turn': 'Stop', prompt: 'UserPromptSubmit' },
  gemini: { ...SHARED, 'end-of-turn': 'AfterAgent', prompt: 'BeforeAgent' },
};

/** Seconds; Codex allows 3 at a session end. */
const TIMEOUT = 3;

/** The command as it is installed: a shell's "command not found" must not reach Gemini. */
export function hookCommand(host: HostName, duty: Duty, file: string = hookFile(duty)): string {
  return `${JSON.stringify(process.execPath)} ${JSON.stringify(file)} ${host} || exit 0`;
}

/** All our hooks; `more` adds further commands to an event, after ours. Returns the folder. */
export function writeProject(
  host: HostName,
  directory: string,
  more: Partial<Record<Duty, readonly string[]>> = {},
): string {
  return writeHooks(host, directory, (duty) => [hookCommand(host, duty), ...(more[duty] ?? [])]);
}

/** Any commands per duty; none for an empty list. */
export function writeHooks(host: HostName, directory: string, commands: (duty: Duty) => readonly string[]): string {
  const timeout = host === 'gemini' ? TIMEOUT * 1000 : TIMEOUT;
  const hooks = Object.fromEntries(
    DUTIES.filter((duty) => commands(duty).length > 0).map((duty) => [
      EVENTS[host][duty],
      [{ hooks: commands(duty).map((command) => ({ type: 'command', command, timeout })) }],
    ]),
  );
  const path = join(directory, SETTINGS[host]);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify({ hooks }, null, 2));
  return directory;
}
