/**
 * Makes the emails of a message: one for each person, each with its own tokens. Reply-To says which thread an answer
 * belongs to, envelope sender and ENVID which delivery failed. Made once at enqueue: every attempt sends the same bytes,
 * but for files that a server finds too large, which then go as links.
 */
import { RelayError } from '../../errors.ts';
import { splitSubaddress } from '../../mail/address.ts';
import { composeEmail } from '../../mail/compose/compose-email.ts';
import { readableSize } from '../../mail/compose/email-frame.ts';
import { messageIdFor } from '../../mail/message-id.ts';
import { newTokenId, readToken } from '../../mail/reply-token.ts';
import type { OutboxItem } from '../../store/stores.ts';
import type { Agent, AttachmentContent, Delivery, Message, OutgoingEmail, ReplyRoute } from '../../types.ts';
import type { BrokerDeps } from '../deps.ts';
import { draftEmail, type Files, type OneEmail, placeTokens, senderAddress } from './email-draft.ts';
import { threadingOf } from './threading.ts';

export { senderAddress };

interface Composed {
  readonly emails: readonly OutgoingEmail[];
  readonly routes: readonly ReplyRoute[];
  /** The Message-ID they all go out with; null where no person is among the recipients. */
  readonly emailMessageId: string | null;
}

/** Throws `too_large` for what does not fit into an email and cannot go as links. */
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
  const threading = await threadingOf(deps, message, emailMessageId);
  const emails: OutgoingEmail[] = [];
  const routes: ReplyRoute[] = [];
  for (const delivery of toPeople) {
    const route = newRoute(deps, agent, message, delivery);
    const signed = signedFor(deps, message, delivery.address);
    const email = { agent, message: signed, from, route, emailMessageId, threading };
    const { envelopeFrom, envid } = placeTokens(deps, from, route);
    const raw = await composeWithin(deps, email, attachments);
    routes.push(route);
    emails.push({ deliveryId: delivery.id, envelopeFrom, envelopeTo: delivery.address, envid, raw });
  }
  return { emails, routes, emailMessageId };
}

/** The same email with links in place of its files. Undefined where that cannot be done, or makes it no smaller. */
export async function composeWithLinks(deps: BrokerDeps, { email, delivery }: OutboxItem): Promise<Buffer | undefined> {
  const message = await deps.stores.messages.find(delivery.messageId);
  const route = await deps.stores.routes.find(readToken(email.envid)?.id ?? '');
  const agent = message?.senderAgentId ? await deps.stores.agents.find(message.senderAgentId) : undefined;
  if (!message || !route || !agent || message.attachments.length === 0 || !canLink(deps)) return undefined;
  const from = senderAddress(deps.settings, agent);
  const emailMessageId = message.emailMessageId ?? messageIdFor(message.id, splitSubaddress(from).domain);
  const threading = await threadingOf(deps, message, emailMessageId);
  const signed = signedFor(deps, message, delivery.address);
  const parts = { agent, message: signed, from, route, emailMessageId, threading };
  const raw = await composeSigned(deps, parts, 'as links');
  return raw.length < email.raw.length ? raw : undefined;
}

/** Who gets it unnamed (Bcc) is named in a signature of its own, or another relay would take it for a mail led astray. */
function signedFor(deps: BrokerDeps, message: Message, address: string): Message {
  if (message.to.includes(address) || message.cc.includes(address)) return message;
  return { ...message, jws: deps.signer.sign({ ...message, cc: [...message.cc, address] }) };
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

const canLink = ({ settings }: BrokerDeps): boolean => settings.outbound.publicUrl !== null;

/** With its files where that fits, else with links to them. */
async function composeWithin(deps: BrokerDeps, email: OneEmail, files: readonly AttachmentContent[]): Promise<Buffer> {
  const { maxEmail } = deps.settings.outbound;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  // base64 makes four of three: what cannot fit is not composed first.
  const whole = (bytes * 4) / 3 > maxEmail ? undefined : await composeSigned(deps, email, files);
  if (whole !== undefined && whole.length <= maxEmail) return whole;
  if (files.length > 0 && canLink(deps)) {
    const linked = await composeSigned(deps, email, 'as links');
    if (linked.length <= maxEmail) return linked;
  }
  throw new RelayError('too_large', { message: tooLarge(deps, files) });
}

function tooLarge({ settings }: BrokerDeps, files: Files): string {
  const limit = `An email may have ${readableSize(settings.outbound.maxEmail)} (TURNPOST_MAX_EMAIL), and this one would have more.`;
  return files.length > 0 && settings.outbound.publicUrl === null
    ? `${limit} Its files could go as links if TURNPOST_PUBLIC_URL said where people reach this relay. Send less.`
    : `${limit} Send less.`;
}

async function composeSigned(deps: BrokerDeps, email: OneEmail, files: Files): Promise<Buffer> {
  const raw = await composeEmail(draftEmail(deps, email, files), deps.emailFrame);
  return deps.dkim.sign(raw, email.from, email.message.createdAt);
}
