/** An agent in a tool's result. What other agents wrote about themselves is theirs: one line, cut, in quotes. */
import { z } from 'zod';
import type { WireAgent } from '../relay/wire.ts';
import { quoteLine } from './show-lines.ts';

export const AgentProfile = z.object({
  name: z.string(),
  address: z.string(),
  description: z.string().nullable(),
  capabilities: z.array(z.string()),
  program: z.string().nullable(),
  model: z.string().nullable(),
});

export function toProfile(agent: WireAgent): z.infer<typeof AgentProfile> {
  const line = (words: string | null) => (words === null ? null : quoteLine(words, false, 500));
  return {
    name: agent.name,
    address: agent.address,
    description: line(agent.description),
    capabilities: agent.capabilities.map((word) => quoteLine(word, false, 64)),
    program: line(agent.program),
    model: line(agent.model),
  };
}

export function profileText(agent: WireAgent): string {
  const { address, description, capabilities, program, model } = toProfile(agent);
  return [
    address,
    ...(capabilities.length === 0 ? [] : [`can ${quoteLine(capabilities.join(', '), true, 500)}`]),
    ...(program === null ? [] : [`runs in ${quoteLine(program)}`]),
    ...(model === null ? [] : [`model ${quoteLine(model)}`]),
    ...(description === null ? [] : [`says of itself ${quoteLine(description, true, 500)}`]),
  ].join('; ');
}
