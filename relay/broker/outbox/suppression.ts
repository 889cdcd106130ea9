/**
 * Which addresses get no more email, and the way back. Only what is proven to be about mail of ours suppresses: a refusal
 * in the dialogue, or a report with a token of ours. A full mailbox or a policy (5.2.2, 5.7.x) says nothing of the address.
 */
import { RelayError } from '../../errors.ts';
import type { Suppression } from '../../types.ts';
import type { BrokerDeps } from '../deps.ts';
import type { Recipient } from '../recipients.ts';

/** Then one mail is tried again: addresses are set up anew, and a server may have been wrong. */
const BOUNCE_HOLDS_MS = 90 * 24 * 3_600_000;
const LONGEST_SOURCE = 500;

/**
 * RFC 3463: no such mailbox (1.1), host (1.2), syntax (1.3), moved without address (1.6), null MX (1.10, RFC 7505), the
 * mailbox was closed (2.1), no such route (4.4). All in class 5, permanent.
 */
const DEAD_ADDRESS = /^5\.(?:1\.(?:1|2|3|6|10)|2\.1|4\.4)$/;

export const saysAddressIsDead = (status: string | null): boolean => status !== null && DEAD_ADDRESS.test(status);

/** `source`: what the other server said, for the person who looks at the list. */
export function bounceSuppression(address: string, status: string, source: string, now: number): Suppression {
  return {
    address,
    agentId: null,
    reason: 'bounce',
    code: status,
    source: source.replace(/\s+/g, ' ').slice(0, LONGEST_SOURCE),
    createdAt: now,
    expiresAt: now + BOUNCE_HOLDS_MS,
  };
}

/** For good: only a person takes it back. */
export function complaintSuppression(address: string, feedbackType: string, now: number): Suppression {
  const source = `a complaint report of type ${feedbackType} (RFC 5965)`;
  return { address, agentId: null, reason: 'complaint', code: null, source, createdAt: now, expiresAt: null };
}

/** `550-5.1.1 ...`, RFC 2034: the enhanced code behind the reply's own. */
const REFUSED_FOR_GOOD = /^5\d\d[ -](5\.\d{1,3}\.\d{1,3})\b/;

/** The status by which a refusal in the dialogue says that the address is dead; undefined where it says anything else. */
export function deadByRefusal(reply: string): string | undefined {
  const status = REFUSED_FOR_GOOD.exec(reply)?.[1];
  // Some servers refuse the sender with the codes of a recipient.
  return status !== undefined && saysAddressIsDead(status) && !/\bsender\b/i.test(reply) ? status : undefined;
}

const WHY: Readonly<Record<Suppression['reason'], string>> = {
  bounce: 'mail to it failed for good',
  complaint: 'somebody there called mail from here spam',
  unsubscribe: 'its person asked for no more mail',
};

/** `gone@example.com: mail to it failed for good (5.1.1), since 2026-03-02T09:00:00.000Z.` No word of the other server. */
export function describeSuppression({ address, reason, code, createdAt }: Suppression): string {
  const why = code === null ? WHY[reason] : `${WHY[reason]} (${code})`;
  return `${address}: ${why}, since ${new Date(createdAt).toISOString()}.`;
}

function wayBack(found: readonly Suppression[]): string {
  const commands = found.map(({ address }) => `"turnpost suppressions remove ${address}"`).join(', ');
  const itself = found.some(({ reason }) => reason === 'bounce')
    ? ' A bounce is also forgotten when the person writes to an agent here by mail that is proven to be theirs.'
    : '';
  return `If a person knows better, an admin takes it back with ${commands}.${itself}`;
}

/** Throws `suppressed` where one recipient gets no email from this agent; then nothing is sent. */
export async function checkNotSuppressed(
  deps: BrokerDeps,
  agentId: string,
  recipients: readonly Recipient[],
): Promise<void> {
  const people = recipients.filter(({ kind }) => kind === 'email');
  const now = deps.clock.now();
  const all = await Promise.all(people.map(({ address }) => deps.stores.suppressions.find(address, agentId, now)));
  const found = all.flatMap((one) => one ?? []);
  if (found.length === 0) return;
  throw new RelayError('suppressed', {
    message: `Nothing was sent. ${found.map(describeSuppression).join(' ')} ${wayBack(found)}`,
    details: {
      fields: found.map((one) => ({ path: 'to', message: describeSuppression(one) })),
      suppressions: found.map(({ address, reason, code, createdAt, expiresAt }) => ({
        address,
        reason,
        code,
        since: new Date(createdAt).toISOString(),
        until: expiresAt === null ? null : new Date(expiresAt).toISOString(),
      })),
    },
  });
}

/** Takes all of that address back. Throws `not_found` where it was not suppressed. */
export async function unsuppress(deps: BrokerDeps, address: string): Promise<number> {
  const removed = await deps.stores.suppressions.remove(address);
  if (removed === 0) throw new RelayError('not_found', { message: `${address} is not suppressed.` });
  deps.log.info({ address, removed }, 'suppression taken back');
  return removed;
}
