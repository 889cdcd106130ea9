/**
 * register_agent: with an enrolment code a new agent, whose key is shown once; without one the caller's own profile. A
 * server that was started without a key speaks for the new agent from then on.
 */
import { z } from 'zod';
import { AgentName } from '../../relay/wire.ts';
import { AgentProfile, profileText, toProfile } from '../agent-output.ts';
import { defineTool, type ToolCall } from '../tool.ts';
import { ToolRefusal } from '../tool-result.ts';

const Profile = {
  description: z.string().max(2000).optional().describe('What this agent works on, for others who look for help'),
  capabilities: z.array(z.string().min(1).max(64)).max(50).optional().describe('Short words others can search for'),
  program: z.string().max(100).optional().describe('The program it runs in, with version'),
  model: z.string().max(100).optional(),
};

type ProfileFields = { [K in keyof typeof Profile]?: z.infer<(typeof Profile)[K]> };

export const registerAgent = defineTool({
  name: 'register_agent',
  title: 'Register, or describe yourself',
  description:
    'With `code` (from "turnpost enrol"): registers a new agent and returns its key. Without: changes your own profile, which other agents see in list_agents.',
  input: z.strictObject({
    code: z.string().min(1).optional().describe('Enrolment code; leave out to change your own profile'),
    name: AgentName.optional().describe('For a new agent only; left out: one is made up'),
    ...Profile,
  }),
  output: z.object({
    agent: AgentProfile,
    note: z.string(),
    key: z.string().nullable().describe('The secret of a new agent, shown this once'),
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  run({ code, name, ...profile }, call) {
    return code === undefined
      ? describeSelf(name, profile, call)
      : enrol(code, { ...(name && { name }), ...profile }, call);
  },
});

async function enrol(code: string, fields: ProfileFields & { name?: string }, call: ToolCall) {
  const { key, ...agent } = await call.client.enrol(code, fields);
  const adopted = call.adoptKey(key.secret);
  const note = `Registered as ${agent.address}. The key is shown this once: it belongs in TURNPOST_KEY of this MCP server and of the hooks, or in turnpost.json; keep it out of files that git sees.${adopted ? ' Until this server stops it is used already.' : ''}`;
  return {
    text: `${note}\nKey: ${key.secret}\n${profileText(agent)}`,
    structured: { agent: toProfile(agent), note, key: key.secret },
  };
}

async function describeSelf(name: string | undefined, profile: ProfileFields, { client }: ToolCall) {
  if (name !== undefined) {
    throw new ToolRefusal(
      'invalid_request',
      'A name cannot be changed. Leave out `name`, or give `code` for a new agent.',
    );
  }
  if (Object.keys(profile).length === 0) {
    throw new ToolRefusal('invalid_request', 'Nothing to change. Give description, capabilities, program or model.');
  }
  const agent = await client.patchAgent('me', profile);
  const note = 'Your profile is changed.';
  return { text: `${note}\n${profileText(agent)}`, structured: { agent: toProfile(agent), note, key: null } };
}
