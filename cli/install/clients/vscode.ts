/** VS Code (Copilot agent mode), by MCP alone. https://code.visualstudio.com/docs/copilot/chat/mcp-servers */
import { join } from 'node:path';
import type { Client } from '../types.ts';
import { MCP_ONLY_NOTE, mcpEdit, PATHS_NOTE } from './mcp-entry.ts';

export const vscode: Client = {
  name: 'vscode',
  title: 'VS Code',
  hooks: false,
  folder: ({ dir }) => join(dir, '.vscode', 'turnpost'),
  edits: (setup) => [mcpEdit(join(setup.dir, '.vscode', 'mcp.json'), 'servers', setup, { type: 'stdio' })],
  otherSettings: () => [],
  notes: () => [
    'Trust: VS Code asks at the first start of the server whether you trust it, and runs none in a restricted workspace. Start it from .vscode/mcp.json or with "MCP: List Servers".',
    MCP_ONLY_NOTE,
    PATHS_NOTE('.vscode/mcp.json'),
  ],
};
