/** A message in a tool's structured content: what a program needs, and the text a model sees, fenced and attributed. */
import { z } from 'zod';
import { Message, type WireMessage } from '../relay/wire.ts';
import { jsonBytes } from './result-size.ts';
import { quoteLine } from './show-lines.ts';
import { freshMark, type ShowOptions, showMessage } from './show-message.ts';

export const ShownMessage = z.object({
  message_id: z.string(),
  thread_id: z.string(),
  from: z.string(),
  trust: Message.shape.trust,
  type: Message.shape.type,
  requires_response: z.boolean(),
  text: z.string().describe('Who says what; the words of the sender stand between the marked lines'),
});

export type Shown = z.infer<typeof ShownMessage>;

export const MessageId = z
  .string()
  .regex(/^msg_[0-9a-z]{26}$/, 'want a message id like msg_ and 26 letters and digits');

/** What a send answers: enough to follow it, none of its text again. */
export const SentMessage = z.object({
  message_id: z.string(),
  thread_id: z.string(),
  deliveries: z.array(z.object({ to: z.string(), state: z.string() })),
  note: z.string(),
});

export function toShown(message: WireMessage, options: ShowOptions): Shown {
  const { id, thread_id, from, trust, type, requires_response } = message;
  const text = showMessage(message, options);
  return { message_id: id, thread_id, from: quoteLine(from.address, false), trust, type, requires_response, text };
}

/** What a cut message still shows. */
const LEAST_BYTES = 200;

/** As much as fits into so many bytes of JSON, but at least the headers and a little: that can be more. */
export function toShownWithin(message: WireMessage, options: Omit<ShowOptions, 'limit'>, bytes: number): Shown {
  const least = toShown(message, { ...options, limit: LEAST_BYTES });
  const limit = bytes - jsonBytes(least);
  return limit <= LEAST_BYTES ? least : toShown(message, { ...options, limit });
}

/** Several messages in so many bytes: what one does not need the next may have, and what does not fit is left out. */
export function showAll(
  messages: readonly WireMessage[],
  bytes: number,
): { readonly shown: Shown[]; readonly unseen: string[] } {
  const mark = freshMark();
  const shown: Shown[] = [];
  const unseen: string[] = [];
  let left = bytes;
  for (const [index, message] of messages.entries()) {
    const one = toShownWithin(message, { mark }, Math.floor(left / (messages.length - index)) - 1);
    const used = jsonBytes(one) + 1;
    if (used > left) unseen.push(message.id);
    else {
      shown.push(one);
      left -= used;
    }
  }
  return { shown, unseen };
}

export function toSent(message: WireMessage, note: string): { text: string; structured: z.infer<typeof SentMessage> } {
  const deliveries = (message.deliveries ?? []).map(({ to, state }) => ({ to, state }));
  const structured = { message_id: message.id, thread_id: message.thread_id, deliveries, note };
  const recipients = deliveries.map(({ to, state }) => `${to} (${state})`).join(', ');
  return { text: `Sent ${message.id} in thread ${message.thread_id} to ${recipients}. ${note}`, structured };
}
