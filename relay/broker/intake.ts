/**
 * An email comes in (docs/flow.md): parse, who is it for, a person or a machine, who sent it really, what is new in it.
 * IMAP and SMTP both end here. On return it is on disk with the cursor; what cannot be understood is held, not lost.
 */
import { RelayError } from '../errors.ts';
import { newId } from '../ids.ts';
import { classifyEmail } from '../mail/classify.ts';
import type { EmailClass, IncomingEmail, IntakeSource, ParsedEmail } from '../mail/contracts.ts';
import { readMessageIds, readOwnMessageId } from '../mail/message-id.ts';
import { newWords } from '../mail/new-words.ts';
import { parseEmail, UnparsableEmail } from '../mail/parse-email.ts';
import type { CursorMove, Intake, NewMail, ReceivedEmail } from '../store/stores.ts';
import type { Delivery, Message } from '../types.ts';
import { MAX_HOPS } from './accept.ts';
import { findTargets, type Target } from './address-book.ts';
import { addressOf } from './agents.ts';
import type { BrokerDeps } from './deps.ts';
import { newDelivery, newHold } from './new-delivery.ts';
import { intakeOfReport } from './report-intake.ts';
import { type Sender, senderOf } from './sender.ts';
import { sha256 } from './signer.ts';

/** RFC 5321 section 6.3 wants a limit of at least 100 Received fields. */
const MAX_RECEIVED = 100;
const LONGEST_SUBJECT = 200;

/** Throws `unavailable` where the store cannot take it now: the peer keeps it and comes again. */
export async function takeEmail(deps: BrokerDeps, email: IncomingEmail): Promise<void> {
  const parsed = await parseOrExplain(email.raw);
  const intakes =
    typeof parsed === 'string' ? await quarantineIntakes(deps, email, parsed) : await readIntakes(deps, email, parsed);
  if (intakes.length === 0 && email.source.kind === 'smtp') {
    // Its recipient went between RCPT and DATA: come again, then RCPT says so for good.
    throw new RelayError('unavailable', { message: 'The recipient is no longer here.' });
  }
  const fresh = await deps.stores.messages.receive(received(deps, email.source, email.raw, email.receivedAt), intakes);
  announce(deps, email.source, fresh);
}

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
  return source.kind === 'smtp'
    ? `smtp ${source.remote} from <${source.envelopeFrom}>`
    : `imap ${source.account}/${source.folder} ${source.uidValidity}/${source.uid}`;
}

function cursorOf(source: IntakeSource): CursorMove | null {
  if (source.kind === 'smtp') return null;
  const { account, folder, uidValidity, uid } = source;
  return { account, folder, uidValidity, lastUid: uid };
}

/** Who wakes: the agents that have something to read now. */
function announce(deps: BrokerDeps, source: IntakeSource, fresh: readonly Intake[]): void {
  const deliveries = fresh.flatMap(({ mail }) => mail?.deliveries ?? []);
  deps.wake(deliveries.flatMap(({ agentId, state }) => (agentId !== null && state === 'available' ? [agentId] : [])));
  const messages = fresh.flatMap(({ mail }) => mail?.message.id ?? []);
  const held = deliveries.filter(({ state }) => state === 'held').length;
  deps.count('emails_received');
  deps.count('emails_held', held);
  deps.log.info({ source: describeSource(source), messages, held, duplicate: fresh.length === 0 }, 'email in');
}

