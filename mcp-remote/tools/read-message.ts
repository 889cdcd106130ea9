/**
 * read_message: one message in full, by its id. Reading a message (`msg_...`) is evidence: it confirms the delivery to this
 * agent. An email of a disposable inbox (`eml_...`) counts as read from then on; of its attachments only names are shown.
 */
import { z } from 'zod';
import { MessageId, ShownMessage, toShownWithin } from '../message-output.ts';
import { RESULT_BYTES } from '../result-size.ts';
import { MailId, ShownMail, showMail } from '../show-mail.ts';
import { freshMark } from '../show-message.ts';
import { defineTool, type ToolCall } from '../tool.ts';

/** One page, beside the state. */
const PAGE_BYTES = RESULT_BYTES - 100;

export const readMessage = defineTool({
  name: 'read_message',
  title: 'Read a message',
  description:
    'Shows one message in full, with what it quotes, and confirms that you have it. For messages that were cut, and for ids you were told of; also for the email of a disposable inbox (eml_...).',
  input: z.strictObject({
    message_id: z.union([MessageId, MailId]),
    offset: z.number().int().min(0).optional().describe('Where to go on in a message that was cut'),
  }),
  output: z.object({
    message: ShownMessage.optional(),
    email: ShownMail.optional().describe('Where the id is that of an email in a disposable inbox'),
    state: z.string().describe('delivered: confirmed'),
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  run({ message_id, offset = 0 }, call) {
    return message_id.startsWith('eml_') ? readMail(message_id, offset, call) : readOwn(message_id, offset, call);
  },
});

async function readOwn(id: string, offset: number, { client }: ToolCall) {
  const found = await client.getMessage(id);
  // Only a recipient has a state of its own; a sender reads what it wrote, and nothing is confirmed by that. A text
  // that is not shown is not read.
  const mayConfirm = found.state !== undefined && found.trust !== 'unknown';
  const message = mayConfirm ? await client.ackMessage(id) : found;
  const shown = toShownWithin(found, { mark: freshMark(), offset, withQuoted: true }, PAGE_BYTES);
  return { text: shown.text, structured: { message: shown, state: message.state ?? 'sent' } };
}

async function readMail(id: string, offset: number, { client }: ToolCall) {
  const shown = showMail(await client.inboxes.read(id), offset, PAGE_BYTES);
  return { text: shown.text, structured: { email: shown, state: 'read' } };
}
