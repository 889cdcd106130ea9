/**
 * Mail that says it is an agent's. It needs the agent's signature, or it is refused where it came in: from an address of
 * ours by anybody but us, and from another relay's agent whose signature does not hold. Decided before anything else is
 * asked of the mail: such mail is automatic, and no automatic answer.
 */

import type { ParsedEmail } from '../../mail/contracts.ts';
import { isGenuine, objectionTo, readSignedEmail, type SignedEmail } from '../../mail/signature/agent-signature.ts';
import type { DeskReply } from '../../mail/smtp/smtp-desk.ts';
import { MAX_HOPS } from '../accept.ts';
import type { BrokerDeps } from '../deps.ts';
import { localName } from '../recipients.ts';
import type { Target } from './address-book.ts';
import { notMeant } from './peer-mail.ts';

export type AgentClaim =
  /** Not an agent's: a person's, or some machine's. */
  | { readonly kind: 'none' }
  /** Signed by this relay: our own mail coming back. */
  | { readonly kind: 'own' }
  /** Signed by another relay's agent, and all of it holds. */
  | { readonly kind: 'signed'; readonly email: SignedEmail }
  | ClaimRefused;

export interface ClaimRefused {
  readonly kind: 'refused';
  /** For SMTP. */
  readonly reply: Extract<DeskReply, { readonly accepted: false }>;
  /** A sentence for the person who decides, where it is held instead. */
  readonly reason: string;
  /** Another time it may come in: it names a relay that the settings name, whose keys cannot be fetched now. */
  readonly temporary: boolean;
}

/** `now`, not the mail's time of arrival: a mailbox may hold it for long before it is read, but the signature tells when. */
export async function readAgentClaim(
  deps: BrokerDeps,
  parsed: ParsedEmail,
  targets: readonly Target[],
): Promise<AgentClaim> {
  const reading = readSignedEmail(parsed);
  const ours = await agentOfOurs(deps, parsed);
  if (reading.kind === 'bad') return refused(`it bears an agent's signature that does not hold: ${reading.reason}`);
  if (reading.kind === 'none') {
    return ours === null ? { kind: 'none' } : refused(`it says it is from ${ours}, an agent here, and is not signed`);
  }
  const { email } = reading;
  if (email.iss === deps.settings.domain || ours !== null) {
    if (email.iss === deps.settings.domain && deps.signer.hasSigned(email.jws)) return { kind: 'own' };
    return refused(`it says it is from ${ours ?? email.sub}, an agent here, and this relay did not sign it`);
  }
  const now = deps.clock.now();
  const objection = objectionTo(email, parsed, { now, maxHops: MAX_HOPS }) ?? notMeant(deps, email, targets);
  if (objection !== null) return refused(objection);
  return checkKey(deps, email);
}

async function checkKey(deps: BrokerDeps, email: SignedEmail): Promise<AgentClaim> {
  const { iss, kid, jws } = email;
  const search = await deps.keyDirectory.find(iss, kid);
  if (search.kind === 'unreachable') {
    deps.log.warn({ peer: iss, reason: search.reason }, 'keys of another relay cannot be fetched');
    const reason = `the keys of ${iss} cannot be fetched now: ${search.reason}`;
    // A stranger's relay that never answers must not keep a mailbox waiting.
    return { ...refused(reason, 451, '4.7.0'), temporary: deps.settings.peers.includes(iss) };
  }
  if (search.kind === 'absent') return refused(`it is signed with a key that ${iss} does not publish`);
  if (!isGenuine(jws, search.key)) return refused(`its signature is not one of ${iss}`);
  await deps.signer.peerKeys.keep(iss, search.key, deps.clock.now());
  return { kind: 'signed', email };
}

function refused(reason: string, code = 550, status = '5.7.1'): ClaimRefused {
  const text = `${status} Refused: ${reason}`;
  return { kind: 'refused', reason, reply: { accepted: false, code, text }, temporary: false };
}

/** The agent of this relay, living or not, that From or X-Agent-ID names. */
async function agentOfOurs(deps: BrokerDeps, { from, agentHeaders }: ParsedEmail): Promise<string | null> {
  const claimed = [...from.map(({ address }) => address), agentHeaders.id?.toLowerCase() ?? ''];
  for (const address of claimed.filter((one) => one.includes('@'))) {
    const name = localName(deps, address);
    if (name !== undefined && (await deps.stores.agents.findByName(name)) !== undefined) return address;
  }
  return null;
}
