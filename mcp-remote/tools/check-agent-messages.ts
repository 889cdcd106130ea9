/**
 * check_agent_messages: leases what waits for this agent. Calling again confirms what the call before handed out, but
 * only where that answer is known to have gone out; else nothing is confirmed and what is held is shown once more.
 */
import { z } from 'zod';
import type { WireLeaseAnswer, WireMessage } from '../../relay/wire.ts';
import { ShownMessage, toShown } from '../message-output.ts';
import { freshMark } from '../show-message.ts';
import { defineTool, type ToolCall } from '../tool.ts';
import { withProgress } from '../wait.ts';

/** For one message, and for all of a call: hosts cut long results (Codex at about 10,000 tokens). */
const MESSAGE_CHARS = 6_000;
const TOTAL_CHARS = 24_000;
/** What a cut message still shows. */
const LEAST_CHARS = 200;

export const checkAgentMessages = defineTool({
  name: 'check_agent_messages',
  title: 'Check for messages',
  description:
    'Takes the messages that wait for you. They also come by themselves at the end of a turn; call this to look now, or to wait for an answer. Calling it again confirms what the call before showed.',
  input: z.strictObject({
    limit: z.number().int().min(1).max(100).optional().describe('At most this many; default 10'),
    wait_seconds: z
      .number()
      .min(0)
      .max(300)
      .optional()
      .describe(
        'If nothing is there, wait this long for a message; default 0, at most 300. Your program may end long calls earlier (Codex: tool_timeout_sec); nothing is lost then',
      ),
  }),
  output: z.object({
    note: z.string(),
    messages: z.array(ShownMessage),
    holding: z.array(z.string()).describe('Ids handed to this session before and not confirmed yet'),
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  async run({ limit = 10, wait_seconds = 0 }, call) {
    const before = call.session.lastCheck(call.sessionId);
    const answer = await takeLease(limit, wait_seconds, before === 'given', call);
    const again = before === 'lost' ? await readAgain(answer, call) : [];
    const messages = show([...again, ...answer.items]);
    const shown = new Set(messages.map(({ message_id }) => message_id));
    const holding = answer.holding.filter((id) => !shown.has(id));
    const note = noteFor(messages.length, holding);
    if (call.signal.aborted) await call.session.answerLost(call.requestId);
    return { text: [note, ...messages.map(({ text }) => text)].join('\n\n'), structured: { note, messages, holding } };
  },
});

async function takeLease(max: number, seconds: number, confirm: boolean, call: ToolCall): Promise<WireLeaseAnswer> {
  const { client, session, sessionId, requestId, signal } = call;
  // Until the answer is here it counts as lost: a relay that answered into a broken connection has leased all the same.
  session.checkLost(sessionId, requestId);
  const waitMs = Math.round(seconds * 1000);
  const body = { session_id: sessionId, max, wait: `${waitMs}ms`, confirm_previous: confirm };
  const lease = client.lease(body, { waitMs, signal });
  const answer = await withProgress(lease, seconds, 'waiting for a message', call);
  session.checkAnswered(sessionId, requestId, async () => {
    if (answer.lease_id !== null) await client.releaseLease(answer.lease_id);
  });
  return answer;
}

/** What the lost answer held. A message that is gone meanwhile (expired, deleted) is left out. */
async function readAgain({ holding, items }: WireLeaseAnswer, { client }: ToolCall): Promise<WireMessage[]> {
  const taken = new Set(items.map(({ id }) => id));
  const reads = holding.filter((id) => !taken.has(id)).map((id) => client.getMessage(id));
  return (await Promise.allSettled(reads)).flatMap((read) => (read.status === 'fulfilled' ? [read.value] : []));
}

function show(messages: readonly WireMessage[]): z.infer<typeof ShownMessage>[] {
  const mark = freshMark();
  let left = TOTAL_CHARS;
  return messages.map((message) => {
    const limit = Math.max(LEAST_CHARS, Math.min(MESSAGE_CHARS, left));
    left -= Math.min(message.body.length, limit);
    return toShown(message, { mark, limit });
  });
}

function noteFor(count: number, holding: readonly string[]): string {
  const found = count === 0 ? 'No new messages.' : `${count} ${count === 1 ? 'message' : 'messages'}.`;
  if (holding.length === 0) return found;
  return `${found} This session already holds ${holding.join(', ')}, handed out before and not confirmed yet; read_message shows one again.`;
}
