/**
 * Makes an email that the relay itself writes: plain text, nobody's signature, and marked so that no machine answers it
 * (RFC 3834 section 5). Promises what compose-email.ts promises of addresses and header fields.
 */
import MailComposer from 'nodemailer/lib/mail-composer';
import { canonicalAddress } from '../address.ts';
import type { Mailbox } from '../contracts.ts';

export interface NoticeDraft {
  readonly from: Mailbox;
  readonly to: string;
  readonly subject: string;
  readonly body: string;
  /** With angle brackets. */
  readonly messageId: string;
  /** The mail it answers, and that one's References, oldest first; null where it answers none. */
  readonly answers: { readonly messageId: string; readonly references: readonly string[] } | null;
  readonly sentAt: number;
}

const MAX_REFERENCES = 20;

/** Throws TypeError for an address that is none. */
export async function composeNotice(draft: NoticeDraft): Promise<Buffer> {
  const { answers } = draft;
  const composer = new MailComposer({
    from: { name: oneLine(draft.from.name ?? ''), address: asAddress(draft.from.address) },
    to: asAddress(draft.to),
    subject: oneLine(draft.subject),
    date: new Date(draft.sentAt),
    messageId: draft.messageId,
    ...(answers !== null && {
      inReplyTo: oneLine(answers.messageId),
      references: [...answers.references.slice(1 - MAX_REFERENCES), answers.messageId].map(oneLine),
    }),
    headers: {
      'Auto-Submitted': answers === null ? 'auto-generated' : 'auto-replied',
      'X-Auto-Response-Suppress': 'All',
    },
    text: draft.body,
    textEncoding: 'quoted-printable',
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: '\r\n',
  });
  return await composer.compile().build();
}

function asAddress(address: string): string {
  const canonical = canonicalAddress(address);
  if (canonical === undefined) throw new TypeError(`not an email address: ${JSON.stringify(address)}`);
  return canonical;
}

/** Control characters and line separators become a space: a value is one line. */
const oneLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 900);
