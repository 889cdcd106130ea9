/**
 * A failure as a tool's result: `isError`, the code, what is wrong and what to do next. A tool never throws: an error of
 * the protocol would reach the program and not the model. No structured content: it would not fit the output schema.
 */
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { TurnpostError } from '../client/turnpost-error.ts';

/** A tool's own refusal, before or instead of asking the relay. */
export class ToolRefusal extends Error {
  override readonly name = 'ToolRefusal';
  readonly code: string;

  /** `message` says what is wrong and what to do next. */
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const NEXT_STEPS: Readonly<Record<string, string>> = {
  unauthorized:
    'Tell your user: the key of this agent is dead or missing. An admin issues a new one with "turnpost keys create"; it belongs in TURNPOST_KEY or turnpost.json.',
  forbidden: 'This needs another key than an agent has; tell your user if it is needed.',
  not_found: 'Look at the id again; check_agent_messages shows what waits for you.',
  recipient_unknown: 'list_agents shows who there is.',
  invalid_request: 'Correct the named arguments and call again.',
  rate_limited: 'Do something else first, then call again.',
  quota_exceeded: 'Do something else first; tell your user if it is urgent.',
  unavailable: 'Nothing was accepted. Call again in a little while.',
  unreachable: 'Go on without mail; nothing is lost. Tell your user that the Turnpost relay does not answer.',
  state_conflict: 'It was settled already or belongs to another session; nothing needs to be done.',
};

export function failureResult(error: unknown): CallToolResult {
  return { content: [{ type: 'text', text: failureText(error) }], isError: true };
}

function failureText(error: unknown): string {
  if (error instanceof ToolRefusal) return `${error.code}: ${error.message}`;
  if (!(error instanceof TurnpostError))
    return 'internal: The tool failed in a way nobody foresaw. Nothing is known to be sent.';
  const { code, message, details, requestId, retryAfterSeconds } = error;
  const next = NEXT_STEPS[code];
  return [
    `${code}: ${message}`,
    ...(details === undefined ? [] : [`Details: ${JSON.stringify(details)}`]),
    ...(retryAfterSeconds === undefined ? [] : [`Try again after ${retryAfterSeconds} s.`]),
    ...(next === undefined ? [] : [`Next: ${next}`]),
    ...(requestId === undefined ? [] : [`Request: ${requestId}`]),
  ].join('\n');
}
