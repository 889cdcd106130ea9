/**
 * Two agents must not talk each other into ruin: so many messages of agents in a thread and hour, the rest waits for a
 * person, who is told once and not again while something of the thread waits.
 */
import { newId } from '../ids.ts';
import type { Agent, Delivery, Message } from '../types.ts';
import { ownerOf } from './agents.ts';
import type { BrokerDeps } from './deps.ts';
import { newDelivery } from './new-delivery.ts';
import { composeOutgoing } from './outgoing.ts';

export const TURNS_PER_HOUR = 60;
const HOUR_MS = 3_600_000;

export interface Budget {
  /** The next message waits for a person. */
  readonly spent: boolean;
  /** And nothing of the thread waits yet: the owner has not been told. */
  readonly isNews: boolean;
}

/** Of a thread that begins. */
export const UNSPENT: Budget = { spent: false, isNews: false };

export async function threadBudget(deps: BrokerDeps, threadId: string, now: number): Promise<Budget> {
  const turns = await deps.stores.messages.countAgentTurns(threadId, now - HOUR_MS);
  const spent = turns >= TURNS_PER_HOUR;
  return { spent, isNews: spent && (await deps.stores.holds.countOpenApprovals(threadId)) === 0 };
}

/**
 * Tells the owner by email that a thread waits, with the command that lets it go on. The held message is stored already:
 * a note that cannot be is logged, and the hold stays in the list all the same.
 */
export async function noteBudget(deps: BrokerDeps, agent: Agent, held: Message): Promise<void> {
  const owner = ownerOf(deps, agent);
  deps.log.warn({ thread_id: held.threadId, agent: agent.name }, 'thread over its hourly budget: messages are held');
  if (owner === null) return;
  try {
    await sendNote(deps, agent, held, owner);
  } catch (error) {
    deps.log.error({ thread_id: held.threadId, cause: error }, 'the owner could not be told');
  }
}

async function sendNote(deps: BrokerDeps, agent: Agent, held: Message, owner: string): Promise<void> {
  const { message, delivery } = note(deps, agent, held, owner);
  const { emails, routes, emailMessageId } = await composeOutgoing(deps, agent, message, [delivery], []);
  await deps.stores.messages.accept({
    message: { ...message, emailMessageId },
    deliveries: [delivery],
    emails,
    routes,
  });
  deps.wakeOutbox();
}

function note(deps: BrokerDeps, agent: Agent, held: Message, owner: string): { message: Message; delivery: Delivery } {
  const now = deps.clock.now();
  const unsigned: Omit<Message, 'jws'> = {
    ...held,
    id: newId('msg', now),
    threadId: newId('thr', now),
    to: [owner],
    cc: [],
    subject: `${agent.name} is waiting: a thread is over its budget`,
    body: `Agents have written more than ${TURNS_PER_HOUR} messages in one hour in the thread "${held.subject ?? held.threadId}". Further ones wait for you. List them with "turnpost holds"; "turnpost holds accept ID" lets one pass, "turnpost holds drop ID" does not.`,
    type: 'notice',
    priority: 'normal',
    inReplyTo: null,
    requiresResponse: false,
    expiresAt: null,
    data: null,
    attachments: [],
    emailMessageId: null,
    createdAt: now,
  };
  const message = { ...unsigned, jws: deps.signer.sign(unsigned) };
  return { message, delivery: newDelivery(message, { address: owner, agentId: null }, now) };
}
