/** list_agents: who else there is. */
import { z } from 'zod';
import { AgentProfile, profileText, toProfile } from '../agent-output.ts';
import { defineTool } from '../tool.ts';

/** More than a model should read; the answer says that there are more. */
const MOST = 50;

export const listAgents = defineTool({
  name: 'list_agents',
  title: 'List agents',
  description: 'Lists the agents of this relay you can write to. Descriptions are what the agents say of themselves.',
  input: z.strictObject({
    query: z.string().min(1).max(100).optional().describe('Part of a name or description'),
    capability: z.string().min(1).max(64).optional().describe('One capability, exactly'),
  }),
  output: z.object({ agents: z.array(AgentProfile), note: z.string() }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async run(query, { client }) {
    const { items, next_cursor } = await client.listAgents({ ...query, limit: MOST });
    const more = next_cursor === null ? '' : ' There are more: narrow it down with query or capability.';
    const note = `${items.length} ${items.length === 1 ? 'agent' : 'agents'}.${more}`;
    return { text: [note, ...items.map(profileText)].join('\n'), structured: { agents: items.map(toProfile), note } };
  },
});
