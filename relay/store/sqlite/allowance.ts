/** Counts what agents wrote of late; the caller has the transaction open, so that two sends at once cannot both be the last. */
import type { Allowance, NewMail, Overdrawn } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';

export const COUNT_TURNS = `
  SELECT count(*) AS n FROM message WHERE thread_id = ? AND from_kind = 'agent' AND created_at > ?`;

// Nothing is due before it was sent: so the index on when it is due leaves little to look at.
const COUNT_EMAILS = `
  SELECT count(*) AS n FROM delivery d JOIN message m ON m.id = d.message_id
  WHERE d.agent_id IS NULL AND d.address = @address AND d.available_at > @since
    AND m.sender_agent_id = @agentId AND m.created_at > @since`;

/** Undefined where nothing is overdrawn. */
export function overdrawnBy(store: SqliteDatabase, mail: NewMail, allowance: Allowance): Overdrawn | undefined {
  const { message, deliveries } = mail;
  const { since, threadTurns, emailsToAddress } = allowance;
  const toAgents = deliveries.some(({ agentId }) => agentId !== null);
  const thread = threadTurns !== null && toAgents && turnsIn(store, message.threadId, since) >= threadTurns;
  const agentId = message.senderAgentId;
  const addresses = deliveries
    .filter(
      (one) => one.agentId === null && emailsTo(store, { agentId, address: one.address, since }) >= emailsToAddress,
    )
    .map(({ address }) => address);
  return thread || addresses.length > 0 ? { thread, addresses } : undefined;
}

const turnsIn = (store: SqliteDatabase, threadId: string, since: number): number =>
  store.prepare<[string, number], { n: number }>(COUNT_TURNS).get(threadId, since)?.n ?? 0;

const emailsTo = (store: SqliteDatabase, values: object): number =>
  store.prepare<[object], { n: number }>(COUNT_EMAILS).get(values)?.n ?? 0;
