/**
 * Makes the emails of a message: one for each person, each with its own tokens. Reply-To says which thread an answer
 * belongs to, envelope sender and ENVID which delivery failed. Made once at enqueue: every attempt sends the same bytes.
 */
import { splitSubaddress, withTag } from '../mail/address.ts';
import { composeEmail } from '../mail/compose-email.ts';
import type { EmailDraft } from '../mail/contracts.ts';
import { messageIdFor } from '../mail/message-id.ts';
import { mintToken, newTokenId, placeToken } from '../mail/reply-token.ts';
import type { Agent, AttachmentContent, Delivery, Message, OutgoingEmail, ReplyRoute } from '../types.ts';
import { addressOf } from './agents.ts';
import type { BrokerDeps, BrokerSettings } from './deps.ts';

interface Composed {
  readonly emails: readonly OutgoingEmail[];
  readonly routes: readonly ReplyRoute[];
  /** The Message-ID they all go out with; null where no person is among the recipients. */
  readonly emailMessageId: string | null;
}

export async function composeOutgoing(
  deps: BrokerDeps,
  agent: Agent,
  message: Message,
  deliveries: readonly Delivery[],
  attachments: readonly AttachmentContent[],
): Promise<Composed> {
  const toPeople = deliveries.filter(({ agentId }) => agentId === null);
  if (toPeople.length === 0) return { emails: [], routes: [], emailMessageId: null };

  const from = senderAddress(deps.settings, agent);
  const emailMessageId = messageIdFor(message.id, splitSubaddress(from).domain);
  const references = await deps.stores.messages.emailMessageIds(message.threadId);
  const emails: OutgoingEmail[] = [];
  const routes: ReplyRoute[] = [];
  for (const delivery of toPeople) {
    const route = newRoute(deps, agent, message, delivery);
    const tokens = placeTokens(deps, from, route);
    const raw = await composeEmail(
      draft(deps, agent, message, { from, replyTo: tokens.replyTo, emailMessageId, references, attachments }),
      deps.emailFrame,
    );
    routes.push(route);
    emails.push({
      deliveryId: delivery.id,
      envelopeFrom: tokens.envelopeFrom,
      envelopeTo: delivery.address,
      envid: tokens.envid,
      raw,
    });
  }
  return { emails, routes, emailMessageId };
}

/** The agent's own address where the relay's domain is real, else the first mailbox's with +name. */
export function senderAddress({ domain, mailboxAddresses }: BrokerSettings, agent: Agent): string {
  const [mailbox] = mailboxAddresses;
  const isReal = !domain.endsWith('.localhost') && domain !== 'localhost';
  return isReal || mailbox === undefined ? addressOf(agent, domain) : withTag(mailbox, agent.name);
}

function newRoute(deps: BrokerDeps, agent: Agent, message: Message, delivery: Delivery): ReplyRoute {
  return {
    id: newTokenId(deps.randomBytes),
    agentId: agent.id,
    threadId: message.threadId,
    messageId: message.id,
    deliveryId: delivery.id,
    address: delivery.address,
    createdAt: message.createdAt,
  };
}

function placeTokens(deps: BrokerDeps, from: string, route: ReplyRoute) {
  const { id, agentId, threadId, address } = route;
  const reply = mintToken(deps.tokenSecret, { purpose: 'reply', id, agentId, threadId, address });
  const bounce = mintToken(deps.tokenSecret, { purpose: 'bounce', id, agentId, threadId, address });
  return { replyTo: carry(deps, from, reply), envelopeFrom: carry(deps, from, bounce), envid: bounce };
}

/** With the agent's name beside the token where there is room, without it where the mailbox's own name is long. */
function carry({ settings }: BrokerDeps, from: string, token: string): string {
  const { local, domain } = splitSubaddress(from);
  const ownDomain = domain === settings.domain;
  return placeToken(from, token, ownDomain) ?? placeToken(`${local}@${domain}`, token, ownDomain) ?? from;
}

interface DraftParts {
  readonly from: string;
  readonly replyTo: string;
  readonly emailMessageId: string;
  readonly references: readonly string[];
  readonly attachments: readonly AttachmentContent[];
}

function draft(deps: BrokerDeps, agent: Agent, message: Message, parts: DraftParts): EmailDraft {
  const name = agent.displayName ?? agent.name;
  return {
    from: { address: parts.from, name },
    replyTo: { address: parts.replyTo, name },
    to: message.to,
    cc: message.cc,
    subject: message.subject ?? firstWords(message.body),
    body: message.body,
    messageId: parts.emailMessageId,
    inReplyTo: parts.references.at(-1) ?? null,
    references: parts.references,
    sentAt: message.createdAt,
    isAnswer: message.inReplyTo !== null,
    agent: {
      address: addressOf(agent, deps.settings.domain),
      threadId: message.threadId,
      type: message.type,
      priority: message.priority,
      requiresResponse: message.requiresResponse,
      // Going out by email is one more hop; what comes back to it carries that count.
      hop: message.hop + 1,
      jws: message.jws ?? '',
    },
    data: message.data,
    attachments: parts.attachments,
  };
}

const SUBJECT_FROM_BODY = 70;

/** A subject for a message that has none. */
function firstWords(body: string): string {
  const line =
    body
      .split('\n')
      .find((one) => one.trim() !== '')
      ?.trim() ?? 'Message';
  return line.length <= SUBJECT_FROM_BODY ? line : `${line.slice(0, SUBJECT_FROM_BODY - 1)}…`;
}
