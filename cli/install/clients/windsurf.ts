/** Windsurf (Cascade), by MCP alone. https://docs.windsurf.com/windsurf/cascade/mcp */
import { join } from 'node:path';
import type { Client } from '../types.ts';
import { MCP_ONLY_NOTE, mcpEdit } from './mcp-entry.ts';

export const windsurf: Client = {
  name: 'windsurf',
  title: 'Windsurf',
  hooks: false,
  folder: ({ machine }) => join(machine.home, '.codeium', 'windsurf', 'turnpost'),
  edits: (setup) => [mcpEdit(join(setup.machine.home, '.codeium', 'windsurf', 'mcp_config.json'), 'mcpServers', setup)],
  otherSettings: () => [],
  notes: () => [
    'Press "Refresh" in the MCP list of Cascade, or start Windsurf again.',
    'This file is for the whole user account, so there is one Turnpost agent for it.',
    MCP_ONLY_NOTE,
  ],
};
