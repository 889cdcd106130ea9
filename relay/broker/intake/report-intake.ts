/**
 * A delivery report (RFC 3464) or a complaint (RFC 5965) comes in: it finds its delivery by ENVID, then by the token in
 * the envelope sender. Anyone can write such a mail, so it changes something only where one of them carries our MAC. A
 * bounce that knows only our Message-ID and whom we wrote to is told to the agent, as what it is, and changes nothing.
 */
import type { ComplaintReport, DeliveryReport, EmailClass, ParsedEmail } from '../../mail/contracts.ts';
import { findTokens, type ReadToken, readToken, tokenMatches } from '../../mail/reply-token.ts';
import { withSesAliases } from '../../mail/web/ses-message-id.ts';
import type { Intake } from '../../store/stores.ts';
import type { ReplyRoute } from '../../types.ts';
import type { BrokerDeps } from '../deps.ts';
import { bounceNotice, complaintNotice, unprovenBounceNotice } from '../outbox/bounce-notice.ts';
import { bounceSuppression, complaintSuppression, saysAddressIsDead } from '../outbox/suppression.ts';
import { sha256 } from '../signer.ts';
import type { Target } from './address-book.ts';
import { type Verdict, verdictOf } from './report-verdict.ts';

const LONGEST_REASON = 500;

/** Null: it is no report, or nothing proves that it is about mail of ours; then it is held like what nobody asked for. */
export async function intakeOfReport(
  deps: BrokerDeps,
  email: ParsedEmail,
  kind: EmailClass,
  target: Target,
  dedupeKey: string,
): Promise<Intake | null> {
  switch (kind.kind) {
    case 'bounce': {
      const route = await routeOf(deps, kind.report.envid, [], target);
      if (route === null) return unproven(deps, email, kind.report, target);
      return ofBounce(deps, route, verdictOf(kind.report, route.address, email.text), dedupeKey);
    }
    case 'complaint': {
      const route = await routeOf(deps, kind.report.envid, kind.report.originalSenders, target);
      return route && ofComplaint(deps, route, kind.report);
    }
    default:
      return null;
  }
}

async function ofBounce(deps: BrokerDeps, route: ReplyRoute, verdict: Verdict, dedupeKey: string): Promise<Intake> {
  const { deliveryId, address } = route;
  if (verdict.kind === 'waiting') {
    deps.log.info({ delivery_id: deliveryId, action: verdict.action, status: verdict.status }, 'delivery report');
    return { dedupeKey, mail: null };
  }
  const original = await deps.stores.messages.find(route.messageId);
  const mail = (original && bounceNotice(deps, original, address, verdict.reason)) ?? null;
  // Nobody can tell what became of this copy: the agent is told, the delivery stays as it is.
  if (verdict.kind === 'unclear') return { dedupeKey, mail };
  const { status, reason, itself } = verdict;
  const dead = itself && status !== null && saysAddressIsDead(status);
  return {
    dedupeKey,
    mail,
    bounced: { deliveryId, reason: reason.replace(/\s+/g, ' ').slice(0, LONGEST_REASON) },
    ...(dead && { suppress: bounceSuppression(address, status, reason, deps.clock.now()) }),
  };
}

/** RFC 5965 section 7.3: `not-spam` takes nothing back, and nothing else asks for more than to stop. */
async function ofComplaint(deps: BrokerDeps, route: ReplyRoute, report: ComplaintReport): Promise<Intake> {
  const dedupeKey = sha256(`complaint ${route.id}`);
  if (report.feedbackType === 'not-spam') return { dedupeKey: sha256(`not spam ${route.id}`), mail: null };
  const original = await deps.stores.messages.find(route.messageId);
  return {
    dedupeKey,
    mail: (original && complaintNotice(deps, original, route.address)) ?? null,
    suppress: complaintSuppression(route.address, report.feedbackType, deps.clock.now()),
  };
}

/** Once for message and address: who knows a Message-ID can write as many bounces as they like. */
async function unproven(
  deps: BrokerDeps,
  { text }: ParsedEmail,
  report: DeliveryReport,
  target: Target,
): Promise<Intake | null> {
  const { originalMessageId: id } = report;
  const original = id === null ? undefined : await deps.stores.messages.findByEmailMessageId(withSesAliases([id]));
  if (original === undefined || original.senderAgentId !== target.agent.id) return null;
  for (const address of [...original.to, ...original.cc]) {
    const verdict = verdictOf(report, address, text);
    if (verdict.kind !== 'failed' || !verdict.named) continue;
    const mail = unprovenBounceNotice(deps, original, address, verdict.status);
    return mail === undefined ? null : { dedupeKey: sha256(`unproven bounce ${original.id} ${address}`), mail };
  }
  return null;
}

/** The ENVID we send is the bounce token of the delivery. */
async function routeOf(
  deps: BrokerDeps,
  envid: string | null,
  senders: readonly string[],
  target: Target,
): Promise<ReplyRoute | null> {
  const tokens = [...(envid === null ? [] : [readToken(envid)]), ...findTokens(senders)];
  for (const token of tokens) {
    const route = token && (await believe(deps, token));
    if (route) return route;
  }
  return target.by === 'bounce' ? target.route : null;
}

async function believe(deps: BrokerDeps, token: ReadToken): Promise<ReplyRoute | undefined> {
  const route = token.purpose === 'bounce' ? await deps.stores.routes.find(token.id) : undefined;
  if (route === undefined) return undefined;
  const { id, agentId, threadId, address } = route;
  const binding = { purpose: token.purpose, id, agentId, threadId, address };
  return tokenMatches(deps.tokenSecret, token.mac, binding) ? route : undefined;
}
