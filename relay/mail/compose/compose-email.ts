/**
 * Makes the email that carries an agent's message: RFC 5322 fields, text and HTML, files, the signature.
 *
 * Made once, at enqueue: every attempt sends these bytes. Promises ASCII addresses, lines within RFC 5322 section 2.1.1,
 * and that no value can add a header field (control characters are taken out of each one).
 */
import MailComposer from 'nodemailer/lib/mail-composer';
import type { AttachmentContent, Priority } from '../../types.ts';
import { canonicalAddress } from '../address.ts';
import type { EmailDraft, Mailbox } from '../contracts.ts';
import { REPLY_MARKER } from '../replies/new-words.ts';
import {
  DATA_PART,
  SIGNATURE_PART,
  SIGNATURE_TYPE,
  writeDataPart,
  writeSignaturePart,
} from '../signature/signature-part.ts';
import { type EmailFrame, type FrameValues, fillHtml, fillText } from './email-frame.ts';

export { type EmailFrame, readEmailFrame } from './email-frame.ts';

const MESSAGE_ID = /^<[\x21-\x3b\x3d\x3f-\x7e]{1,900}>$/;
/** RFC 5322 section 2.1.1 wants lines of at most 78. */
const FOLD_AT = 70;

/** Throws TypeError for a draft that cannot be an email: an address or Message-ID that is none. */
export async function composeEmail(draft: EmailDraft, frame: EmailFrame): Promise<Buffer> {
  const values = frameValues(draft);
  const composer = new MailComposer({
    from: asMailbox(draft.from),
    replyTo: asMailbox(draft.replyTo),
    to: draft.to.map(asAddress),
    cc: draft.cc.map(asAddress),
    subject: values.subject,
    date: new Date(draft.sentAt),
    messageId: asMessageId(draft.messageId),
    ...(draft.inReplyTo !== null && { inReplyTo: asMessageId(draft.inReplyTo) }),
    references: draft.references.filter((id) => MESSAGE_ID.test(id)),
    headers: { ...threadField(draft), ...unsubscribeFields(draft), ...agentFields(draft) },
    text: fillText(frame.text, values),
    html: fillHtml(frame.html, values),
    // Trailing spaces and long lines survive; nodemailer would choose format=flowed for some texts.
    textEncoding: 'quoted-printable',
    attachments: [...draft.attachments.map(asFile), ...machineParts(draft)],
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: '\r\n',
  });
  return await composer.compile().build();
}

const IMPORTANCE = { low: 'low', normal: 'normal', high: 'high', urgent: 'high' } as const satisfies Record<
  Priority,
  string
>;

function frameValues(draft: EmailDraft): FrameValues {
  const name = oneLine(draft.from.name ?? draft.agent.address);
  return {
    marker: REPLY_MARKER,
    subject: oneLine(draft.subject) || `Message from ${name}`,
    // A lone CR would join the line end that follows; the signed part has the exact bytes.
    body: draft.body.replace(/\r\n?/g, '\n'),
    who: `${name} <${draft.agent.address}> is a coding agent.`,
    answer: draft.agent.requiresResponse
      ? 'It waits for your answer: answer this email.'
      : 'Answer this email and it reaches the agent.',
    thread: oneLine(draft.agent.threadId),
    files: (draft.linked?.files ?? []).map((file) => ({ ...file, filename: safeFilename(file.filename) })),
    filesUntil: new Date(draft.linked?.until ?? 0).toISOString().slice(0, 10),
    unsubscribe: draft.unsubscribe?.url ?? null,
  };
}

type Fields = Record<string, string | { readonly prepared: true; readonly value: string }>;

/** What Outlook puts mail together by, besides References ([MS-OXOMSG] section 2.2.1.5). */
function threadField({ topic }: EmailDraft): Fields {
  const value = oneLine(topic);
  return value === '' ? {} : { 'Thread-Topic': value };
}

/** RFC 2369 section 3.2, RFC 8058 section 3.1: one field with both ways, and the field that promises one click. */
function unsubscribeFields({ unsubscribe }: EmailDraft): Fields {
  if (unsubscribe === null) return {};
  const { url, address } = unsubscribe;
  if (!/^https:\/\/[\x21-\x3b\x3d\x3f-\x7e]{1,500}$/.test(url)) throw new TypeError('not a link for unsubscribing');
  return {
    'List-Unsubscribe': { prepared: true, value: `<${url}>,\r\n <mailto:${asAddress(address)}?subject=unsubscribe>` },
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
  };
}

/** design: agent headers on email; RFC 3834 section 5: what we send is never a person's. */
function agentFields({ agent, isAnswer }: EmailDraft): Fields {
  return {
    'Auto-Submitted': isAnswer ? 'auto-replied' : 'auto-generated',
    'X-Auto-Response-Suppress': 'All',
    Importance: IMPORTANCE[agent.priority], // RFC 2156 section 2.1
    'X-Agent-ID': asAddress(agent.address),
    'X-Agent-Task-ID': oneLine(agent.threadId),
    'X-Agent-Message-Type': agent.type,
    'X-Agent-Priority': agent.priority,
    'X-Agent-Requires-Response': String(agent.requiresResponse),
    'X-Agent-Hops': String(agent.hop),
    // Folded inside the token, since it is longer than a line may be; readers take white space out again.
    'X-Agent-Signature': { prepared: true, value: foldToken(agent.jws) },
  };
}

function foldToken(token: string): string {
  return (token.match(new RegExp(`[\\w.-]{1,${FOLD_AT}}`, 'g')) ?? []).join('\r\n ');
}

function machineParts({ agent, body, data }: EmailDraft): FilePart[] {
  const signature = part(SIGNATURE_PART, SIGNATURE_TYPE, Buffer.from(writeSignaturePart(agent.jws, body)));
  return data === null
    ? [signature]
    : [part(DATA_PART, 'application/json', Buffer.from(writeDataPart(data))), signature];
}

interface FilePart {
  readonly filename: string;
  readonly contentType: string;
  readonly content: Buffer;
  readonly contentDisposition: 'attachment';
  readonly contentTransferEncoding: 'base64';
}

function part(filename: string, contentType: string, content: Buffer): FilePart {
  return { filename, contentType, content, contentDisposition: 'attachment', contentTransferEncoding: 'base64' };
}

/** message/* and multipart/* may not be sent as base64 (RFC 2046 section 5.2.1), so they go as plain bytes. */
function asFile(file: AttachmentContent): FilePart {
  const sound = /^(?!message\/|multipart\/)[\w.+-]+\/[\w.+-]+$/i.test(file.contentType);
  return part(safeFilename(file.filename), sound ? file.contentType : 'application/octet-stream', file.content);
}

const safeFilename = (name: string): string => oneLine(name).replace(/[/\\]/g, '_') || 'attachment';

function asMailbox(mailbox: Mailbox): { name: string; address: string } {
  return { name: oneLine(mailbox.name ?? ''), address: asAddress(mailbox.address) };
}

function asAddress(address: string): string {
  const canonical = canonicalAddress(address);
  if (canonical === undefined) throw new TypeError(`not an email address: ${JSON.stringify(address)}`);
  return canonical;
}

function asMessageId(id: string): string {
  if (!MESSAGE_ID.test(id)) throw new TypeError(`not a Message-ID: ${JSON.stringify(id)}`);
  return id;
}

/** Control characters (CR and LF among them) and line separators become a space: a value is one line. */
function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 500)
    .replace(/[\ud800-\udbff]$/, '');
}
