/**
 * A delivery report (RFC 3464) comes in: it finds its delivery by ENVID, then by the envelope sender's token. Anyone can
 * write such a report, so it counts only where one of the two carries our MAC.
 */
import type { DeliveryReport, ParsedEmail } from '../mail/contracts.ts';
import { readToken, tokenMatches } from '../mail/reply-token.ts';
import type { Intake } from '../store/stores.ts';
import type { ReplyRoute } from '../types.ts';
import type { Target } from './address-book.ts';
import { bounceNotice } from './bounce-notice.ts';
import type { BrokerDeps } from './deps.ts';

const LONGEST_REASON = 500;

/** Null: nothing proves that it is about mail of ours; it is held like anything else that nobody asked for. */
export async function intakeOfReport(
  deps: BrokerDeps,
  email: ParsedEmail,
  report: DeliveryReport,
  target: Target,
  dedupeKey: string,
): Promise<Intake | null> {
  const route = (await routeOfEnvid(deps, report.envid)) ?? (target.by === 'bounce' ? target.route : null);
  const original = route === null ? undefined : await deps.stores.messages.find(route.messageId);
  if (route === null || original === undefined) return null;
  const failed = report.recipients.find(({ action }) => action === 'failed');
  if (failed === undefined && report.recipients.length > 0) {
    // Delayed, relayed, expanded: the next server still has it.
    return { dedupeKey, mail: null };
  }
  const reason =
    [failed?.status, failed?.diagnostic].filter(Boolean).join(' ') || email.subject || 'no reason was given';
  const mail = bounceNotice(deps, original, route.address, reason) ?? null;
  // A report that names no recipient may be about anything: the agent is told, the delivery stays as it is.
  return failed === undefined
    ? { dedupeKey, mail }
    : { dedupeKey, mail, bounced: { deliveryId: route.deliveryId, reason: shorten(reason) } };
}

const shorten = (reason: string): string => reason.replace(/\s+/g, ' ').slice(0, LONGEST_REASON);

/** The ENVID we send is the bounce token of the delivery. */
async function routeOfEnvid(deps: BrokerDeps, envid: string | null): Promise<ReplyRoute | null> {
  const token = envid === null ? undefined : readToken(envid);
  const route = token && (await deps.stores.routes.find(token.id));
  if (token === undefined || route === undefined) return null;
  const { id, agentId, threadId, address } = route;
  const binding = { purpose: token.purpose, id, agentId, threadId, address };
  return token.purpose === 'bounce' && tokenMatches(deps.tokenSecret, token.mac, binding) ? route : null;
}
