/** What an email means to each agent it is for: nothing, a report about mail of ours, or a message with its sender's trust. */
import { RelayError } from '../../errors.ts';
import type { Intake } from '../../store/stores.ts';
import type { BrokerDeps } from '../deps.ts';
import { unsubscribe } from '../outbox/unsubscribe.ts';
import { sha256 } from '../signer.ts';
import type { Target } from './address-book.ts';
import { mailFor, type ReadEmail } from './intake-mail.ts';
import { intakeOfReport } from './report-intake.ts';
import { mayYetBeProven, type Sender, senderOf, wasAsked } from './sender.ts';

/** Throws `unavailable` where the DNS cannot say now who sent it, and what it says would change what becomes of the mail. */
export async function intakesForAgents(
  deps: BrokerDeps,
  email: ReadEmail,
  targets: readonly Target[],
): Promise<Intake[]> {
  const judged = await Promise.all(
    targets.map(async (target) => {
      const asked = await wasAsked(deps, email, target);
      const sender = senderOf(deps, email, target, asked);
      return {
        target,
        sender: (await isChangedCopy(deps, email, target)) ? notAgain(sender) : sender,
        open: mayYetBeProven(deps, email, target, asked),
      };
    }),
  );
  const isSomebodys = email.kind.kind === 'person' || email.kind.kind === 'auto_reply';
  if (isSomebodys && judged.some(({ open }) => open)) {
    const reason = email.proof.reason ?? 'the DNS did not tell who sent it';
    await deferUnlessTried(deps, email.raw, reason, 'The DNS does not tell now who sent this mail; try again later.');
  }
  return Promise.all(judged.map(({ target, sender }) => intakeFor(deps, email, target, sender)));
}

/**
 * A signature may leave open how the body is to be read (Content-Type): who has the mail can hand it in once more, with
 * words in it that were only quoted. The same mail again is known by its content, and comes to nothing anyway.
 */
async function isChangedCopy(
  { stores }: Pick<BrokerDeps, 'stores'>,
  { parsed, proof }: ReadEmail,
  { agent }: Target,
): Promise<boolean> {
  if (proof.signedOnly === null || parsed.messageId === null) return false;
  const before = await stores.messages.findByEmailMessageId([parsed.messageId]);
  if (before?.verifiedBy !== 'dmarc' || before.from.address !== parsed.from[0]?.address) return false;
  return (await stores.messages.findSeen(agent.id, before.id)) !== undefined;
}

const notAgain = (sender: Sender): Sender => ({
  ...sender,
  trust: 'unknown',
  verifiedBy: 'none',
  reason: 'a mail with its Message-ID has come before and said something else: it may be a copy that was changed',
});

/** A server that sends comes again after a quarter of an hour or more, a mailbox is looked at sooner: both counts must be full. */
const TRIES = 4;
const LEAST_MS = 10 * 60_000;
const MOST_MS = 24 * 3_600_000;

/** Throws `unavailable` with `message` until it was tried so often and for so long that another try is not worth it. */
export async function deferUnlessTried(
  { stores, clock, log }: Pick<BrokerDeps, 'stores' | 'clock' | 'log'>,
  raw: Buffer,
  reason: string,
  message: string,
): Promise<void> {
  const now = clock.now();
  const { tries, firstAt } = await stores.deferrals.count(sha256(raw), now);
  const waited = now - firstAt;
  if (waited >= MOST_MS || (tries > TRIES && waited >= LEAST_MS)) return;
  log.warn({ tries, reason }, 'email deferred: it cannot be told now who sent it');
  throw new RelayError('unavailable', { message });
}

async function intakeFor(deps: BrokerDeps, email: ReadEmail, target: Target, sender: Sender): Promise<Intake> {
  const { kind, parsed, raw } = email;
  const content = `${parsed.messageId ?? sha256(raw)} ${parsed.bodyHash}`;
  const known = sha256(`${target.agent.id} ${target.route?.id ?? ''} ${content}`);
  if (kind.kind === 'own') return { dedupeKey: known, mail: null };
  if (target.by === 'unsubscribe' && target.route !== null) {
    await unsubscribe(deps, target.route, 'email');
    return { dedupeKey: known, mail: null };
  }
  const report = await intakeOfReport(deps, parsed, kind, target, known);
  if (report !== null) return report;
  const mail = mailFor(deps, email, target, sender);
  // What is held keeps nothing out: fields that nobody signed may have been added to a copy so that it is held.
  if ((mail.holds ?? []).length > 0)
    return { dedupeKey: sha256(`unproven ${known}`), provenKey: known, mail, ...livesAgain(email) };
  return { dedupeKey: known, mail, ...livesAgain(email) };
}

/** A person who writes from an address, proven, can be written to there: what bounced before is forgotten. */
function livesAgain({ kind, proof, parsed }: ReadEmail): Pick<Intake, 'lifts'> {
  const [author] = parsed.from;
  return kind.kind === 'person' && proof.authorProven && author !== undefined ? { lifts: author.address } : {};
}
