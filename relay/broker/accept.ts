/**
 * Accepts what an agent sends (docs/flow.md, "A message is sent"): all recipients or none, signed, and on disk before
 * it returns. The one way in: a reply, an MCP tool and the command line end here too.
 */
import { createHash } from 'node:crypto';
import { invalidRequest, RelayError } from '../errors.ts';
import { newId } from '../ids.ts';
import { answerSubject } from '../mail/compose/thread-fields.ts';
import type { NewMail, SeenMessage } from '../store/stores.ts';
import type { Agent, AttachmentContent, Delivery, Message, MessageType, Priority } from '../types.ts';
import { addressOf } from './agents.ts';
import type { BrokerDeps } from './deps.ts';
import type { Caller, ReceiptFor } from './keys.ts';
import { newDelivery } from './new-delivery.ts';
import { composeOutgoing } from './outbox/outgoing.ts';
import { checkNotSuppressed } from './outbox/suppression.ts';
import { type Recipient, resolveRecipients } from './recipients.ts';
import { acceptOverdrawn, allowanceOf, holdOverdrawn } from './thread-budget.ts';

/** Mail passed on by more relays than this goes in circles. */
export const MAX_HOPS = 8;

export interface Outgoing {
  readonly to: readonly string[];
  readonly cc: readonly string[];
  /** Get it, and are named to nobody. */
  readonly bcc?: readonly string[] | undefined;
  readonly body: string;
  readonly subject?: string | undefined;
  readonly type?: MessageType | undefined;
  readonly priority?: Priority | undefined;
  readonly inReplyTo?: string | undefined;
  readonly threadId?: string | undefined;
  readonly requiresResponse?: boolean | undefined;
  readonly expiresAt?: number | undefined;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  readonly attachments?:
    | readonly { readonly filename: string; readonly contentType: string; readonly content: Buffer }[]
    | undefined;
  /** The host session that sends it. */
  readonly sessionId: string | null;
}

/** A stored message as its sender sees it. */
export interface Accepted {
  readonly message: Message;
  readonly deliveries: readonly Delivery[];
}

/** Throws `recipient_unknown`, `not_found`, `suppressed`, `too_large`, `blocked_by_policy`, `expired`, `invalid_request`, `unavailable`. */
export async function acceptMessage(
  deps: BrokerDeps,
  caller: Caller & { readonly agent: NonNullable<Caller['agent']> },
  wish: Outgoing,
  receiptFor?: ReceiptFor<Accepted>,
): Promise<Accepted> {
  const now = deps.clock.now();
  const { parent, hop } = await findPlace(deps, caller, wish);
  const named = [...wish.to, ...wish.cc, ...(wish.bcc ?? [])];
  const recipients = splitCopies(await resolveRecipients(deps, named), wish);
  await checkNotSuppressed(deps, caller.agent.id, Object.values(recipients).flat());
  checkLimits(deps, wish, hop, now);
  const attachments = (wish.attachments ?? []).map(toAttachment);
  const message = buildMessage(deps, caller, wish, { parent, hop, recipients, attachments, now });
  const deliveries = address(message, Object.values(recipients).flat(), parent?.message, now);
  const outgoing = await composeOutgoing(deps, caller.agent, message, deliveries, attachments);
  const mail = {
    message: { ...message, emailMessageId: outgoing.emailMessageId },
    deliveries,
    attachments,
    emails: outgoing.emails,
    routes: outgoing.routes,
    answered: parent === undefined ? undefined : { agentId: caller.agent.id, messageId: parent.message.id },
  };
  const threadBegins = parent === undefined && wish.threadId === undefined;
  const accepted = await store(deps, caller.agent, mail, threadBegins, receiptFor);
  const woken = accepted.deliveries.filter(({ state }) => state === 'available');
  deps.wake(woken.flatMap(({ agentId }) => agentId ?? []));
  deps.count('messages_accepted');
  if (outgoing.emails.length > 0) deps.wakeOutbox();
  return accepted;
}

/** What is over the hourly budget waits for a person. The receipt says what became of it, so it is made last. */
async function store(
  deps: BrokerDeps,
  agent: Agent,
  mail: NewMail,
  threadBegins: boolean,
  receiptFor: ReceiptFor<Accepted> | undefined,
): Promise<Accepted> {
  const now = mail.message.createdAt;
  const withReceipt = (one: NewMail): NewMail => ({ ...one, receipt: receiptFor?.(one) });
  const over = await deps.stores.messages.acceptIfWithin(withReceipt(mail), allowanceOf(threadBegins, now));
  if (over === undefined) return mail;
  const held = { ...mail, ...holdOverdrawn(mail.deliveries, over, now) };
  await acceptOverdrawn(deps, agent, withReceipt(held), over);
  return held;
}

interface Place {
  /** The message that is answered. */
  readonly parent: SeenMessage | undefined;
  /** How often what it goes on with was passed on by email. */
  readonly hop: number;
}

