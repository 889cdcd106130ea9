/**
 * Mail programs as agents: what a client that has logged in with an agent's key submits by SMTP (RFC 6409) becomes a
 * message by the same rules as over HTTP (accept.ts). Only the agent's own address may stand as sender.
 *
 * A client that did not hear our 250 submits again: the same Message-ID and content to the same recipients within 24
 * hours is one message. Must never take anything for a key that has died, also in a dialogue that began before.
 */
import { RelayError, toRelayError } from '../errors.ts';
import { canonicalAddress, readMailboxes } from '../mail/address.ts';
import type { ParsedEmail } from '../mail/contracts.ts';
import { readOwnMessageId } from '../mail/message-id.ts';
import { parseEmail, UnparsableEmail } from '../mail/parse/parse-email.ts';
import { DATA_PART } from '../mail/signature/signature-part.ts';
import type { DeskReply, Submitter } from '../mail/smtp/smtp-desk.ts';
import type { Receipt } from '../store/stores.ts';
import type { Agent } from '../types.ts';
import { type Accepted, acceptMessage, type Outgoing } from './accept.ts';
import type { BrokerDeps } from './deps.ts';
import { RECEIPT_LIVES_MS } from './housekeeping.ts';
import { authenticate, type Caller, checkStillLive } from './keys.ts';
import { localName, resolveRecipients } from './recipients.ts';
import { sha256 } from './signer.ts';

type AgentCaller = Caller & { readonly agent: Agent };

interface Submission {
  readonly raw: Buffer;
  readonly envelopeTo: readonly string[];
}

/** For the desk: undefined for a dead key, an admin's, and a name that is not that agent's. */
export async function logIn(
  deps: BrokerDeps,
  names: readonly string[],
  secret: string,
): Promise<Submitter | undefined> {
  const caller = await findCaller(deps, secret);
  if (caller === undefined || caller.agent === null) return undefined;
  const { agent, key } = caller;
  if (!names.every((name) => isNameOf(deps, agent, name))) return undefined;
  return submitterFor(deps, { key, agent });
}

async function findCaller(deps: BrokerDeps, secret: string): Promise<Caller | undefined> {
  try {
    return await authenticate(deps, secret);
  } catch (error) {
    if (error instanceof RelayError && error.code === 'unauthorized') return undefined;
    throw error;
  }
}

/** Its bare name, `name@domain`, or `mailbox+name@` of a mailbox of ours. */
const isNameOf = (deps: BrokerDeps, agent: Agent, name: string): boolean =>
  localName(deps, name.toLowerCase()) === agent.name;

const isAddressOf = (deps: BrokerDeps, agent: Agent, address: string): boolean =>
  address.includes('@') && isNameOf(deps, agent, address);

const ACCEPTED: DeskReply = { accepted: true };
const refuse = (code: number, text: string): DeskReply => ({ accepted: false, code, text });

function submitterFor(deps: BrokerDeps, caller: AgentCaller): Submitter {
  const { agent } = caller;
  const answer = async (work: () => Promise<DeskReply>): Promise<DeskReply> => {
    try {
      await checkStillLive(deps, caller);
      return await work();
    } catch (error) {
      return replyTo(deps, error);
    }
  };
  return {
    checkSender: (address) =>
      answer(async () =>
        isAddressOf(deps, agent, address)
          ? ACCEPTED
          : refuse(553, `5.7.1 You may send as ${agent.name}@${deps.settings.domain} only`),
      ),
    checkRecipient: (address) =>
      answer(async () => {
        await checkMayGet(deps, agent, address);
        return ACCEPTED;
      }),
    submit: (mail) => answer(() => submit(deps, caller, mail)),
  };
}

async function checkMayGet(deps: BrokerDeps, agent: Agent, address: string): Promise<void> {
  const [recipient] = await resolveRecipients(deps, [address]);
  if (recipient?.kind !== 'email') return;
  const suppression = await deps.stores.suppressions.find(recipient.address, agent.id, deps.clock.now());
  if (suppression !== undefined) throw new RelayError('suppressed');
}

/** The errors of the table as SMTP replies (RFC 5321 section 4.2.2, RFC 3463). */
const REPLIES: Partial<Readonly<Record<RelayError['code'], readonly [number, string]>>> = {
  recipient_unknown: [550, '5.1.1'],
  suppressed: [550, '5.1.6'],
  too_large: [552, '5.3.4'],
  unauthorized: [535, '5.7.8'],
  rate_limited: [450, '4.7.1'],
  quota_exceeded: [450, '4.7.1'],
  unavailable: [451, '4.3.0'],
  internal: [451, '4.3.0'],
  invalid_request: [550, '5.6.0'],
};

function replyTo(deps: BrokerDeps, thrown: unknown): DeskReply {
  const error = toRelayError(thrown);
  if (error.code === 'internal') deps.log.error({ tag: 'smtp', cause: error.cause }, 'could not take a submission');
  const [code, status] = REPLIES[error.code] ?? [550, '5.7.1'];
  return refuse(code, `${status} ${error.message}`);
}

