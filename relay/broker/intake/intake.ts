/**
 * An email comes in (docs/flow.md): parse, who is it for, a person or a machine, who sent it really, what is new in it.
 * IMAP and SMTP both end here. On return it is on disk with the cursor; what cannot be understood is held, not lost.
 */
import { RelayError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import type { EmailClass, IncomingEmail, IntakeSource, ParsedEmail } from '../../mail/contracts.ts';
import { classifyEmail } from '../../mail/machines/classify.ts';
import { readOwnMessageId } from '../../mail/message-id.ts';
import { parseEmail, UnparsableEmail } from '../../mail/parse/parse-email.ts';
import type { DeskReply } from '../../mail/smtp/smtp-desk.ts';
import type { CursorMove, Intake, ReceivedEmail } from '../../store/stores.ts';
import type { BrokerDeps } from '../deps.ts';
import { sha256 } from '../signer.ts';
import { findTargets, type Target } from './address-book.ts';
import { deferUnlessTried, intakesForAgents } from './agent-intake.ts';
import { answerEncrypted } from './encrypted-mail.ts';
import { intakeForInbox, isOpen, namedInboxes } from './inbox-intake.ts';
import type { ReadEmail } from './intake-mail.ts';
import { quarantineIntakes } from './intake-quarantine.ts';
import { type ClaimRefused, readAgentClaim } from './peer-agents.ts';
import { intakeForPeer } from './peer-mail.ts';

/**
 * Refused is only what claims to be an agent's and is not, and nothing of it is kept; where nobody is there to be told
 * (IMAP, SES), it is held. Throws `unavailable` where the store cannot take it now: the peer keeps it and comes again.
 */
export async function takeEmail(deps: BrokerDeps, email: IncomingEmail): Promise<DeskReply> {
  const parsed = await parseOrExplain(email.raw);
  const means =
    typeof parsed === 'string'
      ? { kind: 'read' as const, intakes: await quarantineIntakes(deps, email, parsed), email: null }
      : await readIntakes(deps, email, parsed);
  if (means.kind === 'refused') {
    deps.log.warn({ source: describeSource(email.source), reason: means.reason }, 'email refused');
    return means.reply;
  }
  const { intakes } = means;
  if (intakes.length === 0 && email.source.kind !== 'imap') {
    // Its recipient went between RCPT and DATA: come again, then RCPT says so for good.
    throw new RelayError('unavailable', { message: 'The recipient is no longer here.' });
  }
  const fresh = await deps.stores.messages.receive(received(deps, email.source, email.raw, email.receivedAt), intakes);
  announce(deps, email.source, fresh);
  if (means.email !== null) await answerEncrypted(deps, means.email, fresh);
  return { accepted: true };
}

/** What an email means to all it is for. */
interface Means {
  readonly kind: 'read';
  readonly intakes: readonly Intake[];
  /** Null where it is no letter to an agent. */
  readonly email: ReadEmail | null;
}

const read = (intakes: readonly Intake[], email: ReadEmail | null = null): Means => ({ kind: 'read', intakes, email });

interface RefusedEmail {
  readonly source: IntakeSource;
  /** Null: not even fetched; then its header section tells whose it is. */
  readonly raw: Buffer | null;
  readonly head: Buffer;
  readonly reason: string;
}

/** A mail that cannot be taken in (too large, fails again and again): a hold with the reason; the cursor moves on. */
export async function quarantineEmail(deps: BrokerDeps, refused: RefusedEmail): Promise<void> {
  const { source, raw, reason, head } = refused;
  const now = deps.clock.now();
  const email = { source, raw: raw ?? head, receivedAt: now };
  // Two mails that were not fetched may have the same header section.
  const content = raw === null ? sha256(describeSource(source)) : undefined;
  const intakes = await quarantineIntakes(deps, email, reason, content);
  const fresh = await deps.stores.messages.receive(received(deps, source, raw, now), intakes);
  announce(deps, source, fresh);
}

async function parseOrExplain(raw: Buffer): Promise<ParsedEmail | string> {
  try {
    return await parseEmail(raw);
  } catch (error) {
    if (error instanceof UnparsableEmail) return `it cannot be read: ${error.message}`;
    throw error;
  }
}

function received(deps: BrokerDeps, source: IntakeSource, raw: Buffer | null, receivedAt: number): ReceivedEmail {
  return {
    id: newId('eml', deps.clock.now()),
    source: describeSource(source),
    raw,
    receivedAt,
    cursor: cursorOf(source),
  };
}

function describeSource(source: IntakeSource): string {
  switch (source.kind) {
    case 'smtp':
      return `smtp ${source.remote} from <${source.envelopeFrom}>`;
    case 'imap':
      return `imap ${source.account}/${source.folder} ${source.uidValidity}/${source.uid}`;
    case 'http':
      return `http ${source.service} from <${source.envelopeFrom}>`;
  }
}

function cursorOf(source: IntakeSource): CursorMove | null {
  if (source.kind !== 'imap') return null;
  const { account, folder, uidValidity, uid } = source;
  return { account, folder, uidValidity, lastUid: uid };
}

/** Who wakes: the agents that have something to read now. */
function announce(deps: BrokerDeps, source: IntakeSource, fresh: readonly Intake[]): void {
  const deliveries = fresh.flatMap(({ mail }) => mail?.deliveries ?? []);
  deps.wake(fresh.flatMap(({ inboxMail }) => inboxMail?.mail.inboxId ?? []));
  deps.wake(deliveries.flatMap(({ agentId, state }) => (agentId !== null && state === 'available' ? [agentId] : [])));
  const messages = fresh.flatMap(({ mail }) => mail?.message.id ?? []);
  const held = deliveries.filter(({ state }) => state === 'held').length;
  deps.count('emails_received');
  deps.count('emails_held', held);
  deps.log.info({ source: describeSource(source), messages, held, duplicate: fresh.length === 0 }, 'email in');
}

async function readIntakes(
  deps: BrokerDeps,
  incoming: IncomingEmail,
  parsed: ParsedEmail,
): Promise<Means | ClaimRefused> {
  const { source } = incoming;
  const addresses = addressesOf(source, parsed);
  const named = await namedInboxes(deps, addresses);
  const inboxes = named.filter(isOpen);
  const targets = await agentsMeant(deps, parsed, addresses, named.length > 0);
  if (targets.length === 0 && inboxes.length === 0) return read([]);
  const claim = await readAgentClaim(deps, parsed, targets);
  if (claim.kind === 'refused') {
    if (canRefuse(source)) return claim;
    if (claim.temporary) await deferUnlessTried(deps, incoming.raw, claim.reason, 'Keys cannot be fetched now.');
    return read(await quarantineIntakes(deps, incoming, claim.reason));
  }
  const proof = await deps.authenticator.authenticate(incoming, parsed);
  const forInboxes = inboxes.map((inbox) => intakeForInbox(incoming, parsed, proof, inbox));
  if (targets.length === 0) return read(forInboxes);
  if (claim.kind === 'signed') {
    const email = { ...incoming, parsed, proof, signed: claim.email };
    const forAgents = await Promise.all(targets.map((target) => intakeForPeer(deps, email, target)));
    return read([...forAgents, ...forInboxes]);
  }
  const email: ReadEmail = {
    ...incoming,
    parsed,
    kind: claim.kind === 'own' ? SIGNED_HERE : classify(deps, source, parsed),
    proof,
    words: await deps.extractor.extract({ ...parsed, ours: written(targets) }),
  };
  const forAgents = await intakesForAgents(deps, email, targets);
  return read([...forAgents, ...forInboxes], email);
}

/** What stands in the mails that this one answers. */
const written = (targets: readonly Target[]): string =>
  [...new Set(targets.flatMap(({ parent }) => parent?.body ?? []))].join('\n').slice(0, MOST_COMPARED);

const MOST_COMPARED = 64 * 1024;

/** Is somebody there who tells the sender? A mailbox, and SES, have taken the mail already. */
const canRefuse = (source: IntakeSource): boolean =>
  source.kind === 'smtp' || (source.kind === 'http' && source.service !== 'ses');

/** What was sent to a disposable inbox alone reaches no agent, whatever it refers to. */
async function agentsMeant(
  deps: BrokerDeps,
  parsed: ParsedEmail,
  addresses: readonly string[],
  hasInbox: boolean,
): Promise<Target[]> {
  if (hasInbox && (await findTargets(deps, { addresses, references: [] })).length === 0) return [];
  return findTargets(deps, { addresses, references: referencesOf(parsed) });
}

const SIGNED_HERE: EmailClass = { kind: 'own', reason: 'this relay signed it' };

function classify(deps: BrokerDeps, source: IntakeSource, parsed: ParsedEmail): EmailClass {
  return classifyEmail(parsed, {
    envelopeFrom: source.kind === 'imap' ? null : source.envelopeFrom,
    isOwnMessageId: (id) =>
      readOwnMessageId(id) !== undefined && parsed.from.some(({ address }) => isOwnAddress(deps, address)),
  });
}

const isOwnAddress = ({ settings }: BrokerDeps, address: string): boolean =>
  address.endsWith(`@${settings.domain}`) || settings.mailboxAddresses.some((mailbox) => isTagged(address, mailbox));

/** `local+anything@domain` of a mailbox of ours. */
function isTagged(address: string, mailbox: string): boolean {
  const at = mailbox.lastIndexOf('@');
  return address.startsWith(`${mailbox.slice(0, at)}+`) && address.endsWith(mailbox.slice(at));
}

/** SMTP knows for certain; over IMAP the local trace headers come before what the author wrote. */
function addressesOf(source: IntakeSource, parsed: ParsedEmail): readonly string[] {
  if (source.kind !== 'imap') return source.envelopeTo;
  return [
    ...parsed.deliveredTo,
    ...parsed.to.map(({ address }) => address),
    ...parsed.cc.map(({ address }) => address),
  ];
}

/** In-Reply-To first, then References from the newest on (RFC 5322 section 3.6.4). */
const referencesOf = (parsed: ParsedEmail): readonly string[] => [
  ...parsed.inReplyTo,
  ...parsed.references.toReversed(),
];
