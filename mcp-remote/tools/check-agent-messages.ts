/**
 * check_agent_messages: leases what waits for this agent. Calling again confirms what the call before showed, but only
 * where that answer is known to have gone out; else nothing is confirmed and what is held is shown once more. What did
 * not fit was not seen: its ids are told, no asking again confirms it, and the next call shows it.
 */
import { z } from 'zod';
import type { WireLeaseAnswer, WireMessage } from '../../relay/wire.ts';
import { ShownMessage, showAll } from '../message-output.ts';
import { jsonBytes, RESULT_BYTES } from '../result-size.ts';
import { defineTool, type ToolCall } from '../tool.ts';
import { withProgress } from '../wait.ts';

/** More never fit, whatever `limit` says; and of ids no more are listed. */
const MOST_AT_ONCE = 20;

export const checkAgentMessages = defineTool({
  name: 'check_agent_messages',
  title: 'Check for messages',
  description:
    'Takes the messages that wait for you. They also come by themselves at the end of a turn; call this to look now, or to wait for an answer. Calling it again confirms what the call before showed.',
  input: z.strictObject({
    limit: z
      .number()
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe('At most this many; default 10, and never more than 20 at once'),
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
    holding: z.array(z.string()).describe('Ids that this session has and this answer does not show; not confirmed yet'),
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  async run({ limit = 10, wait_seconds = 0 }, call) {
    const before = call.session.lastCheck(call.sessionId);
    const unseen = await readHeld(before?.unseen ?? [], call);
    const max = Math.max(1, Math.min(limit, MOST_AT_ONCE) - unseen.length);
    const answer = await takeLease({ max, seconds: unseen.length > 0 ? 0 : wait_seconds }, call);
    const again = before?.lost ? await readHeld(answer.holding, call) : unseen;
    const result = resultOf(again, answer);
    rememberResult(result, answer, call);
    if (call.signal.aborted) await call.session.answerLost(call.requestId);
    const { note, messages, holding } = result;
    return { text: [note, ...messages.map(({ text }) => text)].join('\n\n'), structured: { note, messages, holding } };
  },
});

interface CheckResult {
  readonly note: string;
  readonly messages: z.infer<typeof ShownMessage>[];
  readonly unseen: readonly string[];
  readonly holding: string[];
  /** The session holds nothing else. */
  readonly complete: boolean;
}

async function takeLease({ max, seconds }: { max: number; seconds: number }, call: ToolCall): Promise<WireLeaseAnswer> {
  const { client, session, sessionId, requestId, signal } = call;
  const before = session.lastCheck(sessionId);
  const given = before?.lost === false ? before : undefined;
  // By path and session where that is no more than was shown; else by name.
  const confirmAll = given?.complete ?? false;
  // What cannot be confirmed now comes once more.
  if (given && !confirmAll) await Promise.allSettled(given.shown.map((id) => client.ackMessage(id)));
  // Until the answer is here it counts as lost: a relay that answered into a broken connection has leased all the same.
  session.checkLost(sessionId, requestId);
  const waitMs = Math.round(seconds * 1000);
  const body = { session_id: sessionId, max, wait: `${waitMs}ms`, confirm_previous: confirmAll };
  return withProgress(client.lease(body, { waitMs, signal }), seconds, 'waiting for a message', call);
}

/** Those that are still leased. One that is gone meanwhile (read, expired) is left out. */
async function readHeld(ids: readonly string[], { client }: ToolCall): Promise<WireMessage[]> {
  const reads = await Promise.allSettled(ids.map((id) => client.getMessage(id)));
  return reads
    .flatMap((read) => (read.status === 'fulfilled' ? [read.value] : []))
    .filter(({ state }) => state === 'leased');
}

function resultOf(again: readonly WireMessage[], answer: WireLeaseAnswer): CheckResult {
  const taken = new Set(answer.items.map(({ id }) => id));
  const all = [...again.filter(({ id }) => !taken.has(id)), ...answer.items];
  const ids = all.map(({ id }) => id);
  const earlier = answer.holding.filter((id) => !ids.includes(id));
  const frame = (count: number, unseen: readonly string[]) => ({
    note: noteFor(count, unseen, earlier),
    holding: [...unseen, ...earlier].slice(0, 2 * MOST_AT_ONCE),
  });
  // What it takes to name everything is the most it can be.
  const { shown, unseen } = showAll(all, RESULT_BYTES - jsonBytes({ ...frame(all.length, ids), messages: [] }));
  return { ...frame(shown.length, unseen), messages: shown, unseen, complete: unseen.length + earlier.length === 0 };
}

function rememberResult({ messages, unseen, complete }: CheckResult, answer: WireLeaseAnswer, call: ToolCall): void {
  call.session.checkAnswered(call.sessionId, {
    requestId: call.requestId,
    shown: messages.map(({ message_id }) => message_id),
    unseen,
    complete,
    giveBack: async () => {
      if (answer.lease_id !== null) await call.client.releaseLease(answer.lease_id);
    },
  });
}

function noteFor(count: number, unseen: readonly string[], held: readonly string[]): string {
  const found = count === 0 ? 'No new messages.' : `${count} ${count === 1 ? 'message' : 'messages'}.`;
  return [
    count === 0 && unseen.length > 0 ? '' : found,
    unseen.length === 0
      ? ''
      : `Not shown, since this answer would be too long: ${list(unseen)}; read_message shows one, or call this again.`,
    held.length === 0
      ? ''
      : `This session already holds ${list(held)}, handed out before and not confirmed yet; read_message shows one again.`,
  ]
    .filter((line) => line !== '')
    .join(' ');
}

function list(ids: readonly string[]): string {
  const more = ids.length - MOST_AT_ONCE;
  return ids.slice(0, MOST_AT_ONCE).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