async function submit(deps: BrokerDeps, caller: AgentCaller, mail: Submission): Promise<DeskReply> {
  const parsed = await parse(mail.raw);
  if (typeof parsed === 'string') return refuse(550, `5.6.0 ${parsed}`);
  const stranger = strangerIn(deps, caller.agent, parsed);
  if (stranger !== null) return refuse(550, `5.7.1 ${stranger}`);
  const scope = scopeOf(caller.agent, parsed, mail);
  const messageId = await once(scope, async () => {
    const known = await deps.stores.receipts.find(scope, deps.clock.now() - RECEIPT_LIVES_MS);
    if (known !== undefined) return known.sealed.toString();
    const wish = await wishOf(deps, caller.agent, parsed, mail.envelopeTo);
    return (await acceptMessage(deps, caller, wish, (accepted) => receiptOf(deps, scope, accepted))).message.id;
  });
  return { accepted: true, text: `Taken as ${messageId}` };
}

async function parse(raw: Buffer): Promise<ParsedEmail | string> {
  try {
    return await parseEmail(raw);
  } catch (error) {
    if (error instanceof UnparsableEmail) return `It cannot be read: ${error.message}`;
    throw error;
  }
}

/** Fields that say who sent it (RFC 5322 sections 3.6.2 and 3.6.6). */
const SENDER_FIELDS = ['sender', 'resent-from', 'resent-sender'];

/** What is wrong with who it says it is from; null where it is the agent alone. */
function strangerIn(deps: BrokerDeps, agent: Agent, { from, headers }: ParsedEmail): string | null {
  const [author, ...others] = from;
  if (author === undefined || others.length > 0) return 'From must name one author, and that the one who logged in';
  if (!isAddressOf(deps, agent, author.address)) return `From names ${author.address}, which is not yours`;
  for (const field of SENDER_FIELDS) {
    for (const value of headers.get(field) ?? []) {
      const { mailboxes, unreadable } = readMailboxes(value);
      const foreign = unreadable > 0 || mailboxes.some(({ address }) => !isAddressOf(deps, agent, address));
      if (foreign) return `${field} names somebody else`;
    }
  }
  return null;
}

/** Not by its bytes: a program that composes anew has another boundary and another Date. */
function scopeOf(agent: Agent, parsed: ParsedEmail, { raw, envelopeTo }: Submission): string {
  const what = parsed.messageId === null ? sha256(raw) : [parsed.messageId, parsed.subject, parsed.bodyHash];
  return sha256(JSON.stringify(['smtp', agent.id, what, envelopeTo.toSorted()]));
}

/** The receipt's secret half: who has the scope has submitted the mail. */
function receiptOf(deps: BrokerDeps, scope: string, { message }: Accepted): Receipt {
  return { scope, bodyHash: '', status: 250, sealed: Buffer.from(message.id), createdAt: deps.clock.now() };
}

/** What is being submitted now: the same again waits for it, and then finds its receipt. */
const inFlight = new Map<string, Promise<unknown>>();

async function once<T>(scope: string, work: () => Promise<T>): Promise<T> {
  const before = inFlight.get(scope);
  const working = (async () => {
    await before?.catch(() => undefined);
    return work();
  })();
  inFlight.set(scope, working);
  try {
    return await working;
  } finally {
    if (inFlight.get(scope) === working) inFlight.delete(scope);
  }
}

/** The envelope says who gets it, To and Cc who of them is named; the rest is Bcc. */
async function wishOf(
  deps: BrokerDeps,
  agent: Agent,
  parsed: ParsedEmail,
  envelopeTo: readonly string[],
): Promise<Outgoing> {
  const inTo = namedIn(envelopeTo, parsed.to);
  const inCc = namedIn(envelopeTo, parsed.cc).filter((address) => !inTo.includes(address));
  const { data, attachments } = splitData(parsed);
  const { type, priority, requiresResponse } = parsed.agentHeaders;
  return {
    to: inTo,
    cc: inCc,
    bcc: envelopeTo.filter((address) => !inTo.includes(address) && !inCc.includes(address)),
    subject: parsed.subject?.slice(0, LONGEST_SUBJECT),
    // Mail programs end a text with line ends of their own.
    body: parsed.text.trimEnd(),
    type: type ?? undefined,
    priority: priority ?? undefined,
    requiresResponse,
    inReplyTo: await findAnswered(deps, agent, parsed),
    data,
    attachments,
    sessionId: null,
  };
}

const LONGEST_SUBJECT = 200;

function namedIn(envelopeTo: readonly string[], field: ParsedEmail['to']): string[] {
  const named = new Set(field.map(({ address }) => canonicalAddress(address)));
  return envelopeTo.filter((address) => named.has(address));
}

/** Structured data travels as a part of that name; what is no JSON object stays a file. */
function splitData(parsed: ParsedEmail): Pick<Outgoing, 'data' | 'attachments'> {
  const part = parsed.attachments.find(({ filename }) => filename === DATA_PART);
  const data = part === undefined ? undefined : readObject(part.content);
  return { data, attachments: parsed.attachments.filter((file) => data === undefined || file !== part) };
}

function readObject(content: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(content.toString());
    // Any object that is no array may be read by name.
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The message it answers, if this agent can see it: In-Reply-To, then References from the newest on. */
async function findAnswered(deps: BrokerDeps, agent: Agent, parsed: ParsedEmail): Promise<string | undefined> {
  const { messages } = deps.stores;
  for (const reference of [...parsed.inReplyTo, ...parsed.references.toReversed()]) {
    const own = readOwnMessageId(reference);
    const id = (await messages.findByEmailMessageId([reference]))?.id ?? own;
    if (id !== undefined && (await messages.findSeen(agent.id, id)) !== undefined) return id;
  }
  return undefined;
}
