/** Disposable inboxes and their mail for a person at a terminal. Nothing here goes to a model. */
import type { WireInbox, WireInboxMail, WireWholeInboxMail } from '../relay/wire-inboxes.ts';
import { card, printable, shortTime, table } from './table.ts';

export function inboxTable(inboxes: readonly WireInbox[]): string {
  const rows = inboxes.map(({ address, state, expires_at, message_count, unread_count, label }) => [
    address,
    state,
    shortTime(expires_at),
    String(message_count),
    String(unread_count),
    label ?? '-',
  ]);
  return rows.length === 0 ? 'No inboxes.' : table(['ADDRESS', 'STATE', 'UNTIL', 'MAIL', 'UNREAD', 'LABEL'], rows);
}

export function mailTable(mails: readonly WireInboxMail[]): string {
  const rows = mails.map(({ id, received_at, read_at, from, subject }) => [
    id,
    shortTime(received_at),
    read_at === null ? 'unread' : 'read',
    from?.address ?? '-',
    subject ?? '-',
  ]);
  return rows.length === 0 ? 'No mail.' : table(['ID', 'TIME', 'STATE', 'FROM', 'SUBJECT'], rows);
}

export function mailText(mail: WireWholeInboxMail): string {
  const { from, auth } = mail;
  const sender = from === null ? '-' : from.name === null ? from.address : `${from.name} <${from.address}>`;
  const head = card([
    ['id', mail.id],
    ['inbox', mail.inbox],
    ['from', `${sender} (${mail.author_proven ? 'proven by DMARC' : 'not proven'})`],
    ['subject', mail.subject ?? '-'],
    ['time', shortTime(mail.received_at)],
    ...(auth === null
      ? []
      : [['checks', `spf ${auth.spf}, dkim ${auth.dkim}, dmarc ${auth.dmarc}, arc ${auth.arc}`] as const]),
    ...mail.notes.map((note) => ['note', note] as const),
    ...mail.attachments.map((file) => [`file ${file.index}`, `${file.filename} (${file.size} bytes)`] as const),
  ]);
  return `${head}\n\n${printable(mail.text)}`;
}
