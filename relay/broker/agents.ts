/** Agents: registered, looked up, changed, ended. */
import { RelayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { AgentChanges, EnrolmentRow, Receipt } from '../store/stores.ts';
import type { Agent } from '../types.ts';
import type { BrokerDeps } from './deps.ts';
import { adjectiveNoun, numberedName } from './friendly-name.ts';
import { hashSecret, makeKey, type NewKey, type ReceiptFor } from './keys.ts';

/** Local parts that mean something else in mail (RFC 2142), or that the relay uses itself. */
const RESERVED_NAMES = new Set([
  'postmaster',
  'abuse',
  'mailer-daemon',
  'turnpost',
  'me',
  'root',
  'noreply',
  'no-reply',
]);

export interface AgentWish extends AgentChanges {
  readonly name?: string | undefined;
}

export interface Registered {
  readonly agent: Agent;
  readonly key: NewKey;
}

export const addressOf = (agent: Pick<Agent, 'name'>, domain: string): string => `${agent.name}@${domain}`;

/** Throws `name_taken`, also for names that are reserved. */
export async function registerAgent(
  deps: BrokerDeps,
  wish: AgentWish,
  options: {
    readonly enrolmentHash?: string;
    readonly mcpAccess?: boolean;
    readonly receiptFor?: ReceiptFor<Registered>;
  } = {},
): Promise<Registered> {
  if (wish.name !== undefined && RESERVED_NAMES.has(wish.name)) {
    throw new RelayError('name_taken', { message: `The name ${wish.name} is reserved. Choose another.` });
  }
  const agent = makeAgent(deps, wish, wish.name ?? (await freeName(deps)));
  const key = makeKey(deps, { scope: 'agent', agentId: agent.id, label: 'registration', mcpAccess: options.mcpAccess });
  const registered = { agent, key };
  await deps.stores.agents.register({
    agent,
    key: key.key,
    enrolmentHash: options.enrolmentHash,
    receipt: options.receiptFor?.(registered),
  });
  deps.log.info({ agent: agent.name, agent_id: agent.id }, 'agent registered');
  return registered;
}

function makeAgent(deps: BrokerDeps, wish: AgentWish, name: string): Agent {
  const now = deps.clock.now();
  return {
    id: newId('agt', now),
    name,
    displayName: wish.displayName ?? null,
    description: wish.description ?? null,
    capabilities: wish.capabilities ?? [],
    owner: wish.owner?.toLowerCase() ?? null,
    host: wish.host ?? null,
    program: wish.program ?? null,
    model: wish.model ?? null,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  };
}

/** adjective-noun; with a number where the pair is taken. */
async function freeName(deps: BrokerDeps): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    const name = tries === 0 ? adjectiveNoun(deps) : numberedName(deps);
    if ((await deps.stores.agents.findByName(name)) === undefined) return name;
  }
}

/** The email address of the person it belongs to: its own setting, else the relay's. */
export function ownerOf(deps: Pick<BrokerDeps, 'settings'>, agent: Agent): string | null {
  return agent.owner ?? deps.settings.owner;
}

/** A living agent by `me`, name, or address of this relay. Throws `not_found`. */
export async function getAgent(deps: BrokerDeps, nameOrAddress: string, me: Agent | null): Promise<Agent> {
  if (nameOrAddress === 'me' && me !== null) return me;
  const name = nameOrAddress.toLowerCase().endsWith(`@${deps.settings.domain}`)
    ? nameOrAddress.slice(0, nameOrAddress.lastIndexOf('@')).toLowerCase()
    : nameOrAddress;
  const agent = await deps.stores.agents.findByName(name);
  if (agent === undefined || agent.deletedAt !== null) {
    throw new RelayError('not_found', { message: `There is no agent ${nameOrAddress} here.` });
  }
  return agent;
}

/** Its open mail is cancelled and its keys are dead; its name is never given out again. */
export async function endAgent(deps: BrokerDeps, agent: Agent): Promise<void> {
  await deps.stores.agents.end(agent.id, deps.clock.now());
  deps.wake([agent.id]);
  deps.log.info({ agent: agent.name, agent_id: agent.id }, 'agent deleted');
}

export interface NewEnrolment {
  readonly row: EnrolmentRow;
  readonly code: string;
}

export async function createEnrolment(
  deps: BrokerDeps,
  wish: {
    readonly name?: string | undefined;
    readonly lifetimeMs: number;
    readonly mcpAccess?: boolean | undefined;
  },
  receiptFor?: (enrolment: NewEnrolment) => Receipt,
): Promise<NewEnrolment> {
  const code = `tp_enrol_${deps.randomBytes(20).toString('base64url')}`;
  const now = deps.clock.now();
  const row = {
    hash: hashSecret(code),
    name: wish.name ?? null,
    createdAt: now,
    expiresAt: now + wish.lifetimeMs,
    usedAt: null,
    mcpAccess: wish.mcpAccess ?? false,
  };
  await deps.stores.enrolments.create(row, receiptFor?.({ row, code }));
  return { row, code };
}

/** Registers by a one-use code; a name set at enrolment is the name. Throws `not_found`, `expired`, `name_taken`. */
export async function redeemEnrolment(
  deps: BrokerDeps,
  code: string,
  wish: AgentWish,
  receiptFor: ReceiptFor<Registered>,
): Promise<Registered> {
  const enrolment = await deps.stores.enrolments.find(hashSecret(code));
  if (enrolment === undefined)
    throw new RelayError('not_found', { message: 'There is no such enrolment code. Ask for a new one.' });
  if (enrolment.usedAt !== null || enrolment.expiresAt <= deps.clock.now()) {
    throw new RelayError('expired', { message: 'This enrolment code was used or has run out. Ask for a new one.' });
  }
  const name = enrolment.name ?? wish.name;
  const { hash: enrolmentHash, mcpAccess } = enrolment;
  return registerAgent(deps, { ...wish, name }, { enrolmentHash, mcpAccess, ...(receiptFor && { receiptFor }) });
}
