/**
 * ask_human: emails a question to the owner (or another person) and waits a little for the answer. Looks only at the
 * question's own thread, so all other mail stays where it is. An answer that comes later reaches the session by itself.
 *
 * An answer is not confirmed because it was returned: the host may have given the call up. It is confirmed by the next
 * tool call of the session, as asking again does. Until then it is leased where nothing else waits (a lease takes what
 * comes first, not one by name), so that the end of the turn does not show it a second time; where other mail waits it
 * stays available, and comes once more with that mail, under the same id. A session that calls no tool again gets it
 * once more when the lease ends. So it may be seen twice, and is never lost.
 */
import { z } from 'zod';
import { aborted } from '../../client/turnpost-error.ts';
import type { WireMessage } from '../../relay/wire.ts';
import { ShownMessage, toShownWithin } from '../message-output.ts';
import { RESULT_BYTES } from '../result-size.ts';
import { freshMark } from '../show-message.ts';
import { defineTool, type ToolCall } from '../tool.ts';
import { ToolRefusal } from '../tool-result.ts';
import { withProgress } from '../wait.ts';

/** Beside the note and the ids. */
const ANSWER_BYTES = RESULT_BYTES - 500;
/** People take minutes: the first looks are quick, for a person who sits by; then one every few seconds is enough. */
const FIRST_LOOK_MS = 250;
const LONGEST_PAUSE_MS = 3_000;

export const askHuman = defineTool({
  name: 'ask_human',
  title: 'Ask a person',
  description:
    'Emails a question to your owner (or to the person in `to`). Waits up to wait_seconds for the answer; an answer that takes longer comes to you by itself at the end of a turn. Ask what you cannot decide, with all a person needs to answer by phone.',
  input: z.strictObject({
    question: z
      .string()
      .min(1)
      .max(50_000)
      .describe('The question, with what is needed to answer it; its first line becomes the subject'),
    options: z.array(z.string().min(1).max(500)).min(1).max(20).optional().describe('Answers to choose from'),
    to: z.string().min(3).optional().describe('Email address; default: your owner'),
    wait_seconds: z
      .number()
      .min(0)
      .max(300)
      .optional()
      .describe('How long to wait here for the answer; default 0, at most 300'),
  }),
  output: z.object({
    answered: z.boolean(),
    message_id: z.string().describe('Of the question'),
    thread_id: z.string(),
    note: z.string(),
    answer: ShownMessage.nullable(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  async run({ question, options = [], to, wait_seconds = 0 }, call) {
    const person = to ?? (await ownerOf(call));
    const body = withOptions(question, options);
    const message = { to: person, subject: subjectOf(question), body, type: 'query', requires_response: true } as const;
    const sent = await call.client.sendMessage(message);
    const waiting = waitForAnswer(sent, wait_seconds, call);
    const answer = await withProgress(waiting, wait_seconds, `waiting for ${person}`, call);
    return answer === undefined ? later(sent, person) : given(sent, answer, call);
  },
});

async function ownerOf({ client }: ToolCall): Promise<string> {
  const { owner, name } = await client.getAgent('me');
  if (owner) return owner;
  throw new ToolRefusal(
    'no_owner',
    `Agent ${name} has no owner, and no address was given in \`to\`. Nothing was sent. Give \`to\`, or tell your user to set TURNPOST_OWNER at the relay.`,
  );
}

function subjectOf(question: string): string {
  const [line = ''] = question.trim().split(/[\r\n]/, 1);
  const clean = line.replaceAll('\0', '').trim();
  return clean.length > 120 ? `${clean.slice(0, 117).trimEnd()}...` : clean;
}

function withOptions(question: string, options: readonly string[]): string {
  if (options.length === 0) return question;
  const list = options.map((option, index) => `${index + 1}. ${option}`);
  return [question, '', 'Possible answers (the number is enough):', ...list].join('\n');
}

/** Undefined when the time is over. An out-of-office message is no answer; a bounce ends the waiting. */
async function waitForAnswer(sent: WireMessage, seconds: number, call: ToolCall): Promise<WireMessage | undefined> {
  const until = performance.now() + seconds * 1000;
  for (let pause = FIRST_LOOK_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
    const left = until - performance.now();
    if (left <= 0) return undefined;
    await sleep(Math.min(pause, left), call.signal);
    const found = await look(sent, call);
    if (found !== undefined) return found;
  }
}

async function look(sent: WireMessage, { client, signal }: ToolCall): Promise<WireMessage | undefined> {
  const { items } = await client.listMessages({ thread_id: sent.thread_id, direction: 'inbound', limit: 20 }, signal);
  return items.findLast(({ type, trust }) => type !== 'auto_reply' && type !== 'notice' && trust !== 'unknown');
}

async function given(sent: WireMessage, answer: WireMessage, call: ToolCall) {
  const giveBack = await keepFromOthers(answer, call);
  const { session, sessionId, requestId } = call;
  session.answerReturned(sessionId, { requestId, messageId: answer.id, giveBack });
  if (call.signal.aborted) await session.answerLost(requestId);
  const bounced = answer.type === 'bounce';
  const note = bounced ? 'The question could not be delivered; nobody will answer it.' : 'Answered.';
  const shown = toShownWithin(answer, { mark: freshMark() }, ANSWER_BYTES);
  const structured = { answered: !bounced, message_id: sent.id, thread_id: sent.thread_id, note, answer: shown };
  return { text: `${note}\n\n${shown.text}`, structured };
}

/** Leases the answer if it is all that waits. Returns how to give it back. */
async function keepFromOthers(answer: WireMessage, { client, sessionId }: ToolCall): Promise<() => Promise<void>> {
  const waiting = await client.listMessages({ direction: 'inbound', state: 'available', limit: 2 });
  if (waiting.items.length !== 1 || waiting.items[0]?.id !== answer.id) return nothing;
  const { lease_id, items } = await client.lease({ session_id: sessionId, max: 1 });
  if (lease_id === null) return nothing;
  const giveBack = async () => {
    await client.releaseLease(lease_id);
  };
  if (items[0]?.id === answer.id) return giveBack;
  // Something more urgent came in between.
  await giveBack();
  return nothing;
}

const nothing = async (): Promise<void> => {};

function later(sent: WireMessage, person: string) {
  const note = `Sent to ${person}, no answer yet. It will come to you by itself at the end of a turn, as a message in thread ${sent.thread_id}; check_agent_messages shows it too. Go on with what does not depend on it.`;
  const structured = { answered: false, message_id: sent.id, thread_id: sent.thread_id, note, answer: null };
  return { text: note, structured };
}

/** Rejects when the host calls the request off: the answer then comes by another way. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(aborted());
    const stop = () => {
      clearTimeout(timer);
      reject(aborted());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
