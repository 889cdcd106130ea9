/** A delivery as it begins. */
import { newId } from '../ids.ts';
import type { Delivery, Hold, HoldKind, Message } from '../types.ts';

type Beginning = Pick<Delivery, 'address' | 'agentId'> &
  Partial<Pick<Delivery, 'state' | 'trust' | 'preferredSessionId'>>;

/** `agentId` null: an email address. Available at once unless `state` says otherwise. */
export function newDelivery(message: Pick<Message, 'id'>, beginning: Beginning, now: number): Delivery {
  return {
    id: newId('dlv', now),
    messageId: message.id,
    state: 'available',
    attempt: 0,
    trust: null,
    availableAt: now,
    preferredSessionId: null,
    leaseId: null,
    lastError: null,
    deliveredAt: null,
    evidence: null,
    finalizedAt: null,
    ...beginning,
  };
}

/** The hold of a delivery that begins `held`; `reason` is a sentence for the person who decides. */
export function newHold(delivery: Pick<Delivery, 'id'>, kind: HoldKind, reason: string, now: number): Hold {
  return {
    id: newId('hld', now),
    deliveryId: delivery.id,
    kind,
    reason,
    createdAt: now,
    decidedAt: null,
    decision: null,
  };
}
