/**
 * Tells the agent that sent a message what became of an email of it: it came back, ran out of time, or was called spam.
 * A message of type `bounce`, in our words: what a remote server said stands in the delivery's `last_error`, since
 * anybody can run one.
 */
import { newId } from '../../ids.ts';
import type { NewMail } from '../../store/stores.ts';
import type { Message } from '../../types.ts';
import type { BrokerDeps } from '../deps.ts';
import { newDelivery } from '../new-delivery.ts';

/** RFC 3463: the enhanced status code in what a mail server said. */
const STATUS = /\b([245])\.(\d{1,3})\.(\d{1,3})\b/;

/** What the classes of RFC 3463 section 3 mean, by subject. */
const MEANINGS: Readonly<Record<string, string>> = {
  '1': 'the address does not exist or is not usable',
  '2': 'the mailbox is full, disabled or does not take such mail',
  '3': 'the mail system there cannot take it',
  '4': 'the way there does not work',
  '5': 'the mail servers did not understand each other',
  '6': 'the content cannot be taken there',
  '7': 'the mail system there does not allow it',
};

function explain(reason: string): { readonly status: string | null; readonly text: string } {
  const [status = null, , subject = ''] = STATUS.exec(reason) ?? [];
  const text = MEANINGS[subject] ?? 'the mail system there refused it';
  return { status, text: status === null ? text : `${status}, ${text}` };
}

/** `reason`: what the other server said. Undefined where no agent of ours sent it, or it was a notice itself. */
export function bounceNotice(
  deps: NoticeDeps,
  original: Message,
  address: string,
  reason: string,
): NewMail | undefined {
  const why = explain(reason);
  return noticeOf(deps, original, {
    subject: 'Not delivered',
    body: `The message ${original.id} could not be delivered to ${address}: ${why.text}.`,
    data: { address, status: why.status },
  });
}

/** The report carries no token of ours: it may be forged, and nothing was changed because of it. */
export function unprovenBounceNotice(
  deps: NoticeDeps,
  original: Message,
  address: string,
  status: string | null,
): NewMail | undefined {
  const why = explain(status ?? '');
  return noticeOf(deps, original, {
    subject: 'Perhaps not delivered',
    body: `A report came in that says that the message ${original.id} could not be delivered to ${address}: ${why.text}. Nothing proves the report: it knows the message and its recipient, but anybody who has seen the email could have written it. The delivery stays as it is.`,
    data: { address, status: why.status, proven: false },
  });
}

export function complaintNotice(deps: NoticeDeps, original: Message, address: string): NewMail | undefined {
  return noticeOf(deps, original, {
    subject: 'Called spam',
    body: `The message ${original.id} to ${address} was reported as spam by its reader or their mail system. No more email goes to that address. Do not try another way to reach that person; tell your owner.`,
    data: { address, status: null, complaint: true },
  });
}

export function expiredNotice(deps: NoticeDeps, original: Message, address: string): NewMail | undefined {
  return noticeOf(deps, original, {
    subject: 'Not delivered in time',
    body: `The message ${original.id} to ${address} was to be delivered until ${new Date(original.expiresAt ?? 0).toISOString()}, and no mail server has taken it by then. It is not tried any more.`,
    data: { address, status: null, expired: true },
  });
}

interface Notice {
  readonly subject: string;
  readonly body: string;
  readonly data: Readonly<Record<string, unknown>>;
}

type NoticeDeps = Pick<BrokerDeps, 'clock' | 'settings'>;

function noticeOf(deps: NoticeDeps, original: Message, notice: Notice): NewMail | undefined {
  const agentId = original.senderAgentId;
  if (agentId === null || original.type === 'notice') return undefined;
  const now = deps.clock.now();
  const message: Message = {
    id: newId('msg', now),
    threadId: original.threadId,
    from: { address: `mailer-daemon@${deps.settings.domain}`, name: 'Turnpost', kind: 'machine' },
    senderAgentId: null,
    senderKeyId: null,
    senderSessionId: null,
    to: [original.from.address],
    cc: [],
    subject: `${notice.subject}: ${original.subject ?? original.id}`.slice(0, 200),
    body: notice.body,
    quoted: null,
    signature: null,
    notes: [],
    type: 'bounce',
    priority: original.priority,
    inReplyTo: original.id,
    requiresResponse: false,
    expiresAt: null,
    data: notice.data,
    verifiedBy: 'none',
    auth: null,
    // An answer to this notice is one more turn of the same talk.
    hop: original.hop,
    jws: null,
    emailMessageId: null,
    createdAt: now,
    attachments: [],
  };
  const beginning = {
    address: original.from.address,
    agentId,
    trust: 'known',
    preferredSessionId: original.senderSessionId,
  } as const;
  return { message, deliveries: [newDelivery(message, beginning, now)] };
}
