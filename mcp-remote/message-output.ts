/** A message in a tool's structured content: what a program needs, and the text a model sees, fenced and attributed. */
import { z } from 'zod';
import { Message, type WireMessage } from '../relay/wire.ts';
import { quoteLine, type ShowOptions, showMessage } from './show-message.ts';

export const ShownMessage = z.object({
  message_id: z.string(),
  thread_id: z.string(),
  from: z.string(),
  trust: Message.shape.trust,
  type: Message.shape.type,
  requires_response: z.boolean(),
  text: z.string().describe('Who says what; the words of the sender stand between the marked lines'),
});

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

export function toShown(message: WireMessage, options: ShowOptions): z.infer<typeof ShownMessage> {
  const { id, thread_id, from, trust, type, requires_response } = message;
  const text = showMessage(message, options);
  return { message_id: id, thread_id, from: quoteLine(from.address, false), trust, type, requires_response, text };
}

export function toSent(message: WireMessage, note: string): { text: string; structured: z.infer<typeof SentMessage> } {
  const deliveries = (message.deliveries ?? []).map(({ to, state }) => ({ to, state }));
  const structured = { message_id: message.id, thread_id: message.thread_id, deliveries, note };
  const recipients = deliveries.map(({ to, state }) => `${to} (${state})`).join(', ');
  return { text: `Sent ${message.id} in thread ${message.thread_id} to ${recipients}. ${note}`, structured };
}
