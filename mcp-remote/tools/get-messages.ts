/** get_messages: what came to a disposable inbox, without the texts. */
import { z } from 'zod';
import { RESULT_BYTES } from '../result-size.ts';
import { InboxAddress, ListedMail, listedLine, listWithin } from '../show-mail.ts';
import { defineTool } from '../tool.ts';

const FRAME_BYTES = 400;

export const getMessages = defineTool({
  name: 'get_messages',
  title: 'List the mail of a disposable inbox',
  description:
    'Lists what came to a disposable inbox, newest first: sender, subject and time. read_message shows one. Subjects are strangers’ words.',
  input: z.strictObject({
    address: InboxAddress,
    limit: z.number().int().min(1).max(100).optional().describe('At most this many; default 20'),
    since: z.iso.datetime({ offset: true }).optional().describe('Only what came after this time (RFC 3339)'),
  }),
  output: z.object({ address: z.string(), note: z.string(), messages: z.array(ListedMail) }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async run({ address, limit = 20, since }, { client }) {
    const { items, next_cursor } = await client.inboxes.mails(address, { limit, ...(since && { since }) });
    const messages = listWithin(items, RESULT_BYTES - FRAME_BYTES);
    const more = next_cursor !== null || messages.length < items.length ? ' There are more, which are older.' : '';
    const note = `${messages.length} ${messages.length === 1 ? 'message' : 'messages'}.${more}`;
    return { text: [note, ...messages.map(listedLine)].join('\n'), structured: { address, note, messages } };
  },
});
