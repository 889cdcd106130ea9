/** delete_mailbox: ends a disposable inbox before its time; what it holds is gone at once. */
import { z } from 'zod';
import { InboxAddress } from '../show-mail.ts';
import { defineTool } from '../tool.ts';

export const deleteMailbox = defineTool({
  name: 'delete_mailbox',
  title: 'Delete a disposable inbox',
  description: 'Ends a disposable inbox: it takes no more mail, and what it holds is gone. Cannot be undone.',
  input: z.strictObject({ address: InboxAddress }),
  output: z.object({ deleted: z.literal(true), address: z.string() }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async run({ address }, { client }) {
    const deleted = await client.inboxes.delete(address);
    return { text: `${deleted.address} is deleted.`, structured: deleted };
  },
});
