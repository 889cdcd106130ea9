/**
 * Codex CLI. https://developers.openai.com/codex/hooks (seen working: 0.169.0)
 * Hooks go to hooks.json, not to config.toml: Codex trusts hooks by a hash, and ours then has a file of its own.
 */
import { join } from 'node:path';
import type { Client, Duty } from '../types.ts';
import { instructionsEdit } from './instructions.ts';
import { PATHS_NOTE, SERVER_NAME } from './mcp-entry.ts';

/** Seconds; Codex allows SessionEnd no more than 3. */
const EVENTS = [
  { event: 'Stop', duty: 'end-of-turn', timeout: 10 },
  { event: 'SessionStart', duty: 'session-start', timeout: 10 },
  { event: 'UserPromptSubmit', duty: 'prompt', timeout: 10 },
  { event: 'SessionEnd', duty: 'session-end', timeout: 3 },
] as const satisfies readonly { event: string; duty: Duty; timeout: number }[];

export const codex: Client = {
  name: 'codex',
  title: 'Codex CLI',
  hooks: true,
  folder: ({ dir }) => join(dir, '.codex', 'hooks', 'turnpost'),
  edits(setup) {
    const hooks = EVENTS.map(({ event, duty, timeout }) => ({
      event,
      handler: { type: 'command', command: setup.hookCommand(duty), timeout },
    }));
    const value = { command: setup.mcp.command, args: setup.mcp.args };
    return [
      { format: 'json', path: join(setup.dir, '.codex', 'hooks.json'), keys: [], hooks },
      {
        format: 'toml',
        path: join(setup.dir, '.codex', 'config.toml'),
        key: { at: ['mcp_servers', SERVER_NAME], value },
      },
      instructionsEdit(join(setup.dir, 'AGENTS.md'), setup),
    ];
  },
  otherSettings: ({ machine }) => [join(machine.env['CODEX_HOME'] ?? join(machine.home, '.codex'), 'hooks.json')],
  notes: ({ dir }) => [
    'Trust: Codex skips hooks it does not trust and says nothing. Start "codex" here, open /hooks once and trust the four of Turnpost; do so again whenever an install changes them.',
    `The project itself must be trusted too: accept when Codex asks, or set trust_level = "trusted" under [projects."${dir}"] in ~/.codex/config.toml.`,
    PATHS_NOTE('.codex/hooks.json and .codex/config.toml'),
  ],
};
