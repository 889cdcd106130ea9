/** wait_for_email: waits until mail comes to a disposable inbox. Never gives what was there before. */
import { z } from 'zod';
import { RESULT_BYTES } from '../result-size.ts';
import { InboxAddress, ListedMail, listedLine, listWithin } from '../show-mail.ts';
import { defineTool } from '../tool.ts';
import { withProgress } from '../wait.ts';

const FRAME_BYTES = 600;

export const waitForEmail = defineTool({
  name: 'wait_for_email',
  title: 'Wait for an email',
  description:
    'Waits until an email comes to a disposable inbox and says who sent it. Without `since` only what comes after this call counts; with the `since` of an earlier answer, or the time before the mail was asked for, nothing in between is missed.',
  input: z.strictObject({
    address: InboxAddress,
    since: z.string().min(1).max(200).optional().describe('A time (RFC 3339), or `since` of an earlier answer'),
    from: z.string().min(1).max(254).optional().describe("Part of the sender's address, like @example.com"),
    subject: z.string().min(1).max(200).optional().describe('Part of the subject'),
    timeout: z
      .number()
      .min(0)
      .max(300)
      .optional()
      .describe('Seconds; default 60, at most 300. Your program may end long calls earlier; nothing is lost then'),
  }),
  output: z.object({
    note: z.string(),
    messages: z.array(ListedMail),
    since: z.string().describe('For the next wait: nothing up to here comes again'),
  }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  async run({ address, timeout = 60, since, from, subject }, call) {
    const waitMs = Math.round(timeout * 1000);
    const filter = { ...(since && { since }), ...(from && { from }), ...(subject && { subject }) };
    const waiting = call.client.inboxes.wait(
      address,
      { ...filter, timeout: `${waitMs}ms` },
      { waitMs, signal: call.signal },
    );
    const answer = await withProgress(waiting, timeout, 'waiting for an email', call);
    const messages = listWithin(answer.items, RESULT_BYTES - FRAME_BYTES);
    const note = noteFor(messages.length, answer.items.length);
    const structured = { note, messages, since: answer.since };
    return { text: [note, ...messages.map(listedLine), `since: ${answer.since}`].join('\n'), structured };
  },
});

function noteFor(shown: number, came: number): string {
  if (came === 0) return 'Nothing came in time. Call again with this answer’s `since` to go on waiting.';
  const more = shown < came ? ` ${came - shown} more came; get_messages lists them.` : '';
  return `${came} ${came === 1 ? 'email' : 'emails'} came.${more} read_message shows the text; extract_code and extract_link find what to type or open.`;
}
