/**
 * Who sent an email, and what that sender may do (design: trust). Decided here alone, as a list of cases: the first that
 * fits is the answer, and each refusal is a sentence for the person who decides about the hold.
 *
 * Who somebody is comes from DMARC, or, where the settings say so, from a reply token together with the address it was
 * given to; never from Reply-To, Sender, a name or anything else that the mail says of itself.
 */
import { findTokens } from '../../mail/reply-token.ts';
import type { Trust, VerifiedBy } from '../../types.ts';
import type { BrokerDeps } from '../deps.ts';
import { localName } from '../recipients.ts';
import type { Target } from './address-book.ts';
import type { ReadEmail } from './intake-mail.ts';

export interface Sender {
  readonly address: string;
  readonly name: string | null;
  readonly trust: Trust;
  readonly verifiedBy: VerifiedBy;
  /** Why not more: a sentence for the person who decides about the hold. */
  readonly reason: string;
}

const NOBODY = 'unknown@unknown.invalid';

type SentEmail = Pick<ReadEmail, 'source' | 'parsed' | 'kind' | 'proof'>;

/** `asked`: the agent wrote to this author in the thread that the mail answers (`wasAsked`). */
export function senderOf(
  { settings }: Pick<BrokerDeps, 'settings'>,
  email: SentEmail,
  target: Target,
  asked: boolean,
): Sender {
  const { proof, source } = email;
  const [author, ...others] = email.parsed.from;
  const say = (trust: Trust, verifiedBy: VerifiedBy, reason = ''): Sender => ({
    address: author?.address ?? NOBODY,
    name: author?.name ?? null,
    trust,
    verifiedBy,
    reason,
  });
  const unknown = (reason: string): Sender => say('unknown', 'none', reason);
  // RFC 5322 section 3.6: exactly one author, else nobody answers for it.
  if (author === undefined) return unknown('it names no author (From)');
  if (others.length > 0) return unknown('it names more than one author (From)');
  if (!proof.oneAuthor) return unknown(`its sender is not proven: ${proof.reason}`);

  const isOwner = author.address === (target.agent.owner ?? settings.owner);
  const fromJunk = source.kind === 'imap' && source.junk === true;
  if (proof.authorProven) {
    if (!isAddressedTo(settings, email, target)) {
      return unknown(
        'its signature is sound, but it is not addressed to this agent: somebody may have handed in a copy',
      );
    }
    // An out-of-office of the owner is no order; and what was sorted out as junk says less than it could.
    if (isOwner && email.kind.kind === 'person' && !fromJunk) return say('owner', 'dmarc');
    if (asked) return say('known', 'dmarc');
    if (isOwner && fromJunk) return unknown('it lay in the Junk folder, and answers nothing');
    return unknown(notAsked(author.address, target));
  }
  // The domain's owner says that this is not from there: a token, which travels with the mail, does not outweigh it.
  if (proof.forged) return unknown(`its sender is not proven: ${proof.reason}`);
  if (target.route === null) {
    return unknown(`${author.address} wrote without being asked, and ${proof.reason ?? 'nothing proves who that is'}`);
  }
  if (author.address !== target.route.address) return unknown(notAsked(author.address, target));
  // Machines answer the envelope sender (RFC 3834 section 4), people the Reply-To.
  if (email.kind.kind === 'person' && target.by !== 'reply') return unknown('it was sent to the address for bounces');
  if (fromJunk) return unknown('it lay in the Junk folder, and its sender is not proven');
  if (!settings.tokenLetsIn[source.kind]) {
    return unknown(
      `its sender is not proven (${proof.reason}): mail by ${source.kind.toUpperCase()} is not let in by reply token alone (TURNPOST_INBOUND_AUTH)`,
    );
  }
  return say('known', 'token');
}

/**
 * Does the mail itself name the agent, the token or the message it answers? A signed mail that does not may be one that
 * was written to somebody else (RFC 6376 section 8.6, replay).
 */
function isAddressedTo(settings: BrokerDeps['settings'], { parsed, proof }: SentEmail, target: Target): boolean {
  if (proof.signedOnly === null) return true;
  const { open, toUnsigned } = proof.signedOnly;
  const { agent, route, parent } = target;
  const written = [...(open.includes('to') ? [] : parsed.to), ...(open.includes('cc') ? [] : parsed.cc)];
  const addresses = written.map(({ address }) => address);
  const references = [
    ...(open.includes('in-reply-to') ? [] : parsed.inReplyTo),
    ...(open.includes('references') ? [] : parsed.references),
  ];
  return (
    // An address anyone can write; a token or our Message-ID only who was sent one.
    (!toUnsigned && addresses.some((address) => localName({ settings }, address) === agent.name)) ||
    findTokens(addresses).some(({ id }) => id === route?.id) ||
    (parent?.emailMessageId != null && references.includes(parent.emailMessageId))
  );
}

function notAsked(author: string, { route, parent }: Target): string {
  if (route !== null) return `it answers a question that was put to ${route.address}, but comes from ${author}`;
  if (parent !== null) return `${author} answers in a thread in which nobody wrote to that address`;
  return `${author} wrote without being asked`;
}

/** Could it be another one's mail if the DNS had answered? Then it is worth another try before it is held. */
export function mayYetBeProven(
  deps: Pick<BrokerDeps, 'settings'>,
  email: SentEmail,
  target: Target,
  asked: boolean,
): boolean {
  if (!email.proof.temporary || senderOf(deps, email, target, asked).trust !== 'unknown') return false;
  const proven = { ...email, proof: { ...email.proof, authorProven: true } };
  return senderOf(deps, proven, target, asked).trust !== 'unknown';
}

/** Did the agent write to this author in the thread the mail is in: by the token's own address, or by another email there? */
export async function wasAsked(
  { stores }: Pick<BrokerDeps, 'stores'>,
  { parsed }: Pick<ReadEmail, 'parsed'>,
  { agent, route, parent }: Target,
): Promise<boolean> {
  const [author] = parsed.from;
  const threadId = route?.threadId ?? parent?.threadId;
  if (author === undefined || threadId === undefined) return false;
  if (author.address === route?.address) return true;
  return stores.messages.hasWrittenTo({ agentId: agent.id, threadId, address: author.address });
}
