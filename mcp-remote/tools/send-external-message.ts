/** send_external_message: an email to people, or to agents elsewhere. */
import { z } from 'zod';
import type { WireSend } from '../../relay/wire.ts';
import { MessageId, SentMessage, toSent } from '../message-output.ts';
import { defineTool } from '../tool.ts';
import { ToolRefusal } from '../tool-result.ts';

const Recipients = z.union([z.string().min(3), z.array(z.string().min(3)).min(1).max(100)]);

export const sendExternalMessage = defineTool({
  name: 'send_external_message',
  title: 'Send an email',
  description:
    'Sends an email to a person or anyone else outside this relay. The answer comes back to you by itself, at the end of a turn. It leaves the machine and cannot be called back. To ask your own owner something, ask_human is simpler.',
  input: z.strictObject({
    to: Recipients.describe('Email address, or a list of them'),
    subject: z.string().min(1).max(200).describe('One line'),
    body: z.string().min(1).describe('The text; Markdown is fine'),
    cc: z.array(z.string().min(3)).max(100).optional().describe('Email addresses that get a copy'),
    in_reply_to: MessageId.optional().describe('Id of a message you can see; sets the thread'),
    expects_reply: z.boolean().optional().describe('Say in the email that you wait for an answer'),
    attachments: z
      .array(
        z.strictObject({
          filename: z.string().min(1).max(255),
          content_type: z.string().optional().describe('Like text/plain'),
          content: z.string().describe('Base64'),
        }),
      )
      .max(50)
      .optional(),
  }),
  output: SentMessage,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  async run({ expects_reply, ...message }, call) {
    refuseNames([message.to, message.cc ?? []].flat());
    const body: WireSend = { ...message, ...(expects_reply !== undefined && { requires_response: expects_reply }) };
    return toSent(await call.client.sendMessage(body), 'An answer comes to you by itself, at the end of a turn.');
  },
});

function refuseNames(recipients: readonly string[]): void {
  const names = recipients.filter((recipient) => !/^[^\s@]+@[^\s@]+$/.test(recipient));
  if (names.length === 0) return;
  throw new ToolRefusal(
    'invalid_request',
    `${names.map((name) => JSON.stringify(name)).join(', ')} is no email address. Nothing was sent. Use send_internal_message for agents of this relay.`,
  );
}
