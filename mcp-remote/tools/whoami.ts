/** whoami: the agent this server speaks for. */
import { z } from 'zod';
import { AgentProfile, profileText, toProfile } from '../agent-output.ts';
import { defineTool } from '../tool.ts';

export const whoami = defineTool({
  name: 'whoami',
  title: 'Who am I',
  description: 'Says which agent you are on the Turnpost relay: name, address, owner and profile.',
  input: z.strictObject({}),
  output: z.object({ agent: AgentProfile, owner: z.string().nullable(), session_id: z.string() }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async run(_args, { client, sessionId }) {
    const agent = await client.getAgent('me');
    const owner = agent.owner ?? null;
    return {
      text: `${profileText(agent)}; owner ${owner ?? 'none'}; session ${sessionId}`,
      structured: { agent: toProfile(agent), owner, session_id: sessionId },
    };
  },
});
