/**
 * Emails for disposable inboxes. Machines are welcome here: a sign-up's mail is automatic, so nothing is asked but whether
 * the inbox is alive and has room. The mail is kept for tools to read; nothing of it ever reaches a session by itself.
 */
import type { CountedInbox, InboxMail } from '../../disposable-inbox.ts';
import { newId } from '../../ids.ts';
import { canonicalAddress } from '../../mail/address.ts';
import type { IncomingEmail, ParsedEmail, SenderProof } from '../../mail/contracts.ts';
import type { Intake } from '../../store/stores.ts';
import type { BrokerDeps } from '../deps.ts';
import { localName } from '../recipients.ts';
import { sha256 } from '../signer.ts';

export type InboxRecipient =
  | { readonly kind: 'none' }
  | { readonly kind: 'full' | 'open'; readonly inbox: CountedInbox };

/** For the SMTP dialogue: is this the address of an inbox that takes mail now? */
export async function inboxRecipient(deps: BrokerDeps, address: string): Promise<InboxRecipient> {
  const canonical = canonicalAddress(address);
  const name = canonical === undefined ? undefined : localName(deps, canonical);
  const inbox = name === undefined ? undefined : await deps.stores.inboxes.findLiveByName(name, deps.clock.now());
  if (inbox === undefined) return { kind: 'none' };
  return { kind: isOpen(inbox) ? 'open' : 'full', inbox };
}

/** The inboxes an email is for, each once, that take it. A full one is passed over: its mailbox keeps the mail. */
export async function findInboxes(deps: BrokerDeps, addresses: readonly string[]): Promise<CountedInbox[]> {
  return (await namedInboxes(deps, addresses)).filter(isOpen);
}

/** With those that are full. */
export async function namedInboxes(deps: BrokerDeps, addresses: readonly string[]): Promise<CountedInbox[]> {
  const found = await Promise.all(addresses.map((address) => inboxRecipient(deps, address)));
  const alive = found.flatMap((one) => (one.kind === 'none' ? [] : [one.inbox]));
  return [...new Map(alive.map((inbox) => [inbox.id, inbox])).values()];
}

export const isOpen = ({ messageCount, maxMessages }: CountedInbox): boolean => messageCount < maxMessages;

export function intakeForInbox(
  email: IncomingEmail,
  parsed: ParsedEmail,
  proof: SenderProof,
  inbox: CountedInbox,
): Intake {
  const [author] = parsed.from;
  const mail = {
    ...emptyMail(email, inbox),
    from: author === undefined ? null : { address: author.address, name: author.name },
    to: parsed.to.map(({ address }) => address),
    subject: parsed.subject,
    text: parsed.text,
    html: parsed.html,
    notes: [...(parsed.from.length > 1 ? ['it names more than one author (From)'] : []), ...parsed.problems],
    auth: proof.auth,
    authorProven: proof.authorProven,
    attachments: parsed.attachments.map(({ content: _, ...info }) => info),
  };
  const content = `${parsed.messageId ?? sha256(email.raw)} ${parsed.bodyHash}`;
  return intake(mail, content, parsed.attachments);
}

/** What cannot be taken apart is in the inbox all the same, and says why. */
export function unreadableForInbox(email: IncomingEmail, reason: string, inbox: CountedInbox, content: string): Intake {
  const notes = [`the email could not be taken in: ${reason}`];
  return intake({ ...emptyMail(email, inbox), notes }, `unreadable ${content}`, []);
}

const intake = (mail: InboxMail, content: string, attachments: ParsedEmail['attachments']): Intake => ({
  dedupeKey: sha256(`${mail.inboxId} ${content}`),
  mail: null,
  inboxMail: { mail, attachments },
});

const emptyMail = ({ raw, receivedAt }: IncomingEmail, inbox: CountedInbox): InboxMail => ({
  id: newId('eml', receivedAt),
  inboxId: inbox.id,
  inboxAddress: inbox.address,
  from: null,
  to: [inbox.address],
  subject: null,
  text: '',
  html: null,
  notes: [],
  auth: null,
  authorProven: false,
  size: raw.length,
  receivedAt,
  readAt: null,
  attachments: [],
});
