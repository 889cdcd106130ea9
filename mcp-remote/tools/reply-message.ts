/** reply_message: answers in the same thread and by the way the message came; confirms the message answered. */
import { z } from 'zod';
import { MessageId, SentMessage, toSent } from '../message-output.ts';
import { defineTool } from '../tool.ts';

export const replyMessage = defineTool({
  name: 'reply_message',
  title: 'Answer a message',
  description:
    'Answers a message you received: to its sender, in its thread, by email where it came by email. Confirms that you have it.',
  input: z.strictObject({ message_id: MessageId, body: z.string().min(1).describe('The answer; Markdown is fine') }),
  output: SentMessage,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  async run({ message_id, body }, { client }) {
    return toSent(await client.replyMessage(message_id, { body }), `${message_id} is confirmed.`);
  },
});