async function findPlace(deps: BrokerDeps, { agent }: Caller, wish: Outgoing): Promise<Place> {
  const begins = { parent: undefined, hop: 0 };
  if (agent === null) return begins;
  if (wish.inReplyTo !== undefined) {
    const parent = await deps.stores.messages.findSeen(agent.id, wish.inReplyTo);
    if (parent === undefined)
      throw new RelayError('not_found', { message: `in_reply_to: you have no message ${wish.inReplyTo}.` });
    if (wish.threadId !== undefined && wish.threadId !== parent.message.threadId) {
      throw invalidRequest([{ path: 'thread_id', message: 'is not the thread of in_reply_to; leave one of them out' }]);
    }
    return { parent, hop: parent.message.hop };
  }
  if (wish.threadId === undefined) return begins;
  const newest = (await deps.stores.messages.thread(agent.id, wish.threadId)).at(-1);
  if (newest === undefined) {
    throw new RelayError('not_found', { message: `thread_id: you are in no thread ${wish.threadId}.` });
  }
  return { parent: undefined, hop: newest.message.hop };
}

function checkLimits(deps: BrokerDeps, wish: Outgoing, hop: number, now: number): void {
  const attached = (wish.attachments ?? []).reduce((sum, { content }) => sum + content.length, 0);
  if (Buffer.byteLength(wish.body) + attached > deps.settings.maxMessage) throw new RelayError('too_large');
  if (wish.expiresAt !== undefined && wish.expiresAt <= now) {
    throw invalidRequest([{ path: 'expires_at', message: 'must be in the future' }]);
  }
  if (hop > MAX_HOPS) {
    throw new RelayError('blocked_by_policy', {
      message: `This thread was passed on by email more than ${MAX_HOPS} times; it goes in circles. Start a new thread if a person agrees.`,
    });
  }
}

function toAttachment(
  {
    filename,
    contentType,
    content,
  }: { readonly filename: string; readonly contentType: string; readonly content: Buffer },
  index: number,
): AttachmentContent {
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { index, filename, contentType, size: content.length, sha256, content };
}

interface Parts extends Place {
  readonly recipients: Copies;
  readonly attachments: readonly AttachmentContent[];
  readonly now: number;
}

function buildMessage(deps: BrokerDeps, caller: Caller, wish: Outgoing, parts: Parts): Message {
  const { agent, key } = caller;
  if (agent === null) throw new RelayError('forbidden', { message: 'Only agents send messages; use an agent key.' });
  const { parent, now } = parts;
  const unsigned: Omit<Message, 'jws'> = {
    id: newId('msg', now),
    threadId: parent?.message.threadId ?? wish.threadId ?? newId('thr', now),
    from: { address: addressOf(agent, deps.settings.domain), name: agent.displayName, kind: 'agent' },
    senderAgentId: agent.id,
    senderKeyId: key.id,
    senderSessionId: wish.sessionId,
    to: parts.recipients.to.map((recipient) => recipient.address),
    cc: parts.recipients.cc.map((recipient) => recipient.address),
    subject: wish.subject ?? replySubject(parent),
    body: wish.body,
    quoted: null,
    signature: null,
    notes: [],
    type: wish.type ?? (parent === undefined ? 'message' : 'response'),
    priority: wish.priority ?? parent?.message.priority ?? 'normal',
    inReplyTo: parent?.message.id ?? null,
    requiresResponse: wish.requiresResponse ?? false,
    expiresAt: wish.expiresAt ?? null,
    data: wish.data ?? null,
    verifiedBy: 'key',
    auth: null,
    hop: parts.hop,
    emailMessageId: null,
    createdAt: now,
    attachments: parts.attachments.map(({ content: _, ...info }) => info),
  };
  return { ...unsigned, jws: deps.signer.sign(unsigned) };
}

interface Copies {
  readonly to: readonly Recipient[];
  readonly cc: readonly Recipient[];
  readonly bcc: readonly Recipient[];
}

/** Each recipient once: named twice, it gets one copy, and `to` goes before `cc`, `cc` before `bcc`. */
function splitCopies(recipients: readonly Recipient[], { to, cc }: Pick<Outgoing, 'to' | 'cc'>): Copies {
  const first = new Map<string, number>();
  for (const [index, { address: one }] of recipients.entries()) if (!first.has(one)) first.set(one, index);
  const within = (start: number, end: number): Recipient[] =>
    recipients.slice(start, end).filter((recipient, index) => first.get(recipient.address) === start + index);
  const named = to.length + cc.length;
  return { to: within(0, to.length), cc: within(to.length, named), bcc: within(named, recipients.length) };
}

function replySubject(parent: SeenMessage | undefined): string | null {
  const subject = parent?.message.subject ?? null;
  if (subject === null) return null;
  return answerSubject(subject).slice(0, 200);
}

/** One delivery a recipient; an answer goes to the session that asked. */
function address(
  message: Message,
  recipients: readonly Recipient[],
  asked: Message | undefined,
  now: number,
): readonly Delivery[] {
  return recipients.map((recipient) => {
    const agentId = recipient.kind === 'agent' ? recipient.agent.id : null;
    return newDelivery(
      message,
      {
        address: recipient.address,
        agentId,
        trust: agentId === null ? null : 'peer',
        preferredSessionId: asked !== undefined && asked.senderAgentId === agentId ? asked.senderSessionId : null,
      },
      now,
    );
  });
}
