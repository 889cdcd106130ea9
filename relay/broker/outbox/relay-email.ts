/**
 * Emails that the relay writes in its own name, to an owner or as an automatic answer: a message of type `notice` from a
 * machine, with one email. They carry no token: nobody reads an answer to them, and they say so.
 */
import { isPublicDomain } from '../../config-values.ts';
import { newId } from '../../ids.ts';
import { splitSubaddress } from '../../mail/address.ts';
import { composeNotice } from '../../mail/compose/compose-notice.ts';
import { messageIdFor } from '../../mail/message-id.ts';
import type { NewMail } from '../../store/stores.ts';
import type { Message } from '../../types.ts';
import type { BrokerDeps, BrokerSettings } from '../deps.ts';
import { newDelivery } from '../new-delivery.ts';

const NAME = 'Turnpost';
const LAST_LINE = 'This email was written by a program; nobody reads answers to it.';

interface RelayEmail {
  readonly to: string;
  readonly subject: string;
  readonly body: string;
  /** The mail it answers by itself; null where it answers none. */
  readonly answers: { readonly messageId: string; readonly references: readonly string[] } | null;
}

/** Stores it and tells the outbox. Throws `unavailable` where the store cannot take it. */
export async function sendRelayEmail(deps: BrokerDeps, wish: RelayEmail): Promise<void> {
  await deps.stores.messages.accept(await relayEmail(deps, wish));
  deps.wakeOutbox();
}

async function relayEmail(deps: BrokerDeps, wish: RelayEmail): Promise<NewMail> {
  const from = relayAddress(deps.settings);
  const message = noticeMessage(deps, wish, from);
  const delivery = newDelivery(message, { address: wish.to, agentId: null }, message.createdAt);
  const emailMessageId = messageIdFor(message.id, splitSubaddress(from).domain);
  const { subject, answers } = wish;
  const body = `${wish.body}\n\n${LAST_LINE}\n`;
  const sentAt = message.createdAt;
  const from_ = { address: from, name: NAME };
  const raw = await composeNotice({
    from: from_,
    to: wish.to,
    subject,
    body,
    messageId: emailMessageId,
    answers,
    sentAt,
  });
  const email = {
    deliveryId: delivery.id,
    envelopeFrom: returnPath(deps.settings, from),
    envelopeTo: wish.to,
    envid: delivery.id,
    raw: deps.dkim.sign(raw, from, sentAt),
  };
  return { message: { ...message, emailMessageId }, deliveries: [delivery], emails: [email] };
}

/** The domain's postmaster (RFC 5321 section 4.5.1) where it is a real one, else the first mailbox. */
function relayAddress({ domain, mailboxAddresses: [mailbox] }: BrokerSettings): string {
  return isPublicDomain(domain) || mailbox === undefined ? `postmaster@${domain}` : mailbox;
}

/** RFC 3834 section 3.3: the null path, so that no bounce comes back. A provider's server wants its account's own address. */
const returnPath = ({ mailboxAddresses }: BrokerSettings, from: string): string =>
  mailboxAddresses.includes(from) ? from : '';

function noticeMessage({ clock }: BrokerDeps, wish: RelayEmail, from: string): Message {
  const now = clock.now();
  return {
    id: newId('msg', now),
    threadId: newId('thr', now),
    from: { address: from, name: NAME, kind: 'machine' },
    senderAgentId: null,
    senderKeyId: null,
    senderSessionId: null,
    to: [wish.to],
    cc: [],
    subject: wish.subject.slice(0, 200),
    body: wish.body,
    quoted: null,
    signature: null,
    notes: [],
    type: 'notice',
    priority: 'normal',
    inReplyTo: null,
    requiresResponse: false,
    expiresAt: null,
    data: null,
    verifiedBy: 'none',
    auth: null,
    hop: 0,
    jws: null,
    emailMessageId: null,
    createdAt: now,
    attachments: [],
  };
}
