/** list_mailboxes: the disposable inboxes of this key, with their counts. */
import { z } from 'zod';
import { quoteLine } from '../show-lines.ts';
import { defineTool } from '../tool.ts';

/** As many as a key may have by default. */
const MOST = 20;

export const listMailboxes = defineTool({
  name: 'list_mailboxes',
  title: 'List disposable inboxes',
  description: 'Lists the disposable inboxes of this key, newest first, with how many messages they hold.',
  input: z.strictObject({}),
  output: z.object({
    mailboxes: z.array(
      z.object({
        address: z.string(),
        label: z.string().nullable(),
        state: z.enum(['live', 'expired']),
        expires_at: z.string(),
        message_count: z.number(),
        unread_count: z.number(),
      }),
    ),
    note: z.string(),
  }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async run(_args, { client }) {
    const { items, next_cursor } = await client.inboxes.list({ limit: MOST });
    const more = next_cursor === null ? '' : ' There are more, which are older.';
    const note = `${items.length} ${items.length === 1 ? 'inbox' : 'inboxes'}.${more}`;
    const mailboxes = items.map(({ address, label, state, expires_at, message_count, unread_count }) => ({
      address,
      label,
      state,
      expires_at,
      message_count,
      unread_count,
    }));
    const lines = mailboxes.map(
      ({ address, label, state, expires_at, message_count, unread_count }) =>
        `${address}${label === null ? '' : ` (${quoteLine(label)})`}: ${state}, ${state === 'live' ? 'takes mail until' : 'took mail until'} ${expires_at}; ${message_count} messages, ${unread_count} unread`,
    );
    return { text: [note, ...lines].join('\n'), structured: { mailboxes, note } };
  },
});
