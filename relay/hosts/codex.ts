/**
 * Codex CLI (measured: 0.169.0). https://developers.openai.com/codex/hooks
 *
 * The output schema is closed: one unknown key and the hook counts as failed, the text is lost. The reason of a block
 * reaches the model once, as a user message inside `<hook_prompt>` with `<`, `>` and `&` escaped.
 */
import { z } from 'zod';
import { type Host, hookEvent, INJECTIONS_PER_RUN, OptionalFlag, OptionalId, readBody, SessionId } from './host.ts';

const Body = z.looseObject({
  session_id: SessionId,
  turn_id: OptionalId,
  stop_hook_active: OptionalFlag,
  agent_id: OptionalId,
});

const EVENTS = {
  sessionstart: 'session_start',
  userpromptsubmit: 'prompt',
  stop: 'end_of_turn',
  sessionend: 'session_end',
} as const satisfies Host['events'];

export const codex: Host = {
  name: 'codex',
  // Over 10,000 bytes, counted before escaping, Codex cuts the middle out and writes the whole to a temporary file.
  textBudget: 9_900,
  sizeOf: (text) => Buffer.byteLength(text, 'utf8'),
  injectionsPerRun: INJECTIONS_PER_RUN,
  events: EVENTS,
  readCall(eventName, body) {
    const event = hookEvent(EVENTS, eventName);
    const call = readBody(Body, body);
    return {
      event,
      sessionId: call.session_id,
      promptId: call.turn_id ?? null,
      continuation: call.stop_hook_active ?? false,
      subagent: (call.agent_id ?? '') !== '',
    };
  },
  injection: (text) => JSON.stringify({ decision: 'block', reason: text }),
  sessionContext: (text) =>
    JSON.stringify({ hookSpecificOutput: { hookEventName: 'SessionStart', additionalContext: text } }),
};
