/** Nouns as they go into a store, with plain values that a test overrides where they matter. */
import { createHash } from 'node:crypto';
import { newId } from '../../relay/ids.ts';
import type { Candidate, LeaseRequest, NewMail, Receipt, Stores, Turn } from '../../relay/store/stores.ts';
import type {
  Agent,
  AttachmentContent,
  Delivery,
  Hold,
  Key,
  Message,
  OutgoingEmail,
  Suppression,
} from '../../relay/types.ts';

export const START = Date.UTC(2026, 2, 2, 9);
export const LEASE_MS = 600_000;

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export function anAgent(name: string, changes: Partial<Agent> = {}): Agent {
  return {
    id: newId('agt', START),
    name,
    displayName: null,
    description: null,
    capabilities: [],
    owner: null,
    host: null,
    program: null,
    model: null,
    createdAt: START,
    updatedAt: START,
    deletedAt: null,
    ...changes,
  };
}

export function aKey(agentId: string | null, changes: Partial<Key> = {}): Key {
  const id = newId('key', START);
  return {
    id,
    agentId,
    scope: agentId === null ? 'admin' : 'agent',
    hash: hashOf(id),
    label: null,
    createdAt: START,
    expiresAt: null,
    revokedAt: null,
    revokeReason: null,
    line: id,
    mcpAccess: false,
    ...changes,
  };
}

/** Written by a person unless `changes` says otherwise. */
export function aMessage(changes: Partial<Message> = {}): Message {
  return {
    id: newId('msg', START),
    threadId: newId('thr', START),
    from: { address: 'person@example.com', name: null, kind: 'person' },
    senderAgentId: null,
    senderKeyId: null,
    senderSessionId: null,
    to: ['reader@turnpost.localhost'],
    cc: [],
    subject: null,
    body: 'hello',
    quoted: null,
    signature: null,
    notes: [],
    type: 'message',
    priority: 'normal',
    inReplyTo: null,
    requiresResponse: false,
    expiresAt: null,
    data: null,
    verifiedBy: 'token',
    auth: null,
    hop: 0,
    jws: null,
    emailMessageId: null,
    createdAt: START,
    attachments: [],
    ...changes,
  };
}

export function aDelivery(message: Message, changes: Partial<Delivery> = {}): Delivery {
  const id = newId('dlv', START);
  return {
    id,
    messageId: message.id,
    agentId: null,
    address: `${id}@turnpost.localhost`,
    state: 'available',
    attempt: 0,
    trust: changes.agentId == null ? null : 'known',
    availableAt: START,
    preferredSessionId: null,
    leaseId: null,
    lastError: null,
    deliveredAt: null,
    evidence: null,
    finalizedAt: null,
    ...changes,
  };
}

export function aHold(delivery: Delivery, changes: Partial<Hold> = {}): Hold {
  return {
    id: newId('hld', START),
    deliveryId: delivery.id,
    kind: 'quarantine',
    reason: 'its sender is not proven',
    createdAt: START,
    decidedAt: null,
    decision: null,
    ...changes,
  };
}

export function aSuppression(address: string, changes: Partial<Suppression> = {}): Suppression {
  return {
    address,
    agentId: null,
    reason: 'bounce',
    code: '5.1.1',
    source: '550 5.1.1 no such user',
    createdAt: START,
    expiresAt: null,
    ...changes,
  };
}

export function aReceipt(scope: string, changes: Partial<Receipt> = {}): Receipt {
  return { scope, bodyHash: 'body', status: 201, sealed: Buffer.from('sealed'), createdAt: START, ...changes };
}

export function anAttachment(index: number, text: string): AttachmentContent {
  const content = Buffer.from(text);
  return {
    index,
    filename: `file-${index}.txt`,
    contentType: 'text/plain',
    size: content.length,
    sha256: hashOf(text),
    content,
  };
}

