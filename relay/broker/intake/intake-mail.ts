/**
 * What a read email becomes for one agent it is for: the message, its delivery, and the hold where it may not go on.
 * Pure but for new ids.
 */
import { newId } from '../../ids.ts';
import type { EmailClass, IncomingEmail, NewWords, ParsedEmail, SenderProof } from '../../mail/contracts.ts';
import type { NewMail } from '../../store/stores.ts';
import type { Delivery, Message } from '../../types.ts';
import { MAX_HOPS } from '../accept.ts';
import { addressOf } from '../agents.ts';
import type { BrokerDeps } from '../deps.ts';
import { newDelivery, newHold } from '../new-delivery.ts';
import type { Target } from './address-book.ts';
import { answersForItself, calendarWords } from './calendar-words.ts';
import type { Sender } from './sender.ts';

/** An email with all that was found out about it. */
export interface ReadEmail extends IncomingEmail {
  readonly parsed: ParsedEmail;
  readonly proof: SenderProof;
  readonly kind: EmailClass;
  readonly words: NewWords;
}

/** RFC 5321 section 6.3 wants a limit of at least 100 Received fields. */
const MAX_RECEIVED = 100;
const LONGEST_SUBJECT = 200;
const CIRCLES = 'it was passed on too often and may go in circles';
/** Classes of mail that may reach an agent, if their sender may. */
const TOLD_TO_AGENTS: ReadonlySet<EmailClass['kind']> = new Set(['person', 'auto_reply', 'calendar']);

export function mailFor(deps: BrokerDeps, email: ReadEmail, target: Target, sender: Sender): NewMail {
  return newMail(deps, email, target, sender, whyHeld(email, target, sender));
}

/** `refusal`: why it waits for a person; null lets it go to the agent. */
export function newMail(
  deps: BrokerDeps,
  email: ReadEmail,
  target: Target,
  sender: Sender,
  refusal: string | null,
): NewMail {
  const message = buildMessage(deps, email, target, sender);
  const delivery = deliveryTo(deps, message, target, sender, refusal !== null);
  return {
    message,
    deliveries: [delivery],
    holds: refusal === null ? [] : [newHold(delivery, 'quarantine', refusal, email.receivedAt)],
    attachments: email.parsed.attachments,
  };
}

function whyHeld(email: ReadEmail, target: Target, sender: Sender): string | null {
  const { parsed, kind } = email;
  const received = parsed.headers.get('received')?.length ?? 0;
  if (hopOf(email, target) > MAX_HOPS) return CIRCLES;
  if (received > MAX_RECEIVED) return `it has ${received} Received fields: ${CIRCLES}`;
  if (kind.kind === 'calendar' && !answersForItself(kind.answer, sender.address)) {
    return `it is a calendar program's answer for ${kind.answer.attendee}, but comes from ${sender.address}`;
  }
  if (!TOLD_TO_AGENTS.has(kind.kind)) return `it is not a person's answer: ${'reason' in kind ? kind.reason : ''}`;
  return sender.trust === 'unknown' ? sender.reason : null;
}

/** A person's answer begins anew; what a machine answers by itself is one more round of the same talk. */
function hopOf({ parsed, kind }: ReadEmail, { parent }: Target): number {
  const said = parsed.agentHeaders.hops;
  return kind.kind === 'person' ? said : Math.max(said, (parent?.hop ?? 0) + 1);
}

function deliveryTo(deps: BrokerDeps, message: Message, target: Target, sender: Sender, held: boolean): Delivery {
  const beginning = {
    address: addressOf(target.agent, deps.settings.domain),
    agentId: target.agent.id,
    state: held ? 'held' : 'available',
    trust: sender.trust,
    preferredSessionId: target.parent?.senderAgentId === target.agent.id ? target.parent.senderSessionId : null,
  } as const;
  return newDelivery(message, beginning, message.createdAt);
}

function buildMessage(deps: BrokerDeps, email: ReadEmail, target: Target, sender: Sender): Message {
  const { parsed, kind, proof, receivedAt } = email;
  const { parent } = target;
  const isPerson = kind.kind === 'person';
  return {
    id: newId('msg', receivedAt),
    threadId: parent?.threadId ?? newId('thr', receivedAt),
    from: { address: sender.address, name: sender.name, kind: isPerson ? 'person' : 'machine' },
    senderAgentId: null,
    senderKeyId: null,
    senderSessionId: null,
    to: [addressOf(target.agent, deps.settings.domain)],
    cc: parsed.cc.map(({ address }) => address),
    ...said(email, sender),
    type: isPerson ? (parent === null ? 'message' : 'response') : 'auto_reply',
    priority: parent?.priority ?? 'normal',
    inReplyTo: parent?.id ?? null,
    requiresResponse: false,
    expiresAt: null,
    verifiedBy: sender.verifiedBy,
    auth: proof.auth,
    hop: hopOf(email, target),
    jws: null,
    emailMessageId: parsed.messageId,
    createdAt: receivedAt,
    attachments: parsed.attachments.map(({ content: _, ...info }) => info),
  };
}

/** Of a calendar program's answer only the facts, in our words. */
function said({ parsed, kind, words }: ReadEmail, sender: Sender): Pick<Message, Said> {
  if (kind.kind === 'calendar') {
    const body = calendarWords(kind.answer, sender.address);
    return {
      subject: 'Calendar',
      body,
      quoted: null,
      signature: null,
      notes: [],
      data: { calendar: { ...kind.answer } },
    };
  }
  return {
    subject: parsed.subject?.slice(0, LONGEST_SUBJECT) ?? null,
    body: words.body,
    quoted: words.quoted,
    signature: words.signature,
    notes: [...words.notes, ...parsed.problems],
    data: null,
  };
}

type Said = 'subject' | 'body' | 'quoted' | 'signature' | 'notes' | 'data';
