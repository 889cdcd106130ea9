/** create_mailbox: a disposable inbox for a sign-up, a report or a one-off answer. */
import { z } from 'zod';
import { quoteLine } from '../show-lines.ts';
import { defineTool } from '../tool.ts';

export const createMailbox = defineTool({
  name: 'create_mailbox',
  title: 'Make a disposable inbox',
  description:
    'Makes an email address that dies by itself, for sign-ups and one-off answers. Its mail does not come by itself: wait_for_email and get_messages fetch it.',
  input: z.strictObject({
    ttl_minutes: z.number().int().min(1).optional().describe('How long it takes mail; default 60'),
    label: z.string().min(1).max(100).optional().describe('What it is for, one line'),
  }),
  output: z.object({
    address: z.string(),
    label: z.string().nullable(),
    expires_at: z.string(),
    max_messages: z.number(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  async run(wish, { client }) {
    const { address, label, expires_at, max_messages } = await client.inboxes.create(wish);
    const named = label === null ? '' : `, for ${quoteLine(label)}`;
    return {
      text: `${address}${named}: takes mail until ${expires_at}, at most ${max_messages} messages.`,
      structured: { address, label, expires_at, max_messages },
    };
  },
});
