/** Who is an email for: reply tokens, agents' addresses, our own Message-IDs. The first that fits is the answer. */
import { canonicalAddress } from '../../mail/address.ts';
import { findTokens, type ReadToken, tokenMatches } from '../../mail/reply-token.ts';
import { withSesAliases } from '../../mail/web/ses-message-id.ts';
import type { Agent, Message, ReplyPurpose, ReplyRoute } from '../../types.ts';
import type { BrokerDeps } from '../deps.ts';
import { localName } from '../recipients.ts';

/** An agent an email is for, and why: the token's route or the message it answers, where there is one. */
export interface Target {
  readonly agent: Agent;
  /** How the agent was found. Only `reply` by token can let an answer in. */
  readonly by: ReplyPurpose | 'message_id' | 'address';
  readonly route: ReplyRoute | null;
  /** The message of ours that it answers. */
  readonly parent: Message | null;
}

/** A token that is ours, bound to a living agent. */
async function believeToken(deps: BrokerDeps, token: ReadToken): Promise<Target | undefined> {
  const route = await deps.stores.routes.find(token.id);
  if (route === undefined) return undefined;
  const { id, agentId, threadId, address } = route;
  if (!tokenMatches(deps.tokenSecret, token.mac, { purpose: token.purpose, id, agentId, threadId, address }))
    return undefined;
  const agent = await deps.stores.agents.find(agentId);
  if (agent === undefined || agent.deletedAt !== null) return undefined;
  return { agent, by: token.purpose, route, parent: (await deps.stores.messages.find(route.messageId)) ?? null };
}

async function findByToken(deps: BrokerDeps, addresses: readonly string[]): Promise<Target[]> {
  const ours = addresses.filter((address) => isOurDomain(deps, address));
  const targets = await Promise.all(findTokens(ours).map((token) => believeToken(deps, token)));
  return targets.flatMap((target) => target ?? []);
}

/** Of our domain, or of a domain one of our mailboxes is at. */
export function isOurDomain({ settings }: BrokerDeps, address: string): boolean {
  const domain = address.slice(address.lastIndexOf('@') + 1);
  return domain === settings.domain || settings.mailboxAddresses.some((mailbox) => mailbox.endsWith(`@${domain}`));
}

async function findByAddress(deps: BrokerDeps, address: string): Promise<Target | undefined> {
  const name = localName(deps, address);
  const agent = name === undefined ? undefined : await deps.stores.agents.findByName(name);
  return agent && agent.deletedAt === null ? { agent, by: 'address', route: null, parent: null } : undefined;
}

async function findByReference(deps: BrokerDeps, references: readonly string[]): Promise<Target | undefined> {
  const parent = await deps.stores.messages.findByEmailMessageId(withSesAliases(references));
  const agentId = parent?.senderAgentId;
  const agent = agentId ? await deps.stores.agents.find(agentId) : undefined;
  return agent && agent.deletedAt === null && parent ? { agent, by: 'message_id', route: null, parent } : undefined;
}

/**
 * The agents an email is for, each once. Addresses are where it was delivered (envelope or trace headers), else To and
 * Cc; references are In-Reply-To, then References from the newest on. Empty: it is none of ours.
 */
export async function findTargets(
  deps: BrokerDeps,
  email: { readonly addresses: readonly string[]; readonly references: readonly string[] },
): Promise<Target[]> {
  const addresses = email.addresses.flatMap((address) => canonicalAddress(address) ?? []);
  const byToken = await findByToken(deps, addresses);
  const byAddress = await Promise.all(addresses.map((address) => findByAddress(deps, address)));
  const found = new Map<string, Target>();
  for (const target of [...byToken, ...byAddress.flatMap((one) => one ?? [])]) {
    if (!found.has(target.agent.id)) found.set(target.agent.id, target);
  }
  const byReference = await findByReference(deps, email.references);
  // A known thread says more than a bare address, but never adds a reader the email was not sent to.
  if (byReference !== undefined && (found.size === 0 || found.get(byReference.agent.id)?.by === 'address')) {
    found.set(byReference.agent.id, byReference);
  }
  return [...found.values()];
}

/** May mail for this address come in at all? For the SMTP dialogue. */
export async function isDeliverable(deps: BrokerDeps, address: string): Promise<boolean> {
  const canonical = canonicalAddress(address);
  if (canonical === undefined) return false;
  return (await findByToken(deps, [canonical])).length > 0 || (await findByAddress(deps, canonical)) !== undefined;
}
