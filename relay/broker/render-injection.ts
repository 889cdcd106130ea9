/**
 * The text that is put into a running session. It states facts: who, how verified, how to answer; then the body between
 * marks made for this injection, so that no body can close them. It never shouts orders: hosts distrust those.
 */
import { stripHidden } from '../hidden-text.ts';
import { markerLine } from '../hosts/marker.ts';
import type { Candidate } from '../store/stores.ts';
import type { Message } from '../types.ts';

export interface InjectionFrame {
  /** The reading agent's address. */
  readonly address: string;
  /** Random, of this injection alone. */
  readonly mark: string;
  /** Largest text the host shows whole, as counted by `sizeOf`. */
  readonly budget: number;
  readonly sizeOf: (text: string) => number;
}

const WHAT_KIND = { agent: 'an agent', person: 'a person, by email', machine: 'a machine' } as const;

const HOW_VERIFIED = {
  key: 'by its key',
  signature: 'by its signature',
  dmarc: 'by DMARC',
  token: 'by reply token and From address, without DMARC',
  none: 'not at all',
} as const;

/** More than any injection holds and any agent has waiting: what the first and the last line are measured with. */
const MANY = 9_999_999;
/** A body cut shorter than this says too little. */
const SHORTEST_BODY = 200;
const LONGEST_FIELD = 200;

/** How many of these, not yet handed out, fit into one injection from the first on. At least one: a long one is cut. */
export function countFitting(candidates: readonly Candidate[], frame: InjectionFrame): number {
  const room = roomIn(frame);
  let used = 0;
  let count = 0;
  for (const candidate of candidates) {
    used += frame.sizeOf(renderMessage(asHandedOut(candidate), frame, Number.POSITIVE_INFINITY)) + 2;
    if (used > room) break;
    count += 1;
  }
  return Math.max(1, Math.min(count, candidates.length));
}

/** `more`: how many stay behind for the next end of turn. */
export function renderInjection(items: readonly Candidate[], frame: InjectionFrame, more: number): string {
  const room = items.length === 1 ? roomIn(frame) : Number.POSITIVE_INFINITY;
  const parts = items.map((item) => renderMessage(item, frame, room));
  return `${firstLine(items.length, frame)}\n\n${parts.join('\n\n')}${more > 0 ? `\n\n${lastLine(more)}` : ''}`;
}

const firstLine = (count: number, { address, mark }: InjectionFrame): string =>
  `${counted(count)} for ${address} arrived by Turnpost. Text between the marks ${mark} was written by the sender named above it, not by the user of this session.`;

const lastLine = (more: number): string =>
  `${counted(more)} more will follow at the next end of turn; check_agent_messages shows them now.`;

/** What the messages may take together, with the blank line before each. */
const roomIn = (frame: InjectionFrame): number =>
  frame.budget - frame.sizeOf(firstLine(MANY, frame)) - frame.sizeOf(lastLine(MANY)) - 4;

/** Handing out counts an attempt, and from the second on the text has a line that says so. */
const asHandedOut = ({ delivery, ...candidate }: Candidate): Candidate => ({
  ...candidate,
  delivery: { ...delivery, attempt: delivery.attempt + 1 },
});

/** One line for the person's screen. */
export function summarize(items: readonly Candidate[]): string {
  const senders = [...new Set(items.map(({ message }) => message.from.address))];
  return `Turnpost: ${counted(items.length)} from ${senders.slice(0, 3).join(', ')}${senders.length > 3 ? ' and others' : ''}`;
}

const counted = (count: number): string => (count === 1 ? '1 message' : `${count} messages`);

function renderMessage(item: Candidate, frame: InjectionFrame, room: number): string {
  const { message } = item;
  // More than this is not shown, so it is not looked at either: a body may be megabytes long.
  const body = stripHidden(message.body.slice(0, frame.budget * 4));
  const isWhole = message.body.length <= frame.budget * 4;
  const notes = body.removed > 0 ? [`note: ${body.removed} hidden characters were removed from the text`] : [];
  const head = [...facts(item), ...notes].join('\n');
  const whole = fence(head, body.text, frame.mark);
  if (isWhole && frame.sizeOf(whole) <= room) return whole;
  const pointer = `\n[cut here: the text is ${message.body.length} characters long; read_message with message_id ${message.id} shows all of it]`;
  const space = Math.max(SHORTEST_BODY, room - frame.sizeOf(fence(head, pointer, frame.mark)));
  return fence(head, cut(body.text, space, frame.sizeOf) + pointer, frame.mark);
}

const fence = (head: string, body: string, mark: string): string => `${head}\n<<${mark}\n${body}\n${mark}>>`;

function facts({ delivery, message }: Candidate): string[] {
  const { from } = message;
  return [
    markerLine(message.id),
    `from: ${oneLine(from.address)}, ${WHAT_KIND[from.kind]}; trust: ${delivery.trust ?? 'unknown'}, verified ${HOW_VERIFIED[message.verifiedBy]}`,
    // What the sender wrote stands in quotes, after what the relay knows.
    ...(from.name === null ? [] : [`name given: ${quoted(from.name)}`]),
    `thread: ${message.threadId}${message.inReplyTo === null ? '' : `, answers ${message.inReplyTo}`}`,
    ...(message.subject === null ? [] : [`subject: ${quoted(message.subject)}`]),
    `type: ${message.type}, priority: ${message.priority}, sent: ${new Date(message.createdAt).toISOString()}`,
    ...(message.attachments.length === 0 ? [] : [`attachments: ${attachmentNames(message)}`]),
    // The relay's own sentences, but a file's name may stand in them.
    ...message.notes.map((note) => `note: ${oneLine(note)}`),
    ...(delivery.attempt > 1
      ? [`note: this was handed out before (attempt ${delivery.attempt}); the same id is the same message`]
      : []),
    howToAnswer(message),
  ];
}

function howToAnswer(message: Message): string {
  if (message.from.kind === 'machine') return 'answer: none is expected';
  const how = `reply_message with message_id ${message.id}`;
  return message.requiresResponse ? `answer: asked for, by ${how}` : `answer: by ${how}, if one is useful`;
}

function attachmentNames(message: Message): string {
  const shown = message.attachments
    .slice(0, 10)
    .map(({ index, filename, size }) => `${index}: ${quoted(filename)} (${size} bytes)`);
  return shown.join(', ') + (message.attachments.length > 10 ? `, and ${message.attachments.length - 10} more` : '');
}

/** Header values are the sender's too: one line, nothing hidden, not endless. */
const oneLine = (text: string): string =>
  wholeCharacters(stripHidden(text).text.replace(/\s+/g, ' ').slice(0, LONGEST_FIELD));

const quoted = (text: string): string => JSON.stringify(oneLine(text));

/** Without the first half of a pair whose second was cut off. */
const wholeCharacters = (text: string): string => text.replace(/[\ud800-\udbff]$/, '');

/** The longest beginning of whole lines that fits; where that would show less than half of what fits, of characters. */
function cut(text: string, space: number, sizeOf: (text: string) => number): string {
  const fitting = text.slice(0, longestFitting(text, space, sizeOf));
  const lineEnd = fitting.lastIndexOf('\n');
  return lineEnd > fitting.length / 2 ? fitting.slice(0, lineEnd) : wholeCharacters(fitting);
}

/** By halving: a longer beginning is never smaller. */
function longestFitting(text: string, space: number, sizeOf: (text: string) => number): number {
  let fits = 0;
  let tooLong = Math.min(text.length, space) + 1;
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (sizeOf(text.slice(0, middle)) <= space) fits = middle;
    else tooLong = middle;
  }
  return fits;
}
