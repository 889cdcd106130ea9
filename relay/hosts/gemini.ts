/**
 * Gemini CLI (measured: 0.61.0). https://github.com/google-gemini/gemini-cli/tree/main/docs/hooks
 *
 * The reason of a denied AfterAgent becomes a plain user turn, raw; without a `systemMessage` the whole of it is printed
 * on the person's screen. BeforeAgent fires again for that turn, with the injected text as its `prompt`.
 */
import { z } from 'zod';
import { type Host, hookEvent, INJECTIONS_PER_RUN, OptionalFlag, readBody, SessionId } from './host.ts';
import { MARKER } from './marker.ts';

const Body = z.looseObject({
  session_id: SessionId,
  stop_hook_active: OptionalFlag,
  prompt: z.string().nullish(),
});

const EVENTS = {
  sessionstart: 'session_start',
  beforeagent: 'prompt',
  afteragent: 'end_of_turn',
  sessionend: 'session_end',
} as const satisfies Host['events'];

export const gemini: Host = {
  name: 'gemini',
  // No limit of the host was found. It is one user turn: longer mail reads better through `read_message`.
  textBudget: 30_000,
  sizeOf: (text) => text.length,
  injectionsPerRun: INJECTIONS_PER_RUN,
  events: EVENTS,
  readCall(eventName, body) {
    const event = hookEvent(EVENTS, eventName);
    const call = readBody(Body, body);
    return {
      event,
      sessionId: call.session_id,
      promptId: null,
      continuation: (call.stop_hook_active ?? false) || (event === 'prompt' && MARKER.test(call.prompt ?? '')),
      subagent: false,
    };
  },
  injection: (text, summary) => JSON.stringify({ decision: 'deny', reason: text, systemMessage: summary }),
  sessionContext: (text) =>
    JSON.stringify({ hookSpecificOutput: { hookEventName: 'SessionStart', additionalContext: text } }),
};
