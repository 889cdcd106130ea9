/** An email that cannot be taken in becomes a hold with the reason, at each agent it seems to be for; it is never lost. */
import type { IncomingEmail, ParsedEmail, SenderProof } from '../../mail/contracts.ts';
import { readMessageIds } from '../../mail/message-id.ts';
import type { Intake } from '../../store/stores.ts';
import type { BrokerDeps } from '../deps.ts';
import { sha256 } from '../signer.ts';
import { findTargets } from './address-book.ts';
import { findInboxes, unreadableForInbox } from './inbox-intake.ts';
import { newMail, type ReadEmail } from './intake-mail.ts';
import type { Sender } from './sender.ts';

/** For each agent the envelope or the raw header names; where none can be told, it is only remembered. */
export async function quarantineIntakes(
  deps: BrokerDeps,
  email: IncomingEmail,
  reason: string,
  content = sha256(email.raw),
): Promise<Intake[]> {
  const { source } = email;
  const named = source.kind === 'imap' ? namedInHead(email.raw) : { addresses: source.envelopeTo, references: [] };
  const targets = await findTargets(deps, named);
  const inboxes = await findInboxes(deps, named.addresses);
  return [
    ...targets.map((target) => ({
      dedupeKey: sha256(`${target.agent.id} unreadable ${content}`),
      mail: newMail(deps, unread(email, reason), target, nobody(reason), reason),
    })),
    ...inboxes.map((inbox) => unreadableForInbox(email, reason, inbox, content)),
  ];
}

const nobody = (reason: string): Sender => ({
  address: 'unknown@unknown.invalid',
  name: null,
  trust: 'unknown',
  verifiedBy: 'none',
  reason,
});

const HEAD_BYTES = 64 * 1024;

/** Anything like an address or a Message-ID: only used to find which agent's quarantine an unreadable mail belongs to. */
function namedInHead(raw: Buffer): { readonly addresses: readonly string[]; readonly references: readonly string[] } {
  const head = raw.subarray(0, HEAD_BYTES).toString('latin1');
  const addresses = [...new Set(head.match(/[a-z0-9.+_-]{1,64}@[a-z0-9.-]{1,253}/gi) ?? [])].slice(0, 100);
  return { addresses, references: readMessageIds(head) };
}

const UNPROVEN: SenderProof = {
  auth: { spf: 'none', dkim: 'none', dmarc: 'none', arc: 'none' },
  oneAuthor: false,
  authorProven: false,
  signedOnly: null,
  temporary: false,
  forged: false,
  reason: 'it could not be read',
};

function unread(email: IncomingEmail, reason: string): ReadEmail {
  const text = `An email could not be taken in: ${reason}`;
  return {
    ...email,
    parsed: { ...NOTHING, text },
    proof: UNPROVEN,
    kind: { kind: 'receipt', reason },
    words: { body: text, quoted: null, signature: null, notes: [] },
  };
}

const NOTHING: ParsedEmail = {
  from: [],
  to: [],
  cc: [],
  deliveredTo: [],
  subject: 'An email that could not be taken in',
  messageId: null,
  inReplyTo: [],
  references: [],
  sentAt: null,
  text: '',
  html: null,
  attachments: [],
  encryption: null,
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
