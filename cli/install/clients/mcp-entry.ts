/** The MCP server entry as most clients write it, and the notes that all of them share. */
import type { Edit, Setup } from '../types.ts';

export const SERVER_NAME = 'turnpost';

/** `{"<parent>": {"turnpost": {command, args}}}`. */
export function mcpEdit(path: string, parent: string, { mcp }: Setup, extra: Record<string, unknown> = {}): Edit {
  const value = { ...extra, command: mcp.command, args: mcp.args };
  return { format: 'json', path, keys: [{ at: [parent, SERVER_NAME], value }], hooks: [] };
}

export const MCP_ONLY_NOTE =
  'This client has no hook that can take mail in: the agent sees its mail when it calls check_agent_messages.';

export const PATHS_NOTE = (file: string): string =>
  `${file} now names absolute paths of this machine, and no secret. If git tracks it, think before you commit that.`;
