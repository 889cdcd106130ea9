/**
 * Gemini CLI. https://github.com/google-gemini/gemini-cli/tree/main/docs/hooks (seen working: 0.61.0)
 * There is one project settings file and no private one beside it, so it gets paths but never the key.
 */
import { join } from 'node:path';
import type { Client, Duty } from '../types.ts';
import { instructionsEdit } from './instructions.ts';
import { PATHS_NOTE, SERVER_NAME } from './mcp-entry.ts';

/** Milliseconds, unlike everywhere else. */
const EVENTS = [
  { event: 'AfterAgent', duty: 'end-of-turn', timeout: 10_000 },
  { event: 'SessionStart', duty: 'session-start', timeout: 10_000 },
  { event: 'BeforeAgent', duty: 'prompt', timeout: 10_000 },
  { event: 'SessionEnd', duty: 'session-end', timeout: 3_000 },
] as const satisfies readonly { event: string; duty: Duty; timeout: number }[];

export const gemini: Client = {
  name: 'gemini',
  title: 'Gemini CLI',
  hooks: true,
  folder: ({ dir }) => join(dir, '.gemini', 'hooks', 'turnpost'),
  edits(setup) {
    const hooks = EVENTS.map(({ event, duty, timeout }) => ({
      event,
      handler: { type: 'command', name: `turnpost-${duty}`, command: setup.hookCommand(duty), timeout },
    }));
    const keys = [{ at: ['mcpServers', SERVER_NAME], value: { command: setup.mcp.command, args: setup.mcp.args } }];
    return [
      { format: 'json', path: join(setup.dir, '.gemini', 'settings.json'), keys, hooks },
      instructionsEdit(join(setup.dir, 'GEMINI.md'), setup),
    ];
  },
  otherSettings: ({ machine }) => [join(machine.home, '.gemini', 'settings.json')],
  notes: () => [
    'Trust: Gemini CLI skips all hooks in a folder it does not trust. Start "gemini" here once and trust the folder; without a screen set GEMINI_CLI_TRUST_WORKSPACE=true.',
    'It warns once that the project has hooks: these are ours, and named turnpost-....',
    'MCP: it asks before each use of a tool. "gemini -p" leaves such tools out altogether; there add "trust": true to mcpServers.turnpost, which lets the agent send mail without asking.',
    PATHS_NOTE('.gemini/settings.json'),
  ],
};
