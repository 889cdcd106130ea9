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

export async function intakeOfReport(
  deps: BrokerDeps,
  email: ParsedEmail,
  report: DeliveryReport,
  target: Target,
  dedupeKey: string,
): Promise<Intake> {
  const route = (await routeOfEnvid(deps, report.envid)) ?? (target.by === 'bounce' ? target.route : null);
  const failed = report.recipients.find(({ action }) => action === 'failed');
  const original = route === null ? undefined : await deps.stores.messages.find(route.messageId);
  if (route === null || original === undefined) {
    deps.log.warn({ agent: target.agent.name, subject: email.subject }, 'delivery report without our token: ignored');
    return { dedupeKey, mail: null };
  }
  // Delayed, relayed, expanded: the next server still has it.
  if (failed === undefined) return { dedupeKey, mail: null };
  const reason =
    [failed.status, failed.diagnostic].filter(Boolean).join(' ').slice(0, LONGEST_REASON) || 'no reason was given';
  const notice = bounceNotice(deps, original, route.address, reason);
  return { dedupeKey, mail: notice ?? null, bounced: { deliveryId: route.deliveryId, reason } };
}

/** The ENVID we send is the bounce token of the delivery. */
async function routeOfEnvid(deps: BrokerDeps, envid: string | null): Promise<ReplyRoute | null> {
  const token = envid === null ? undefined : readToken(envid);
  const route = token && (await deps.stores.routes.find(token.id));
  if (token === undefined || route === undefined) return null;
  const { id, agentId, threadId, address } = route;
  const binding = { purpose: token.purpose, id, agentId, threadId, address };
  return token.purpose === 'bounce' && tokenMatches(deps.tokenSecret, token.mac, binding) ? route : null;
}
