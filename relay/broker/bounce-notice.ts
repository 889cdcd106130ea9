/** Tells the agent that sent a message that an email of it came back: a message of type `bounce`. */
import { newId } from '../ids.ts';
import type { NewMail } from '../store/stores.ts';
import type { Message } from '../types.ts';
import type { BrokerDeps } from './deps.ts';
import { newDelivery } from './new-delivery.ts';

const LONGEST_REASON = 500;

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
    body: `The message ${original.id} could not be delivered to ${address}.\nReason given: ${reason.replace(/\s+/g, ' ').slice(0, LONGEST_REASON)}`,
    quoted: null,
    signature: null,
    type: 'bounce',
    priority: original.priority,
    inReplyTo: original.id,
    requiresResponse: false,
    expiresAt: null,
    data: { address, reason },
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
