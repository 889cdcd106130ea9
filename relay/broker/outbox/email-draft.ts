/** What goes into the email of a message to one person: addresses with their tokens, thread, files or links to them. */
import { isPublicDomain } from '../../config-values.ts';
import { splitSubaddress, withTag } from '../../mail/address.ts';
import type { EmailDraft } from '../../mail/contracts.ts';
import { mintToken, placeToken } from '../../mail/reply-token.ts';
import type { Agent, AttachmentContent, Message, ReplyRoute } from '../../types.ts';
import { addressOf, ownerOf } from '../agents.ts';
import type { BrokerDeps, BrokerSettings } from '../deps.ts';
import { FILE_LINK_LIVES_MS, fileToken } from './file-links.ts';
import type { Threading } from './threading.ts';

/** One person's email, before it is bytes. */
export interface OneEmail {
  readonly agent: Agent;
  readonly message: Message;
  readonly from: string;
  readonly route: ReplyRoute;
  readonly emailMessageId: string;
  readonly threading: Threading;
}

export type Files = readonly AttachmentContent[] | 'as links';

export function draftEmail(deps: BrokerDeps, email: OneEmail, files: Files): EmailDraft {
  const { agent, message, from, emailMessageId, threading, route } = email;
  const name = agent.displayName ?? agent.name;
  const tokens = placeTokens(deps, from, route);
  return {
    from: { address: from, name },
    replyTo: { address: tokens.replyTo, name },
    to: message.to,
    cc: message.cc,
    subject: threading.subject,
    topic: threading.topic,
    body: message.body,
    messageId: emailMessageId,
    inReplyTo: threading.inReplyTo,
    references: threading.references,
    sentAt: message.createdAt,
    isAnswer: message.inReplyTo !== null,
    agent: agentPart(deps, agent, message),
    data: message.data,
    attachments: files === 'as links' ? [] : files,
    linked: files === 'as links' ? linksOf(deps, message) : null,
    unsubscribe: unsubscribeOf(deps, email, tokens.stop),
  };
}

function agentPart({ settings }: BrokerDeps, agent: Agent, message: Message): EmailDraft['agent'] {
  return {
    address: addressOf(agent, settings.domain),
    threadId: message.threadId,
    type: message.type,
    priority: message.priority,
    requiresResponse: message.requiresResponse,
    // Going out by email is one more hop; what comes back to it carries that count.
    hop: message.hop + 1,
    jws: message.jws ?? '',
  };
}

const publicLink = ({ settings }: BrokerDeps, path: string): string =>
  `${(settings.outbound.publicUrl ?? '').replace(/\/$/, '')}${path}`;

function linksOf(deps: BrokerDeps, { id, createdAt, attachments }: Message): EmailDraft['linked'] {
  const until = createdAt + FILE_LINK_LIVES_MS;
  const files = attachments.map(({ index, filename, size }) => ({
    filename,
    size,
    url: publicLink(deps, `/f/${fileToken(deps.tokenSecret, { messageId: id, index, until })}`),
  }));
  return { files, until };
}

/** RFC 8058: for the first mail to somebody who did not ask for it, where the page can be had by https. */
function unsubscribeOf(
  deps: BrokerDeps,
  { agent, threading, route }: OneEmail,
  stop: { readonly token: string; readonly address: string },
): EmailDraft['unsubscribe'] {
  const asked = threading.inReplyTo !== null || route.address === ownerOf(deps, agent);
  if (asked || !deps.settings.outbound.publicUrl?.startsWith('https://')) return null;
  return { url: publicLink(deps, `/u/${stop.token}`), address: stop.address };
}

/** The agent's own address where the relay's domain is real, else the first mailbox's with +name. */
export function senderAddress({ domain, mailboxAddresses }: BrokerSettings, agent: Agent): string {
  const [mailbox] = mailboxAddresses;
  return isPublicDomain(domain) || mailbox === undefined ? addressOf(agent, domain) : withTag(mailbox, agent.name);
}

export function placeTokens(deps: BrokerDeps, from: string, route: ReplyRoute) {
  const { id, agentId, threadId, address } = route;
  const mint = (purpose: 'reply' | 'bounce' | 'unsubscribe'): string =>
    mintToken(deps.tokenSecret, { purpose, id, agentId, threadId, address });
  const [reply, bounce, stop] = [mint('reply'), mint('bounce'), mint('unsubscribe')];
  return {
    replyTo: carry(deps, from, reply),
    envelopeFrom: carry(deps, from, bounce),
    envid: bounce,
    stop: { token: stop, address: carry(deps, from, stop) },
  };
}

/** With the agent's name beside the token where there is room, else without it. The settings see to the room for that. */
function carry({ settings }: BrokerDeps, from: string, token: string): string {
  const { local, domain } = splitSubaddress(from);
  const ownDomain = domain === settings.domain;
  const placed = placeToken(from, token, ownDomain) ?? placeToken(`${local}@${domain}`, token, ownDomain);
  if (placed === undefined) throw new TypeError(`no room for a token in ${from}`);
  return placed;
}
