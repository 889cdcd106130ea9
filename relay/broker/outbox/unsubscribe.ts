/**
 * Taking an address off an agent's mail, by the link or the address of List-Unsubscribe (RFC 8058, RFC 2369). The token
 * stands for one agent and one address, so whoever holds a mail can stop that agent's mail to its recipient, and nothing
 * else. Looking changes nothing: programs open every link of a mail to check it.
 */
import { readToken, tokenMatches } from '../../mail/reply-token.ts';
import type { ReplyRoute } from '../../types.ts';
import type { BrokerDeps } from '../deps.ts';

interface Unsubscription {
  readonly route: ReplyRoute;
  /** The agent's name. */
  readonly agent: string;
}

/** Whom a token of a link takes off whose mail; undefined where it is none of ours. */
export async function findUnsubscription(deps: BrokerDeps, text: string): Promise<Unsubscription | undefined> {
  const token = readToken(text);
  const route = token?.purpose === 'unsubscribe' ? await deps.stores.routes.find(token.id) : undefined;
  if (token === undefined || route === undefined) return undefined;
  const { id, agentId, threadId, address } = route;
  const isOurs = tokenMatches(deps.tokenSecret, token.mac, { purpose: 'unsubscribe', id, agentId, threadId, address });
  const agent = isOurs ? await deps.stores.agents.find(agentId) : undefined;
  return agent && { route, agent: agent.name };
}

/** From now on that agent sends no mail there. Doing it twice is doing it once. */
export async function unsubscribe(deps: BrokerDeps, route: ReplyRoute, by: 'link' | 'email'): Promise<void> {
  await deps.stores.suppressions.add({
    address: route.address,
    agentId: route.agentId,
    reason: 'unsubscribe',
    code: null,
    source: by === 'link' ? 'asked for it by the link in an email' : 'asked for it by email',
    createdAt: deps.clock.now(),
    expiresAt: null,
  });
  deps.log.info({ agent_id: route.agentId, delivery_id: route.deliveryId, by }, 'unsubscribed');
}
