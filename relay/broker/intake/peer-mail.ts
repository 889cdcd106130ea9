/**
 * A message of another relay's agent, for each agent of ours it is for: the body is the signed bytes, never the mail's
 * text. It goes on only from relays that the settings name (TURNPOST_PEERS); of others it waits for a person.
 */
import { newId } from '../../ids.ts';
import { withTag } from '../../mail/address.ts';
import type { IncomingEmail, ParsedEmail, SenderProof } from '../../mail/contracts.ts';
import type { SignedEmail } from '../../mail/signature/agent-signature.ts';
import type { Intake, NewMail } from '../../store/stores.ts';
import type { Hold, Message, Trust } from '../../types.ts';
import { addressOf } from '../agents.ts';
import type { BrokerDeps } from '../deps.ts';
import { newDelivery, newHold } from '../new-delivery.ts';
import { sha256 } from '../signer.ts';
import { OVER_BUDGET, threadBudget } from '../thread-budget.ts';
import type { Target } from './address-book.ts';

export interface PeerEmail extends IncomingEmail {
  readonly parsed: ParsedEmail;
  readonly proof: SenderProof;
  readonly signed: SignedEmail;
}

/** The first of the agents that the signature does not name: it was led astray. Null: all are named. */
export function notMeant(deps: BrokerDeps, { aud }: SignedEmail, targets: readonly Target[]): string | null {
  const stranger = targets.find(({ agent }) => {
    const { domain, mailboxAddresses } = deps.settings;
    const addresses = [addressOf(agent, domain), ...mailboxAddresses.map((mailbox) => withTag(mailbox, agent.name))];
    return !addresses.some((address) => aud.includes(address));
  });
  return stranger === undefined ? null : `it was not signed for ${addressOf(stranger.agent, deps.settings.domain)}`;
}

export async function intakeForPeer(deps: BrokerDeps, email: PeerEmail, target: Target): Promise<Intake> {
  const { iss, jti } = email.signed;
  // The same claims may be sent once, whatever else the mail holds.
  const dedupeKey = sha256(JSON.stringify(['peer', target.agent.id, iss, jti]));
  const message = buildMessage(deps, email, target, await findParent(deps, email, target));
  return { dedupeKey, mail: await addressed(deps, email, target, message) };
}

async function addressed(deps: BrokerDeps, email: PeerEmail, target: Target, message: Message): Promise<NewMail> {
  const { peers } = deps.settings;
  const { iss } = email.signed;
  const isPeer = peers.includes('*') || peers.includes(iss);
  const trust: Trust = isPeer ? 'peer' : 'unknown';
  const { spent } = await threadBudget(deps, message.threadId, email.receivedAt);
  const { parent } = target;
  const delivery = newDelivery(
    message,
    {
      address: addressOf(target.agent, deps.settings.domain),
      agentId: target.agent.id,
      state: isPeer && !spent ? 'available' : 'held',
      trust,
      preferredSessionId: parent?.senderAgentId === target.agent.id ? parent.senderSessionId : null,
    },
    message.createdAt,
  );
  const holds: Hold[] = [];
  if (!isPeer) holds.push(newHold(delivery, 'quarantine', howToAccept(email.signed), message.createdAt));
  else if (spent) holds.push(newHold(delivery, 'approval', OVER_BUDGET, message.createdAt));
  return { message, deliveries: [delivery], holds, attachments: email.signed.files };
}

const howToAccept = ({ sub, iss }: SignedEmail): string =>
  `${sub} is an agent of another relay: its signature holds, and TURNPOST_PEERS does not name ${iss}. Accept it to let this message in; add ${iss} there to let in all of its agents`;

/** What it answers: a message of the agent's own, or an earlier one of the other agent that this one can see. */
async function findParent(deps: BrokerDeps, { parsed }: PeerEmail, { agent, parent }: Target): Promise<Message | null> {
  if (parent !== null) return parent;
  const { messages } = deps.stores;
  for (const reference of [...parsed.inReplyTo, ...parsed.references.toReversed()]) {
    const found = await messages.findByEmailMessageId([reference]);
    if (found !== undefined && (await messages.findSeen(agent.id, found.id)) !== undefined) return found;
  }
  return null;
}

function buildMessage(deps: BrokerDeps, email: PeerEmail, target: Target, parent: Message | null): Message {
  const { signed, parsed, proof, receivedAt } = email;
  return {
    id: newId('msg', receivedAt),
    threadId: parent?.threadId ?? newId('thr', receivedAt),
    from: { address: signed.sub, name: null, kind: 'agent' },
    senderAgentId: null,
    senderKeyId: null,
    senderSessionId: null,
    to: [addressOf(target.agent, deps.settings.domain)],
    cc: signed.aud.filter((address) => address !== addressOf(target.agent, deps.settings.domain)),
    subject: signed.subject,
    body: signed.body,
    quoted: null,
    signature: null,
    notes: [...signed.notes, ...parsed.problems],
    type: signed.type ?? (parent === null ? 'message' : 'response'),
    priority: signed.priority,
    inReplyTo: parent?.id ?? null,
    requiresResponse: signed.requiresResponse,
    expiresAt: signed.expiresAt,
    data: signed.data,
    verifiedBy: 'signature',
    auth: proof.auth,
    // One relay more that it was passed on by.
    hop: signed.hop + 1,
    jws: signed.jws,
    emailMessageId: parsed.messageId,
    createdAt: receivedAt,
    attachments: signed.files.map(({ content: _, ...info }) => info),
  };
}
