/** Where an email stands in its thread: what it answers, what came before, and the subject that keeps programs together. */

import { answerSubject, baseSubject, type ThreadFields, threadFields } from '../../mail/compose/thread-fields.ts';
import { readMessageIds } from '../../mail/message-id.ts';
import { readHeaderLines, splitHeaderSection } from '../../mail/parse/email-headers.ts';
import type { Message } from '../../types.ts';
import type { BrokerDeps } from '../deps.ts';

export interface Threading extends ThreadFields {
  readonly subject: string;
  /** The subject without "Re:". */
  readonly topic: string;
}

/** `own`: the Message-ID it goes out with; when it is composed again, what came after it is no part of its past. */
export async function threadingOf(deps: BrokerDeps, message: Message, own: string): Promise<Threading> {
  const { messages } = deps.stores;
  const ids = await messages.emailMessageIds(message.threadId);
  const earlier = ids.includes(own) ? ids.slice(0, ids.indexOf(own)) : ids;
  const parent = message.inReplyTo === null ? undefined : await messages.find(message.inReplyTo);
  const fields = threadFields({
    parentId: parent?.emailMessageId ?? null,
    parentReferences: parent === undefined ? [] : await referencesOf(deps, parent),
    earlier,
  });
  const subject = message.subject ?? (await subjectOf(deps, message, fields));
  return { ...fields, subject, topic: baseSubject(subject) };
}

/** Of the email as it came; a message of ours has none, and its chain is known. */
async function referencesOf({ stores }: BrokerDeps, parent: Message): Promise<readonly string[]> {
  const head = parent.senderAgentId === null ? await stores.messages.emailHead(parent.id) : undefined;
  if (head === undefined) return [];
  const end = head.indexOf('\r\n\r\n');
  const lines = splitHeaderSection(end < 0 ? head : head.subarray(0, end));
  const fields = readHeaderLines(lines, { decode: false });
  const idsIn = (name: string): readonly string[] => readMessageIds((fields.get(name) ?? []).join(' '));
  const [references, inReplyTo] = [idsIn('references'), idsIn('in-reply-to')];
  // RFC 5322 section 3.6.4: without References, a single In-Reply-To is the chain.
  return references.length === 0 && inReplyTo.length === 1 ? inReplyTo : references;
}

/** A message that has no subject goes on under the thread's, else under its first words. */
async function subjectOf({ stores }: BrokerDeps, message: Message, { inReplyTo }: ThreadFields): Promise<string> {
  const thread =
    inReplyTo === null || message.senderAgentId === null
      ? []
      : await stores.messages.thread(message.senderAgentId, message.threadId);
  const begun = thread.find((seen) => seen.message.subject !== null)?.message.subject ?? null;
  return begun === null ? firstWords(message.body) : answerSubject(begun);
}

const SUBJECT_FROM_BODY = 70;

function firstWords(body: string): string {
  const line =
    body
      .split('\n')
      .find((one) => one.trim() !== '')
      ?.trim() ?? 'Message';
  return line.length <= SUBJECT_FROM_BODY ? line : `${line.slice(0, SUBJECT_FROM_BODY - 1)}…`;
}
