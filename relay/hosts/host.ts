/**
 * What the relay must know of a coding-agent program ("host"): its hook JSON in, its hook JSON out, its limits.
 * One file per host implements this interface; the forms and limits were chosen by measurement (docs/decisions.md).
 * Pure: nothing here reads a clock, a file or the network.
 */
import { z } from 'zod';
import { type FieldProblem, invalidRequest, RelayError } from '../errors.ts';
import type { HostName } from '../types.ts';

export type HookEvent = 'session_start' | 'prompt' | 'end_of_turn' | 'session_end';

/** A host's hook input, understood. */
export interface HookCall {
  readonly event: HookEvent;
  readonly sessionId: string;
  /** Claude's `prompt_id`, Codex's `turn_id`; null where the host sends none. */
  readonly promptId: string | null;
  /**
   * The host says that this call belongs to a turn it went on with by itself: at an end of turn its `stop_hook_active`;
   * at a prompt, that the "prompt" is the text injected before (Gemini), so that nothing is to be released for it.
   */
  readonly continuation: boolean;
  /** Of a subagent, not of the main agent: neither hand out mail nor take it as the end of a turn. */
  readonly subagent: boolean;
}

export interface Host {
  readonly name: HostName;
  /** Largest injected text, as counted by `sizeOf`, that this host shows to the model whole. */
  readonly textBudget: number;
  /** What a text takes of `textBudget`: characters, or bytes where the host counts those. Never less than its length. */
  sizeOf(text: string): number;
  /** Injections in one run of continued ends of turn. */
  readonly injectionsPerRun: number;
  /** The host's event names, as `eventKey` writes them, to ours. */
  readonly events: Readonly<Record<string, HookEvent>>;
  /**
   * Unknown fields are allowed: hosts change weekly. Throws `event_unknown` for an event that is not ours, and
   * `invalid_request` naming each field that is missing or wrong.
   */
  readCall(eventName: string, body: unknown): HookCall;
  /** JSON that makes this host go on with `text` once; `summary` is one short line for the person's screen. */
  injection(text: string, summary: string): string;
  /**
   * JSON that adds context at session start. Codex makes it a developer message, above the person's own words: `text`
   * must hold nothing that a sender wrote.
   */
  sessionContext(text: string): string;
}

/** Seven injections: below the eighth, the last that Claude Code honours in a row. */
export const INJECTIONS_PER_RUN = 7;

/** `Stop`, `stop` and `session-end`, `session_end`, `SessionEnd` are the same event. */
export function eventKey(eventName: string): string {
  return eventName.toLowerCase().replaceAll(/[-_]/g, '');
}

/** Our event for a host's event name; throws `event_unknown`. */
export function hookEvent(events: Host['events'], eventName: string): HookEvent {
  const key = eventKey(eventName);
  const event = Object.hasOwn(events, key) ? events[key] : undefined;
  if (event === undefined) throw new RelayError('event_unknown', { details: { event: eventName } });
  return event;
}

/** The body as the schema reads it; throws `invalid_request` with a path and a sentence per problem. */
export function readBody<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const read = schema.safeParse(body);
  if (!read.success) throw invalidRequest(read.error.issues.map(toFieldProblem));
  return read.data;
}

function toFieldProblem(issue: z.core.$ZodIssue): FieldProblem {
  return { path: issue.path.join('.'), message: issue.message };
}

/** A host's session id: printable and short, since it becomes a column and a log field. */
export const SessionId = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable ASCII characters without spaces');

/** An id or a flag that a version of the host may leave out or set to null. */
export const OptionalId = z.string().max(200).nullish();
export const OptionalFlag = z.boolean().nullish();
