/** /v1/agents, their keys, and enrolment. */
import { createEnrolment, endAgent, getAgent, ownerOf, redeemEnrolment, registerAgent } from '../broker/agents.ts';
import type { BrokerDeps } from '../broker/deps.ts';
import { DEFAULT_GRACE_MS, issueKey, revokeKey, rotateKey } from '../broker/keys.ts';
import { invalidRequest, RelayError } from '../errors.ts';
import type { Agent } from '../types.ts';
import * as wire from '../wire.ts';
import { durationField } from './duration-field.ts';
import { type Context, type Route, route } from './route.ts';
import { viewAgent, viewEnrolment, viewNewKey, viewPage, viewRegistered } from './views.ts';

const DEFAULT_PAGE = 50;
const ENROLMENT_LIVES_MS = 24 * 3_600_000;
const LONGEST_ENROLMENT = '365d';
const LONGEST_GRACE = '30d';

export function agentRoutes(deps: BrokerDeps): Route[] {
  const { domain } = deps.settings;
  const named = (context: Context<unknown, unknown>): Promise<Agent> =>
    getAgent(deps, context.param('agent'), context.caller().agent);
  const view = (agent: Agent, context: Context<unknown, unknown>) => {
    const { agent: me, key } = context.caller();
    if (key.scope === 'admin') return viewAgent(agent, domain, true);
    // An agent may know whom it can ask, and only its own owner.
    return me?.id === agent.id
      ? { ...viewAgent(agent, domain, true), owner: ownerOf(deps, agent), mcp_access: key.mcpAccess }
      : viewAgent(agent, domain, false);
  };

  return [
    route({
      method: 'post',
      path: '/v1/agents',
      who: 'admin',
      summary: 'Register an agent; its first key is shown once',
      errors: ['name_taken'],
      body: wire.RegisterBody,
      status: 201,
      answer: wire.RegisteredAgent,
      creates: true,
      async handle({ body, receipt }) {
        const receiptFor =
          receipt && ((made: Parameters<typeof viewRegistered>[0]) => receipt(201, viewRegistered(made, domain)));
        const made = await registerAgent(deps, toWish(body), { ...(receiptFor && { receiptFor }) });
        return { body: viewRegistered(made, domain) };
      },
    }),
    route({
      method: 'get',
      path: '/v1/agents',
      who: 'key',
      summary: 'List the agents',
      query: wire.AgentListQuery,
      answer: wire.page(wire.Agent),
      async handle(context) {
        const { cursor, limit = DEFAULT_PAGE, query, capability } = context.query;
        const page = await deps.stores.agents.list({ query, capability }, { cursor, limit });
        return { body: viewPage(page, (agent) => view(agent, context)) };
      },
    }),
    route({
      method: 'get',
      path: '/v1/agents/:agent',
      who: 'key',
      summary: 'One agent, by address, name or "me"',
      answer: wire.Agent,
      handle: async (context) => ({ body: view(await named(context), context) }),
    }),
    route({
      method: 'patch',
      path: '/v1/agents/:agent',
      who: 'key',
      summary: 'Change a profile: an admin, or the agent its own (but not its owner)',
      body: wire.PatchAgentBody,
      answer: wire.Agent,
      async handle(context) {
        const agent = await named(context);
        checkMayPatch(context, agent);
        const changed = await deps.stores.agents.patch(agent.id, toWish(context.body), deps.clock.now());
        if (changed === undefined) throw new RelayError('not_found');
        return { body: view(changed, context) };
      },
    }),
    route({
      method: 'delete',
      path: '/v1/agents/:agent',
      who: 'admin',
      summary: 'End an agent: its keys die, mail to it is cancelled, its name stays taken',
      answer: wire.DeletedAgent,
      async handle(context) {
        const agent = await named(context);
        await endAgent(deps, agent);
        return { body: { deleted: true, address: viewAgent(agent, domain, false).address } };
      },
    }),
    ...keyRoutes(deps, named),
    ...enrolmentRoutes(deps),
  ];
}

function checkMayPatch({ caller, body }: Context<{ owner?: string | null | undefined }, unknown>, agent: Agent): void {
  const { key, agent: me } = caller();
  if (key.scope === 'admin') return;
  if (me?.id !== agent.id) throw new RelayError('forbidden', { message: 'An agent may change its own profile only.' });
  if (body.owner !== undefined)
    throw new RelayError('forbidden', { message: 'An agent may not change its owner; an admin may.' });
}

