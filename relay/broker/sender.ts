/**
 * Who sent an email really, and what that sender may do (design: trust). Decided here alone. Sender verdicts by SPF,
 * DKIM, DMARC and ARC have their place in this step; until they are there only a reply token together with the address
 * it was given to counts, and only where the settings say so.
 */
import type { Trust, VerifiedBy } from '../types.ts';
import type { Target } from './address-book.ts';
import type { BrokerDeps } from './deps.ts';
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

export function senderOf(
  deps: Pick<BrokerDeps, 'settings'>,
  { source, parsed, kind }: Pick<ReadEmail, 'source' | 'parsed' | 'kind'>,
  target: Target,
): Sender {
  const [author, ...others] = parsed.from;
  const unknown = (reason: string): Sender => ({
    address: author?.address ?? NOBODY,
    name: author?.name ?? null,
    trust: 'unknown',
    verifiedBy: 'none',
    reason,
  });
  // RFC 5322 section 3.6: exactly one author, else nobody answers for it.
  if (author === undefined) return unknown('it names no author (From)');
  if (others.length > 0) return unknown('it names more than one author (From)');
  if (target.route === null)
    return unknown(`${author.address} wrote without being asked, and nothing proves who that is`);
  if (author.address !== target.route.address) {
    return unknown(`it answers a question that was put to ${target.route.address}, but comes from ${author.address}`);
  }
  // Machines answer the envelope sender (RFC 3834 section 4), people the Reply-To.
  if (kind.kind === 'person' && target.by !== 'reply') return unknown('it was sent to the address for bounces');
  if (!deps.settings.tokenLetsIn[source.kind]) {
    return unknown(
      `its sender is not proven: mail by ${source.kind.toUpperCase()} is not let in by reply token alone (TURNPOST_INBOUND_AUTH)`,
    );
  }
  return { address: author.address, name: author.name, trust: 'known', verifiedBy: 'token', reason: '' };
}