export function anEmail(delivery: Delivery): OutgoingEmail {
  return {
    deliveryId: delivery.id,
    envelopeFrom: 'agent+b1token@turnpost.localhost',
    envelopeTo: delivery.address,
    envid: `envid-${delivery.id}`,
    raw: Buffer.from(`Subject: for ${delivery.address}\r\n\r\nhello\r\n`),
  };
}

export interface Registered {
  readonly agent: Agent;
  readonly key: Key;
}

export async function register(stores: Stores, name: string, changes: Partial<Agent> = {}): Promise<Registered> {
  const agent = anAgent(name, changes);
  const key = aKey(agent.id);
  await stores.agents.register({ agent, key });
  return { agent, key };
}

interface Stored {
  readonly message: Message;
  readonly delivery: Delivery;
}

/** One message for one agent, stored. */
export async function post(
  stores: Stores,
  to: Registered,
  message: Partial<Message> = {},
  delivery: Partial<Delivery> = {},
): Promise<Stored> {
  const mail = mailFor(to, message, delivery);
  await stores.messages.accept({ message: mail.message, deliveries: [mail.delivery] });
  return mail;
}

export function mailFor(to: Registered, message: Partial<Message> = {}, delivery: Partial<Delivery> = {}): Stored {
  const said = aMessage({ to: [`${to.agent.name}@turnpost.localhost`], ...message });
  const address = `${to.agent.name}@turnpost.localhost`;
  return { message: said, delivery: aDelivery(said, { agentId: to.agent.id, address, trust: 'known', ...delivery }) };
}

/** One message by email, stored with its composed bytes. */
export async function postEmail(
  stores: Stores,
  message: Partial<Message> = {},
  delivery: Partial<Delivery> = {},
): Promise<Stored & { readonly email: OutgoingEmail }> {
  const said = aMessage(message);
  const copy = aDelivery(said, { address: 'person@example.com', ...delivery });
  const email = anEmail(copy);
  await stores.messages.accept({ message: said, deliveries: [copy], emails: [email] });
  return { message: said, delivery: copy, email };
}

/** One message for one agent that waits for a decision. */
export async function postHeld(
  stores: Stores,
  to: Registered,
  hold: Partial<Hold> = {},
  message: Partial<Message> = {},
): Promise<Stored & { readonly hold: Hold }> {
  const mail = mailFor(to, message, { state: 'held', trust: 'unknown' });
  const waits = aHold(mail.delivery, hold);
  const all: NewMail = { message: mail.message, deliveries: [mail.delivery], holds: [waits] };
  await stores.messages.accept(all);
  return { ...mail, hold: waits };
}

export const takeAll = (candidates: readonly Candidate[]) => ({
  take: candidates.map(({ delivery }) => delivery.id),
  quarantine: [],
});

/** An end of turn that takes all there is; `lease: null` hands out nothing. */
export function aTurn(
  who: Registered,
  now: number,
  { lease, ...changes }: Partial<Omit<Turn, 'lease'>> & { readonly lease?: Partial<LeaseWish> | null } = {},
): Turn {
  return {
    agentId: who.agent.id,
    sessionId: 'session-1',
    host: 'claude',
    promptId: 'prompt-1',
    now,
    evidence: [],
    confirmPath: null,
    confirmLease: null,
    release: 'none',
    newRun: false,
    endSession: false,
    lease: lease === null ? null : { ...aLease(who, now), ...lease },
    ...changes,
  };
}

export type LeaseWish = LeaseRequest & { readonly maxRun: number | null };

function aLease(who: Registered, now: number): LeaseWish {
  return {
    leaseId: newId('lse', now),
    keyId: who.key.id,
    path: 'end_of_turn',
    leaseMs: LEASE_MS,
    max: 50,
    maxBytes: 1_000_000,
    maxRun: null,
    choose: takeAll,
  };
}

export async function stateOf(stores: Stores, delivery: Pick<Delivery, 'id'>): Promise<Delivery['state'] | undefined> {
  return (await stores.deliveries.find(delivery.id))?.state;
}

export const ALL = { cursor: undefined, limit: 50 } as const;
