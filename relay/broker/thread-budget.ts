/**
 * Agents must not talk each other, or a machine that answers by email, into ruin: so many messages of agents in a thread
 * and hour, so many emails of an agent to an address and hour. The rest waits for a person, who is told once and not
 * again while something of the kind waits.
 */
import type { Allowance, NewMail, Overdrawn } from '../store/stores.ts';
import type { Agent, Delivery, Hold, Message } from '../types.ts';
import { ownerOf } from './agents.ts';
import type { BrokerDeps } from './deps.ts';
import { newHold } from './new-delivery.ts';
import { sendRelayEmail } from './outbox/relay-email.ts';

export const TURNS_PER_HOUR = 60;
/** More than a person reads; less than a loop between two mail systems makes of an hour. */
export const EMAILS_PER_HOUR = 30;
const HOUR_MS = 3_600_000;
export const OVER_BUDGET = 'agents have answered each other in this thread more often than the hourly budget allows';
const TOO_MUCH_EMAIL = 'the agent has sent this address more emails than the hourly budget allows';

/** Is the thread's budget used up? For mail of other relays' agents, which counts as well. */
export async function threadBudget(
  deps: BrokerDeps,
  threadId: string,
  now: number,
): Promise<{ readonly spent: boolean }> {
  return { spent: (await deps.stores.messages.countAgentTurns(threadId, now - HOUR_MS)) >= TURNS_PER_HOUR };
}

export const allowanceOf = (threadBegins: boolean, now: number): Allowance => ({
  since: now - HOUR_MS,
  threadTurns: threadBegins ? null : TURNS_PER_HOUR,
  emailsToAddress: EMAILS_PER_HOUR,
});

/** The same deliveries, those that are over on hold. */
export function holdOverdrawn(
  deliveries: readonly Delivery[],
  { thread, addresses }: Overdrawn,
  now: number,
): { readonly deliveries: readonly Delivery[]; readonly holds: readonly Hold[] } {
  const isOver = ({ agentId, address }: Delivery): boolean => (agentId === null ? addresses.includes(address) : thread);
  return {
    deliveries: deliveries.map((one) => (isOver(one) ? { ...one, state: 'held' } : one)),
    holds: deliveries
      .filter(isOver)
      .map((one) => newHold(one, 'approval', one.agentId === null ? TOO_MUCH_EMAIL : OVER_BUDGET, now)),
  };
}

/** Stores what is over the budget, and tells the owner where that is news. */
export async function acceptOverdrawn(deps: BrokerDeps, agent: Agent, mail: NewMail, over: Overdrawn): Promise<void> {
  const { message } = mail;
  const news = await newsOf(deps, agent, message, over);
  await deps.stores.messages.accept(mail);
  for (const text of news) await noteBudget(deps, agent, message, text);
}

/** What the owner does not know yet: nothing of the thread, or to that address, waits already. */
async function newsOf({ stores }: BrokerDeps, agent: Agent, message: Message, over: Overdrawn): Promise<string[]> {
  const { holds, autoAnswers } = stores;
  // Of several at the same moment one tells.
  const hour = new Date(message.createdAt).toISOString().slice(0, 13);
  const first = (what: string): Promise<boolean> => autoAnswers.claim(`over budget: ${what}`, hour);
  const news: string[] = [];
  if (over.thread && (await holds.countOpenApprovals(message.threadId)) === 0 && (await first(message.threadId))) {
    const where = `in the thread "${message.subject ?? message.threadId}"`;
    news.push(`Agents have written more than ${TURNS_PER_HOUR} messages in one hour ${where}.`);
  }
  for (const address of over.addresses) {
    if ((await holds.countOpenApprovalsTo(agent.id, address)) > 0) continue;
    if (!(await first(`${agent.id} ${address}`))) continue;
    news.push(`The agent ${agent.name} has sent ${address} more than ${EMAILS_PER_HOUR} emails in one hour.`);
  }
  return news;
}

/**
 * Tells the owner by email that something waits, with the command that lets it go on. The held message is stored already:
 * a note that cannot be is logged, and the hold stays in the list all the same.
 */
async function noteBudget(deps: BrokerDeps, agent: Agent, held: Message, what: string): Promise<void> {
  const owner = ownerOf(deps, agent);
  deps.log.warn({ thread_id: held.threadId, agent: agent.name, what }, 'over the hourly budget: messages are held');
  if (owner === null) return;
  try {
    await sendRelayEmail(deps, {
      to: owner,
      subject: `${agent.name} is waiting: it is over its hourly budget`,
      body: `${what} Further ones wait for you. List them with "turnpost holds"; "turnpost holds accept ID" lets one pass, "turnpost holds drop ID" does not.`,
      answers: null,
    });
  } catch (error) {
    deps.log.error({ thread_id: held.threadId, cause: error }, 'the owner could not be told');
  }
}
