/** Messages for a person at a terminal. What others wrote is made printable; nothing here goes to a model. */
import type { WireMessage } from '../relay/wire.ts';
import { card, printable, shortTime, table } from './table.ts';

export function messageTable(messages: readonly WireMessage[]): string {
  if (messages.length === 0) return 'No messages.';
  const rows = messages.map((message) => [
    message.id,
    shortTime(message.created_at),
    stateOf(message),
    message.from.address,
    message.subject ?? firstLine(message.body),
  ]);
  return table(['ID', 'TIME', 'STATE', 'FROM', 'SUBJECT'], rows);
}

export function messageText(message: WireMessage): string {
  const { from, subject } = message;
  const head = card([
    ['id', message.id],
    ['from', from.name === null ? from.address : `${from.name} <${from.address}>`],
    ['to', message.to.join(', ')],
    ...(message.cc.length === 0 ? [] : [['cc', message.cc.join(', ')] as const]),
    ...(subject === null ? [] : [['subject', subject] as const]),
    ['time', shortTime(message.created_at)],
    ['trust', `${message.trust}, verified by ${message.verified_by}`],
    ...authRow(message),
    ...message.notes.map((note) => ['note', note] as const),
    ['thread', message.thread_id],
    ['state', stateOf(message)],
    ...(message.requires_response ? [['wants', 'an answer'] as const] : []),
    ...message.attachments.map((file) => [`file ${file.index}`, `${file.filename} (${file.size} bytes)`] as const),
  ]);
  const data = message.data === null ? '' : `\n\n${printable(JSON.stringify(message.data, null, 2))}`;
  return `${head}\n\n${printable(message.body)}${data}`;
}

function authRow({ auth }: WireMessage): (readonly [string, string])[] {
  return auth === null ? [] : [['checks', checksText(auth)]];
}

/** What SPF, DKIM, DMARC and ARC said of an email. */
export function checksText({ spf, dkim, dmarc, arc }: NonNullable<WireMessage['auth']>): string {
  return `spf ${spf}, dkim ${dkim}, dmarc ${dmarc}, arc ${arc}`;
}

/** A recipient's own state, or for a sender what became of each copy. */
export function stateOf(message: WireMessage): string {
  if (message.state !== undefined) return message.state;
  const states = (message.deliveries ?? []).map(
    ({ to, state, last_error }) => `${to}: ${state}${last_error ? ` (${last_error})` : ''}`,
  );
  return states.join(', ') || '-';
}

function firstLine(body: string): string {
  const [line = ''] = body.trim().split('\n', 1);
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}
