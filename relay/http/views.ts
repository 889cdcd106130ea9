/** Nouns as the wire shows them: snake_case, RFC 3339, and only what this caller may see. */
import { addressOf, type NewEnrolment, type Registered } from '../broker/agents.ts';
import type { NewKey } from '../broker/keys.ts';
import type { ReadableOutboxItem } from '../broker/outbox/outbox-view.ts';
import type { HeldDelivery, Page, SeenMessage, ThreadSummary } from '../store/stores.ts';
import type { Agent, Delivery, Message, Suppression } from '../types.ts';
import type {
  WireAgent,
  WireHold,
  WireMessage,
  WireNewKey,
  WireOutboxItem,
  WirePage,
  WireSuppression,
  WireThread,
} from '../wire.ts';

const time = (at: number): string => new Date(at).toISOString();
const timeOrNull = (at: number | null): string | null => (at === null ? null : time(at));

/** `withOwner`: admins, and the agent itself. */
export function viewAgent(agent: Agent, domain: string, withOwner: boolean): WireAgent {
  return {
    id: agent.id,
    name: agent.name,
    address: addressOf(agent, domain),
    display_name: agent.displayName,
    description: agent.description,
    capabilities: [...agent.capabilities],
    ...(withOwner && { owner: agent.owner }),
    host: agent.host,
    program: agent.program,
    model: agent.model,
    created_at: time(agent.createdAt),
    updated_at: time(agent.updatedAt),
  };
}

export function viewNewKey({ key, secret }: NewKey): WireNewKey {
  return {
    id: key.id,
    secret,
    scope: key.scope,
    label: key.label,
    created_at: time(key.createdAt),
    expires_at: timeOrNull(key.expiresAt),
    mcp_access: key.mcpAccess,
  };
}

export function viewRegistered({ agent, key }: Registered, domain: string): WireAgent & { key: WireNewKey } {
  return { ...viewAgent(agent, domain, true), key: viewNewKey(key) };
}

export function viewEnrolment({ row, code }: NewEnrolment): { code: string; name: string | null; expires_at: string } {
  return { code, name: row.name, expires_at: time(row.expiresAt) };
}

export function viewMessage({ message, delivery, deliveries }: SeenMessage): WireMessage {
  return {
    ...viewBare(message),
    trust: delivery?.trust ?? (message.senderAgentId === null ? 'unknown' : 'peer'),
    ...(delivery !== null && {
      state: delivery.state,
      attempt: delivery.attempt,
      delivered_at: timeOrNull(delivery.deliveredAt),
      evidence: delivery.evidence,
    }),
    ...(deliveries !== null && { deliveries: deliveries.map(viewDelivery) }),
  };
}

function viewBare(message: Message): Omit<WireMessage, 'trust'> {
  return {
    id: message.id,
    thread_id: message.threadId,
    from: { ...message.from },
    to: [...message.to],
    cc: [...message.cc],
    subject: message.subject,
    body: message.body,
    quoted: message.quoted,
    signature: message.signature,
    notes: [...message.notes],
    type: message.type,
    priority: message.priority,
    in_reply_to: message.inReplyTo,
    requires_response: message.requiresResponse,
    expires_at: timeOrNull(message.expiresAt),
    data: message.data,
    attachments: message.attachments.map(({ contentType, ...rest }) => ({ ...rest, content_type: contentType })),
    created_at: time(message.createdAt),
    verified_by: message.verifiedBy,
    auth: message.auth,
  };
}

export function viewDelivery(delivery: Delivery): NonNullable<WireMessage['deliveries']>[number] {
  const { id, address, state, attempt, lastError } = delivery;
  return { id, to: address, state, attempt, last_error: lastError };
}

export function viewThread(thread: ThreadSummary): WireThread {
  return {
    id: thread.id,
    subject: thread.subject,
    message_count: thread.messageCount,
    last_message_at: time(thread.lastMessageAt),
    participants: [...thread.participants],
  };
}

export function viewOutboxItem({ delivery, email, headers, text }: ReadableOutboxItem): WireOutboxItem {
  return {
    id: delivery.id,
    message_id: delivery.messageId,
    state: delivery.state,
    attempt: delivery.attempt,
    next_attempt_at: delivery.finalizedAt === null ? time(delivery.availableAt) : null,
    last_error: delivery.lastError,
    envelope: { from: email.envelopeFrom, to: email.envelopeTo },
    headers: { ...headers },
    text,
  };
}

export function viewHold({ hold, delivery, message }: HeldDelivery): WireHold {
  return {
    id: hold.id,
    kind: hold.kind,
    reason: hold.reason,
    created_at: time(hold.createdAt),
    delivery_id: delivery.id,
    to: delivery.address,
    message: viewMessage({ message, delivery, deliveries: null }),
  };
}

export function viewSuppression(suppression: Suppression): WireSuppression {
  const { address, agentId, reason, code, source, createdAt, expiresAt } = suppression;
  return {
    address,
    agent_id: agentId,
    reason,
    code,
    source,
    created_at: time(createdAt),
    expires_at: timeOrNull(expiresAt),
  };
}

export function viewPage<T, W>(page: Page<T>, view: (item: T) => W): WirePage<W> {
  return { items: page.items.map(view), next_cursor: page.nextCursor };
}
