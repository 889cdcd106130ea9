/** Cursor, by MCP alone. https://cursor.com/docs/context/mcp */
import { join } from 'node:path';
import type { Client } from '../types.ts';
import { MCP_ONLY_NOTE, mcpEdit, PATHS_NOTE } from './mcp-entry.ts';

export const cursor: Client = {
  name: 'cursor',
  title: 'Cursor',
  hooks: false,
  folder: ({ dir }) => join(dir, '.cursor', 'turnpost'),
  edits: (setup) => [mcpEdit(join(setup.dir, '.cursor', 'mcp.json'), 'mcpServers', setup)],
  otherSettings: () => [],
  notes: () => [
    'Trust: Cursor shows a new server as disabled. Turn "turnpost" on under Settings, MCP.',
    MCP_ONLY_NOTE,
    PATHS_NOTE('.cursor/mcp.json'),
  ],
};