function keyRoutes(deps: BrokerDeps, named: (context: Context<unknown, unknown>) => Promise<Agent>): Route[] {
  return [
    route({
      method: 'post',
      path: '/v1/agents/:agent/keys',
      who: 'admin',
      summary: 'Issue a key; the secret is shown once',
      body: wire.IssueKeyBody,
      status: 201,
      answer: wire.NewKey,
      creates: true,
      async handle(context) {
        const { scope, label, mcp_access: mcpAccess } = context.body;
        const expiresAt = futureOrUndefined(deps, context.body.expires_at);
        const receiptFor = newKeyReceipt(context.receipt);
        return {
          body: viewNewKey(
            await issueKey(deps, await named(context), { scope, label, expiresAt, mcpAccess }, receiptFor),
          ),
        };
      },
    }),
    route({
      method: 'post',
      path: '/v1/agents/:agent/keys/:key/rotate',
      who: 'key',
      summary: 'A new key in place of this one, which lives on for the grace time',
      errors: ['state_conflict'],
      body: wire.RotateKeyBody,
      status: 201,
      answer: wire.NewKey,
      creates: true,
      async handle(context) {
        const agent = await named(context);
        const { key, agent: me } = context.caller();
        if (key.scope !== 'admin' && me?.id !== agent.id)
          throw new RelayError('forbidden', { message: 'An agent may rotate its own keys only.' });
        const grace = durationField('grace', context.body.grace, LONGEST_GRACE) ?? DEFAULT_GRACE_MS;
        return {
          body: viewNewKey(await rotateKey(deps, agent, context.param('key'), grace, newKeyReceipt(context.receipt))),
        };
      },
    }),
    route({
      method: 'delete',
      path: '/v1/agents/:agent/keys/:key',
      who: 'admin',
      summary: 'Revoke a key at once; with reason=compromised what it sent and nobody has yet is held',
      errors: ['state_conflict'],
      query: wire.RevokeQuery,
      answer: wire.RevokedKey,
      async handle(context) {
        const key = await revokeKey(deps, await named(context), context.param('key'), context.query.reason ?? null);
        return { body: { id: key.id, revoked_at: new Date(key.revokedAt ?? 0).toISOString() } };
      },
    }),
  ];
}

const newKeyReceipt = (receipt: Context<never, never>['receipt']) =>
  receipt && ((made: Parameters<typeof viewNewKey>[0]) => receipt(201, viewNewKey(made)));

function futureOrUndefined(deps: BrokerDeps, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  if (at <= deps.clock.now()) throw invalidRequest([{ path: 'expires_at', message: 'must be in the future' }]);
  return at;
}

function enrolmentRoutes(deps: BrokerDeps): Route[] {
  const { domain } = deps.settings;
  return [
    route({
      method: 'post',
      path: '/v1/enrolments',
      who: 'admin',
      summary: 'A one-use code that lets a client register an agent itself',
      body: wire.EnrolmentBody,
      status: 201,
      answer: wire.Enrolment,
      creates: true,
      async handle({ body, receipt }) {
        const lifetimeMs = durationField('expires_in', body.expires_in, LONGEST_ENROLMENT) ?? ENROLMENT_LIVES_MS;
        const made = await createEnrolment(
          deps,
          { name: body.name, lifetimeMs, mcpAccess: body.mcp_access },
          receipt && ((one) => receipt(201, viewEnrolment(one))),
        );
        return { body: viewEnrolment(made) };
      },
    }),
    route({
      method: 'post',
      path: '/v1/enrolments/:code/agents',
      who: 'anyone',
      summary: 'Register an agent with an enrolment code',
      errors: ['name_taken', 'expired'],
      body: wire.RegisterBody,
      status: 201,
      answer: wire.RegisteredAgent,
      creates: true,
      async handle({ param, body, receipt }) {
        // Who has a code decides about its own agent, not about whose it is.
        if (body.owner !== undefined)
          throw new RelayError('forbidden', { message: 'The owner is set by an admin, not with a code.' });
        const receiptFor =
          receipt && ((made: Parameters<typeof viewRegistered>[0]) => receipt(201, viewRegistered(made, domain)));
        return { body: viewRegistered(await redeemEnrolment(deps, param('code'), toWish(body), receiptFor), domain) };
      },
    }),
  ];
}

/** Only what was sent: a field left out stays as it is, null empties it. */
function toWish(body: Partial<typeof wire.RegisterBody._output>) {
  const { display_name, owner, ...rest } = body;
  const wish = { ...rest, displayName: display_name, owner: owner?.toLowerCase() ?? owner };
  return Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined));
}
