/**
 * Claude Code. https://code.claude.com/docs/en/hooks and /mcp (seen working: 2.1.328)
 *
 * Hooks go to settings.local.json, the person's own file, because their commands name paths of this machine and, with
 * --http, the key stands in its `env`; settings.json is the one that teams commit. The MCP server goes to .mcp.json,
 * the only project file Claude Code reads servers from; it holds paths, never the key.
 */
import { join } from 'node:path';
import type { Client, Duty, Edit, HookEntry, Setup } from '../types.ts';
import { instructionsEdit } from './instructions.ts';
import { mcpEdit, PATHS_NOTE } from './mcp-entry.ts';

/** Seconds. A hook ends by itself within 2; the rest is for a busy machine to start node. SessionEnd has 1.5 unless set. */
const EVENTS = [
  { event: 'Stop', duty: 'end-of-turn', timeout: 10, route: 'stop' },
  { event: 'SessionStart', duty: 'session-start', timeout: 10, route: null }, // no http hooks there
  { event: 'UserPromptSubmit', duty: 'prompt', timeout: 10, route: 'user-prompt-submit' },
  { event: 'SessionEnd', duty: 'session-end', timeout: 3, route: 'session-end' },
] as const satisfies readonly { event: string; duty: Duty; timeout: number; route: string | null }[];

const HTTP_TIMEOUT_S = 2;
const KEY_NAME = 'TURNPOST_KEY';

const settingsFile = (dir: string): string => join(dir, '.claude', 'settings.local.json');

function hookEntry({ event, duty, timeout, route }: (typeof EVENTS)[number], setup: Setup): HookEntry {
  if (!setup.http || route === null)
    return { event, handler: { type: 'command', command: setup.hookCommand(duty), timeout } };
  const url = `${setup.relayUrl.replace(/\/+$/, '')}/v1/hooks/claude/${route}`;
  const headers = { Authorization: `Bearer $${KEY_NAME}` };
  return { event, handler: { type: 'http', url, headers, allowedEnvVars: [KEY_NAME], timeout: HTTP_TIMEOUT_S } };
}

/** Keeps the key out of commits without touching the project's own .gitignore: this file is never committed. */
function excludeEdit({ machine: { view }, dir, wasChanged }: Setup): Edit[] {
  const path = view.excludeFile(dir);
  if (path === undefined || (view.isIgnored(settingsFile(dir)) && !wasChanged(path))) return [];
  const lines = ['# .claude/settings.local.json holds the key of a Turnpost agent', '**/.claude/settings.local.json'];
  return [{ format: 'section', path, section: { begin: '# turnpost:begin', end: '# turnpost:end', lines } }];
}

export const claude: Client = {
  name: 'claude',
  title: 'Claude Code',
  hooks: true,
  folder: ({ dir }) => join(dir, '.claude', 'hooks', 'turnpost'),
  edits(setup) {
    const path = settingsFile(setup.dir);
    const hooks = EVENTS.map((event) => hookEntry(event, setup));
    const keys = setup.http ? [{ at: ['env', KEY_NAME], value: setup.key }] : [];
    return [
      { format: 'json', path, keys, hooks, secret: setup.http },
      mcpEdit(join(setup.dir, '.mcp.json'), 'mcpServers', setup, { type: 'stdio' }),
      instructionsEdit(join(setup.dir, 'CLAUDE.md'), setup),
      ...(setup.http ? excludeEdit(setup) : []),
    ];
  },
  otherSettings: ({ machine, dir }) => [
    join(dir, '.claude', 'settings.json'),
    join(machine.home, '.claude', 'settings.json'),
  ],
  notes: ({ http }) => [
    'Trust: Claude Code runs no hooks in a folder until you have trusted it. Start "claude" here once and accept; "claude -p" counts as trusted.',
    'MCP: the first interactive start asks whether to use the server "turnpost" from .mcp.json. Accept it, or its tools are missing. "/mcp" shows its state.',
    'Claude Code asks before each use of a tool; "claude -p" has nobody to ask and refuses, unless started with --allowedTools mcp__turnpost.',
    'A running session reads the new hooks by itself; for the MCP server start it again.',
    PATHS_NOTE('.mcp.json'),
    ...(http
      ? [
          'With --http Claude Code shows an error at every turn while the relay is down, and trusts whoever holds its port.',
          'The key stands in .claude/settings.local.json under "env" (mode 0600, ignored by git).',
        ]
      : []),
  ],
};
