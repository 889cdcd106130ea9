/** Tells the agent that sent a message that an email of it came back: a message of type `bounce`. */
import { newId } from '../ids.ts';
import type { NewMail } from '../store/stores.ts';
import type { Message } from '../types.ts';
import type { BrokerDeps } from './deps.ts';
import { newDelivery } from './new-delivery.ts';

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

/** The remote server's own words are not repeated: anybody can run one. They stand in the delivery's `last_error`. */
function explain(reason: string): { readonly status: string | null; readonly text: string } {
  const [status = null, , subject = ''] = STATUS.exec(reason) ?? [];
  const text = MEANINGS[subject] ?? 'the mail system there refused it';
  return { status, text: status === null ? text : `${status}, ${text}` };
}

/** Undefined where no agent of ours sent it, or it was a notice itself. */
export function bounceNotice(
  deps: BrokerDeps,
  original: Message,
  address: string,
  reason: string,
): NewMail | undefined {
  const agentId = original.senderAgentId;
  if (agentId === null || original.type === 'notice') return undefined;
  const now = deps.clock.now();
  const why = explain(reason);
  const message: Message = {
    id: newId('msg', now),
    threadId: original.threadId,
    from: { address: `mailer-daemon@${deps.settings.domain}`, name: 'Turnpost', kind: 'machine' },
    senderAgentId: null,
    senderKeyId: null,
    senderSessionId: null,
    to: [original.from.address],
    cc: [],
    subject: `Not delivered: ${original.subject ?? original.id}`.slice(0, 200),
    body: `The message ${original.id} could not be delivered to ${address}: ${why.text}.`,
    quoted: null,
    signature: null,
    notes: [],
    type: 'bounce',
    priority: original.priority,
    inReplyTo: original.id,
    requiresResponse: false,
    expiresAt: null,
    data: { address, status: why.status },
    verifiedBy: 'none',
    auth: null,
    hop: 0,
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
