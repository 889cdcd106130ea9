/** read_message: one message in full. Reading is evidence: it confirms the delivery to this agent. */
import { z } from 'zod';
import { MessageId, ShownMessage, toShownWithin } from '../message-output.ts';
import { RESULT_BYTES } from '../result-size.ts';
import { freshMark } from '../show-message.ts';
import { defineTool } from '../tool.ts';

/** One page, beside the state. */
const PAGE_BYTES = RESULT_BYTES - 100;

export const readMessage = defineTool({
  name: 'read_message',
  title: 'Read a message',
  description:
    'Shows one message in full, with what it quotes, and confirms that you have it. For messages that were cut, and for ids you were told of.',
  input: z.strictObject({
    message_id: MessageId,
    offset: z.number().int().min(0).optional().describe('Where to go on in a message that was cut'),
  }),
  output: z.object({ message: ShownMessage, state: z.string().describe('delivered: confirmed') }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async run({ message_id, offset = 0 }, { client }) {
    const found = await client.getMessage(message_id);
    // Only a recipient has a state of its own; a sender reads what it wrote, and nothing is confirmed by that. A text
    // that is not shown is not read.
    const mayConfirm = found.state !== undefined && found.trust !== 'unknown';
    const message = mayConfirm ? await client.ackMessage(message_id) : found;
    const shown = toShownWithin(found, { mark: freshMark(), offset, withQuoted: true }, PAGE_BYTES);
    return { text: shown.text, structured: { message: shown, state: message.state ?? 'sent' } };
  },
});
