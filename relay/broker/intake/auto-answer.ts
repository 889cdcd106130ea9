/**
 * Answers that the relay gives by itself (RFC 3834): at most one for an address and day, to the envelope sender, never to
 * a machine, a list or the null path, and never to an address that nothing shows to be the real one: a forged sender
 * would get what they never asked for.
 */
import { canonicalAddress } from '../../mail/address.ts';
import { answerSubject } from '../../mail/compose/thread-fields.ts';
import type { ParsedEmail } from '../../mail/contracts.ts';
import type { BrokerDeps } from '../deps.ts';
import { sendRelayEmail } from '../outbox/relay-email.ts';
import { localName } from '../recipients.ts';
import type { ReadEmail } from './intake-mail.ts';

type Answerable = Pick<ReadEmail, 'source' | 'parsed' | 'kind' | 'proof'>;

/** The day in UTC, `2026-03-02`. */
export const dayOf = (now: number): string => new Date(now).toISOString().slice(0, 10);

/** Sends `text` as an answer, if one may be given. False where none may. Throws `unavailable` where it cannot be stored. */
export async function autoAnswer(deps: BrokerDeps, email: Answerable, text: string): Promise<boolean> {
  const to = answerAddress(deps, email);
  if (typeof to !== 'object') {
    deps.log.info({ reason: to }, 'no automatic answer');
    return false;
  }
  const now = deps.clock.now();
  if ((await deps.stores.suppressions.find(to.address, null, now)) !== undefined) return false;
  if (!(await deps.stores.autoAnswers.claim(to.address, dayOf(now)))) return false;
  const { messageId, references, subject } = email.parsed;
  await sendRelayEmail(deps, {
    to: to.address,
    // RFC 3834 section 3.1.5.
    subject: subject === null ? 'Automatic answer' : `Auto: ${answerSubject(subject)}`.slice(0, 200),
    body: text,
    answers: messageId === null ? null : { messageId, references },
  });
  return true;
}

/** Fields by which a mail says that it came through a list (RFC 2919, RFC 2369), also where a person wrote it. */
const LIST_FIELDS = ['list-id', 'list-post', 'list-unsubscribe', 'mailing-list', 'precedence'] as const;
/** RFC 3834 section 2: these are no people. */
const NO_PERSON =
  /^(?:mailer-daemon|postmaster|owner-|bounces?[-+=@]|(?:no|do-?not)[-_.]?reply|listserv|majordomo|.{1,64}-(?:request|owner|bounces?|confirm)[-+=@])/;

/** Where the answer goes, or in a word why none may be given. */
export function answerAddress(deps: BrokerDeps, email: Answerable): { readonly address: string } | string {
  const { parsed, kind, proof, source } = email;
  if (kind.kind !== 'person') return kind.kind;
  if (parsed.agentHeaders.hops > 0 || parsed.agentHeaders.id !== null) return 'an agent wrote it';
  const field = LIST_FIELDS.find((name) => parsed.headers.has(name));
  if (field !== undefined) return `it has a field ${field}`;
  // [MS-OXCMAIL] section 2.2.3.2.14.
  const unwanted = parsed.headers
    .get('x-auto-response-suppress')
    ?.some((value) => /\b(?:all|autoreply)\b/i.test(value));
  if (unwanted === true) return 'it asks for no automatic answers';
  const address = envelopeSender(email);
  if (address === undefined) return 'it has no envelope sender';
  if (NO_PERSON.test(address)) return `${address} is no person`;
  if (isOurs(deps, address)) return 'it is from one of ours';
  // The path is shown by SPF, or is the author that DMARC shows; a relay for one machine has neither.
  const isAuthor = proof.authorProven && parsed.from[0]?.address === address;
  const shown = isAuthor || proof.auth.spf === 'pass' || deps.settings.tokenLetsIn[source.kind];
  return shown && !proof.forged ? { address } : 'nothing shows who sent it';
}

/** RFC 3834 section 4: never to From or Reply-To. Over IMAP the final server has written it down (RFC 5321 section 4.4). */
function envelopeSender({ source, parsed }: { source: Answerable['source']; parsed: ParsedEmail }): string | undefined {
  const path = source.kind === 'imap' ? parsed.headers.get('return-path')?.[0] : source.envelopeFrom;
  return path === undefined ? undefined : canonicalAddress(path.trim().replace(/^<(.*)>$/, '$1'));
}

/** An agent's or a mailbox's own address; other people may have theirs at the mailbox's provider. */
const isOurs = (deps: BrokerDeps, address: string): boolean =>
  deps.settings.mailboxAddresses.includes(address) || localName(deps, address) !== undefined;
