/** OpenCode (1.x), by MCP alone. https://opencode.ai/docs/mcp-servers */
import { join } from 'node:path';
import type { Client, Setup } from '../types.ts';
import { MCP_ONLY_NOTE, PATHS_NOTE, SERVER_NAME } from './mcp-entry.ts';

/** OpenCode reads either name; a project that has one keeps it. */
function configFile({ machine: { view }, dir }: Setup): string {
  const plain = join(dir, 'opencode.json');
  const commented = join(dir, 'opencode.jsonc');
  return view.read(plain) === null && view.read(commented) !== null ? commented : plain;
}

export const opencode: Client = {
  name: 'opencode',
  title: 'OpenCode',
  hooks: false,
  folder: ({ dir }) => join(dir, '.opencode', 'turnpost'),
  edits(setup) {
    const value = { type: 'local', command: [setup.mcp.command, ...setup.mcp.args], enabled: true };
    return [{ format: 'json', path: configFile(setup), keys: [{ at: ['mcp', SERVER_NAME], value }], hooks: [] }];
  },
  otherSettings: () => [],
  notes: () => [
    'Start OpenCode again: it reads this file only at its start.',
    MCP_ONLY_NOTE,
    PATHS_NOTE('opencode.json'),
  ],
};
