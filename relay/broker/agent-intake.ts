/** What an email means to each agent it is for: nothing, a report about mail of ours, or a message with its sender's trust. */
import { RelayError } from '../errors.ts';
import type { Intake } from '../store/stores.ts';
import type { Target } from './address-book.ts';
import type { BrokerDeps } from './deps.ts';
import { mailFor, type ReadEmail } from './intake-mail.ts';
import { intakeOfReport } from './report-intake.ts';
import { mayYetBeProven, type Sender, senderOf, wasAsked } from './sender.ts';
import { sha256 } from './signer.ts';
import { unsubscribe } from './unsubscribe.ts';

/** Throws `unavailable` where the DNS cannot say now who sent it, and what it says would change what becomes of the mail. */
export async function intakesForAgents(
  deps: BrokerDeps,
  email: ReadEmail,
  targets: readonly Target[],
): Promise<Intake[]> {
  const judged = await Promise.all(
    targets.map(async (target) => {
      const asked = await wasAsked(deps, email, target);
      return {
        target,
        sender: senderOf(deps, email, target, asked),
        open: mayYetBeProven(deps, email, target, asked),
      };
    }),
  );
  const isSomebodys = email.kind.kind === 'person' || email.kind.kind === 'auto_reply';
  if (isSomebodys && judged.some(({ open }) => open)) await deferUnlessTried(deps, email);
  return Promise.all(judged.map(({ target, sender }) => intakeFor(deps, email, target, sender)));
}

/** A server that sends comes again after a quarter of an hour or more, a mailbox is looked at sooner: both counts must be full. */
const TRIES = 4;
const LEAST_MS = 10 * 60_000;
const MOST_MS = 24 * 3_600_000;

async function deferUnlessTried({ stores, clock, log }: BrokerDeps, { raw, proof }: ReadEmail): Promise<void> {
  const now = clock.now();
  const { tries, firstAt } = await stores.deferrals.count(sha256(raw), now);
  const waited = now - firstAt;
  if (waited >= MOST_MS || (tries > TRIES && waited >= LEAST_MS)) return;
  log.warn({ tries, reason: proof.reason }, 'email deferred: it cannot be told now who sent it');
  throw new RelayError('unavailable', { message: 'The DNS does not tell now who sent this mail; try again later.' });
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
  if (sender.trust === 'unknown')
    return { dedupeKey: sha256(`unproven ${known}`), provenKey: known, mail, ...livesAgain(email) };
  return { dedupeKey: known, mail, ...livesAgain(email) };
}

/** A person who writes from an address, proven, can be written to there: what bounced before is forgotten. */
function livesAgain({ kind, proof, parsed }: ReadEmail): Pick<Intake, 'lifts'> {
  const [author] = parsed.from;
  return kind.kind === 'person' && proof.authorProven && author !== undefined ? { lifts: author.address } : {};
}
