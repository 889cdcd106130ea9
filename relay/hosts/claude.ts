/**
 * Claude Code (measured: 2.1.328). https://code.claude.com/docs/en/hooks
 *
 * An end of turn is answered with `additionalContext`: the turn goes on and the model reads the text once. The older
 * `decision: "block"` with a reason delivers it twice in one request. Both count toward the cap of 8 in a row.
 */
import { z } from 'zod';
import { type Host, hookEvent, INJECTIONS_PER_RUN, OptionalFlag, OptionalId, readBody, SessionId } from './host.ts';

const Body = z.looseObject({
  session_id: SessionId,
  prompt_id: OptionalId,
  stop_hook_active: OptionalFlag,
  /** Only inside a subagent; `agent_type` alone is the main agent started with --agent. */
  agent_id: OptionalId,
});

const EVENTS = {
  sessionstart: 'session_start',
  userpromptsubmit: 'prompt',
  stop: 'end_of_turn',
  sessionend: 'session_end',
} as const satisfies Host['events'];

function context(hookEventName: 'Stop' | 'SessionStart', text: string): string {
  return JSON.stringify({ hookSpecificOutput: { hookEventName, additionalContext: text } });
}

export const claude: Host = {
  name: 'claude',
  // Over 10,000 UTF-16 units Claude Code writes the text to a file and shows the model a preview.
  textBudget: 9_900,
  sizeOf: (text) => text.length,
  injectionsPerRun: INJECTIONS_PER_RUN,
  events: EVENTS,
  readCall(eventName, body) {
    const event = hookEvent(EVENTS, eventName);
    const call = readBody(Body, body);
    return {
      event,
      sessionId: call.session_id,
      promptId: call.prompt_id ?? null,
      continuation: call.stop_hook_active ?? false,
      subagent: (call.agent_id ?? '') !== '',
    };
  },
  // No `systemMessage`: the whole text is on the person's screen already.
  injection: (text) => context('Stop', text),
  sessionContext: (text) => context('SessionStart', text),
};
