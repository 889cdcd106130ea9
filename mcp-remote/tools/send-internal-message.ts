/** send_internal_message: to agents, by name or address. Refuses email addresses: people are reached on purpose only. */
import { z } from 'zod';
import { MessageTypeToSend, Priority, type WireSend } from '../../relay/wire.ts';
import { expiryFromNow } from '../expiry.ts';
import { MessageId, SentMessage, toSent } from '../message-output.ts';
import { defineTool, type ToolCall } from '../tool.ts';
import { ToolRefusal } from '../tool-result.ts';

export const sendInternalMessage = defineTool({
  name: 'send_internal_message',
  title: 'Send a message to an agent',
  description:
    'Sends a message to one or more other agents of this Turnpost relay. list_agents shows who there is. It reaches them in their running session. To people use send_external_message or ask_human.',
  input: z.strictObject({
    to: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(100)])
      .describe('Name or address of an agent, or a list of them'),
    body: z.string().min(1).describe('The text; Markdown is fine'),
    subject: z.string().max(200).optional().describe('One line'),
    type: MessageTypeToSend.optional().describe('message (default), task, query or response'),
    priority: Priority.optional().describe('low, normal (default), high or urgent; urgent is handed out first'),
    in_reply_to: MessageId.optional().describe('Id of a message you can see; sets the thread'),
    requires_response: z.boolean().optional().describe('Say that you wait for an answer'),
    expires_in: z
      .string()
      .optional()
      .describe("Not worth reading after this long, like '30m', '12h' or '2d'; default: never expires"),
  }),
  output: SentMessage,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  async run({ expires_in, ...message }, call) {
    await refuseEmail([message.to].flat(), call);
    const expires_at = expires_in === undefined ? undefined : expiryFromNow(expires_in);
    const body: WireSend = { ...message, ...(expires_at !== undefined && { expires_at }) };
    return toSent(await call.client.sendMessage(body), 'An answer comes to you by itself, at the end of a turn.');
  },
});

async function refuseEmail(recipients: readonly string[], { client }: ToolCall): Promise<void> {
  const addresses = recipients.filter((recipient) => recipient.includes('@'));
  if (addresses.length === 0) return;
  const { address } = await client.getAgent('me');
  const ours = address.slice(address.lastIndexOf('@')).toLowerCase();
  const foreign = addresses.filter((recipient) => !recipient.toLowerCase().endsWith(ours));
  if (foreign.length === 0) return;
  throw new ToolRefusal(
    'recipient_unknown',
    `${foreign.join(', ')} is no agent of this relay (they end in ${ours}). Nothing was sent. Use send_external_message for email.`,
  );
}