async function readIntakes(deps: BrokerDeps, email: IncomingEmail, parsed: ParsedEmail): Promise<Intake[]> {
  const { source } = email;
  const kind = classifyEmail(parsed, {
    envelopeFrom: source.kind === 'smtp' ? source.envelopeFrom : null,
    isOwnMessageId: (id) =>
      readOwnMessageId(id) !== undefined && parsed.from.some(({ address }) => isOwnAddress(deps, address)),
  });
  const targets = await findTargets(deps, { addresses: addressesOf(source, parsed), references: referencesOf(parsed) });
  const identity = { content: `${parsed.messageId ?? sha256(email.raw)} ${parsed.bodyHash}` };
  return Promise.all(
    targets.map(async (target) => {
      const dedupeKey = sha256(`${target.agent.id} ${target.route?.id ?? ''} ${identity.content}`);
      if (kind.kind === 'own') return { dedupeKey, mail: null };
      const report = kind.kind === 'bounce' ? await intakeOfReport(deps, parsed, kind.report, target, dedupeKey) : null;
      return report ?? { dedupeKey, mail: buildMail(deps, email, parsed, kind, target) };
    }),
  );
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
  if (source.kind === 'smtp') return source.envelopeTo;
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

function buildMail(
  deps: BrokerDeps,
  email: IncomingEmail,
  parsed: ParsedEmail,
  kind: EmailClass,
  target: Target,
): NewMail {
  const sender = senderOf(deps, email.source, parsed, kind.kind, target);
  const message = buildMessage(deps, email, parsed, kind, target, sender);
  const refusal = whyHeld(parsed, kind, sender);
  const delivery = deliveryTo(deps, message, target, sender, refusal !== null, email.receivedAt);
  return {
    message,
    deliveries: [delivery],
    holds: refusal === null ? [] : [newHold(delivery, 'quarantine', refusal, email.receivedAt)],
    attachments: parsed.attachments,
  };
}

/** Null: it may go to the agent. */
function whyHeld(parsed: ParsedEmail, kind: EmailClass, sender: Sender): string | null {
  const received = parsed.headers.get('received')?.length ?? 0;
  if (parsed.agentHeaders.hops > MAX_HOPS || received > MAX_RECEIVED)
    return 'it was passed on too often and may go in circles';
  if (kind.kind !== 'person' && kind.kind !== 'auto_reply') return `it is not a person's answer: ${kind.reason}`;
  return sender.trust === 'unknown' ? sender.reason : null;
}

function deliveryTo(
  deps: BrokerDeps,
  message: Message,
  target: Target,
  sender: Sender,
  held: boolean,
  now: number,
): Delivery {
  const beginning = {
    address: addressOf(target.agent, deps.settings.domain),
    agentId: target.agent.id,
    state: held ? 'held' : 'available',
    trust: sender.trust,
    preferredSessionId: target.parent?.senderAgentId === target.agent.id ? target.parent.senderSessionId : null,
  } as const;
  return newDelivery(message, beginning, now);
}

function buildMessage(
  deps: BrokerDeps,
  email: IncomingEmail,
  parsed: ParsedEmail,
  kind: EmailClass,
  target: Target,
  sender: Sender,
): Message {
  const words = newWords(parsed.text);
  const { parent } = target;
  return {
    id: newId('msg', email.receivedAt),
    threadId: parent?.threadId ?? newId('thr', email.receivedAt),
    from: { address: sender.address, name: sender.name, kind: kind.kind === 'person' ? 'person' : 'machine' },
    senderAgentId: null,
    senderKeyId: null,
    senderSessionId: null,
    to: [addressOf(target.agent, deps.settings.domain)],
    cc: parsed.cc.map(({ address }) => address),
    subject: parsed.subject?.slice(0, LONGEST_SUBJECT) ?? null,
    ...words,
    body: withProblems(words.body, parsed.problems),
    type: kind.kind === 'person' ? (parent === null ? 'message' : 'response') : 'auto_reply',
    priority: parent?.priority ?? 'normal',
    inReplyTo: parent?.id ?? null,
    requiresResponse: false,
    expiresAt: null,
    data: null,
    verifiedBy: sender.verifiedBy,
    auth: null,
    hop: parsed.agentHeaders.hops,
    jws: null,
    emailMessageId: parsed.messageId,
    createdAt: email.receivedAt,
    attachments: parsed.attachments.map(({ content: _, ...info }) => info),
  };
}

/** Nothing is left out silently. */
function withProblems(body: string, problems: readonly string[]): string {
  if (problems.length === 0) return body;
  return `${body}\n\n[Turnpost: ${problems.join('; ')}]`.trimStart();
}

/** For each agent the envelope or the raw header names; where none can be told, it is only remembered. */
async function quarantineIntakes(
  deps: BrokerDeps,
  email: IncomingEmail,
  reason: string,
  content = sha256(email.raw),
): Promise<Intake[]> {
  const targets = await findTargets(
    deps,
    email.source.kind === 'smtp' ? { addresses: email.source.envelopeTo, references: [] } : namedInHead(email.raw),
  );
  return targets.map((target) => {
    const sender: Sender = {
      address: 'unknown@unknown.invalid',
      name: null,
      trust: 'unknown',
      verifiedBy: 'none',
      reason,
    };
    const parsed = unreadable(reason);
    const message = buildMessage(deps, email, parsed, { kind: 'receipt', reason }, target, sender);
    const delivery = deliveryTo(deps, message, target, sender, true, email.receivedAt);
    const holds = [newHold(delivery, 'quarantine', reason, email.receivedAt)];
    return {
      dedupeKey: sha256(`${target.agent.id} unreadable ${content}`),
      mail: { message, deliveries: [delivery], holds },
    };
  });
}

const HEAD_BYTES = 64 * 1024;

/** Anything like an address or a Message-ID: only used to find which agent's quarantine an unreadable mail belongs to. */
function namedInHead(raw: Buffer): { readonly addresses: readonly string[]; readonly references: readonly string[] } {
  const head = raw.subarray(0, HEAD_BYTES).toString('latin1');
  const addresses = [...new Set(head.match(/[a-z0-9.+_-]{1,64}@[a-z0-9.-]{1,253}/gi) ?? [])].slice(0, 100);
  return { addresses, references: readMessageIds(head) };
}

function unreadable(reason: string): ParsedEmail {
  return {
    from: [],
    to: [],
    cc: [],
    deliveredTo: [],
    subject: 'An email that could not be taken in',
    messageId: null,
    inReplyTo: [],
    references: [],
    sentAt: null,
    text: `An email could not be taken in: ${reason}`,
    attachments: [],
    headers: new Map(),
    agentHeaders: {
      id: null,
      task: null,
      type: null,
      priority: null,
      requiresResponse: false,
      hops: 0,
      signature: null,
    },
    bodyHash: '',
    problems: [],
  };
}
