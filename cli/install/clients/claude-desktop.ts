/** Claude Desktop, by MCP alone. https://modelcontextprotocol.io/docs/develop/connect-local-servers */
import { join } from 'node:path';
import type { Client, Machine } from '../types.ts';
import { MCP_ONLY_NOTE, mcpEdit } from './mcp-entry.ts';

/** One configuration for the whole user account. */
function configFolder({ platform, home, env }: Machine): string {
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Claude');
  if (platform === 'win32') return join(env['APPDATA'] ?? join(home, 'AppData', 'Roaming'), 'Claude');
  return join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'Claude');
}

export const claudeDesktop: Client = {
  name: 'claude-desktop',
  title: 'Claude Desktop',
  hooks: false,
  folder: ({ machine }) => join(configFolder(machine), 'turnpost'),
  edits: (setup) => [mcpEdit(join(configFolder(setup.machine), 'claude_desktop_config.json'), 'mcpServers', setup)],
  otherSettings: () => [],
  notes: () => [
    'Quit Claude Desktop and start it again: it reads this file only at its start.',
    'This file is for the whole user account, so there is one Turnpost agent for it.',
    MCP_ONLY_NOTE,
  ],
};
