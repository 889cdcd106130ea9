/** A session of a host as the relay meets it: real hook input in, the injected text out. The test plays the model. */
import type { SessionTurns } from '../../relay/broker/session-turns.ts';
import { findHost } from '../../relay/hosts/registry.ts';
import type { HostName } from '../../relay/types.ts';
import type { Broker, Correspondent } from './broker-fixture.ts';

/** What a hook call brought. */
export interface Injected {
  /** What the host reads, to the byte; empty: nothing. */
  readonly raw: string;
  /** The text for the model; empty: none. */
  readonly text: string;
  /** Ids of the messages in it, in order. */
  readonly ids: readonly string[];
  /** The answer reached the host whole. */
  readonly written: () => void;
}

interface Call {
  /** Ids the command hook found in the transcript. */
  readonly seen?: readonly string[];
  readonly continuation?: boolean;
  readonly promptId?: string;
  readonly input?: Readonly<Record<string, unknown>>;
}

const EVENTS = {
  claude: { start: 'SessionStart', prompt: 'UserPromptSubmit', stop: 'Stop', end: 'SessionEnd' },
  codex: { start: 'SessionStart', prompt: 'UserPromptSubmit', stop: 'Stop', end: 'SessionEnd' },
  gemini: { start: 'SessionStart', prompt: 'BeforeAgent', stop: 'AfterAgent', end: 'SessionEnd' },
} as const;

export class HostSession {
  readonly id: string;
  readonly #turns: SessionTurns;
  readonly #who: Correspondent;
  readonly #host: HostName;
  readonly #http: boolean;
  #prompts = 0;

  /** `http`: the host itself calls and brings no evidence of its own. */
  constructor(
    { turns }: Pick<Broker, 'turns'>,
    who: Correspondent,
    { host = 'claude', id = 'session-1', http = false }: { host?: HostName; id?: string; http?: boolean } = {},
  ) {
    this.#turns = turns;
    this.#who = who;
    this.#host = host;
    this.#http = http;
    this.id = id;
  }

  start(call: Call = {}): Promise<Injected> {
    return this.#call('start', call);
  }

  /** The person types: a new prompt. */
  prompt(call: Call = {}): Promise<Injected> {
    this.#prompts += 1;
    return this.#call('prompt', call);
  }

  /** The turn would end. */
  stop(call: Call = {}): Promise<Injected> {
    return this.#call('stop', call);
  }

  /** The host goes on with what it was given and would end again. */
  goOn(call: Call = {}): Promise<Injected> {
    return this.stop({ continuation: true, ...call });
  }

  end(call: Call = {}): Promise<Injected> {
    return this.#call('end', call);
  }

  async #call(event: keyof (typeof EVENTS)['claude'], { seen = [], continuation, promptId, input }: Call) {
    const host = findHost(this.#host);
    if (host === undefined) throw new Error(`no host ${this.#host}`);
    const name = EVENTS[this.#host][event];
    const body = {
      session_id: this.id,
      hook_event_name: name,
      transcript_path: '/transcript.jsonl',
      ...this.#promptField(promptId ?? `prompt-${this.#prompts}`),
      ...(event === 'stop' && { stop_hook_active: continuation ?? false }),
      ...input,
    };
    const call = host.readCall(name, body);
    const answer = await this.#turns.answer({ caller: this.#who.caller, host, call, seen: this.#http ? null : seen });
    const text = injectedText(answer.text);
    const ids = [...text.matchAll(/^Turnpost message (msg_[0-9a-z]{26})/gm)].map(([, id = '']) => id);
    return { raw: answer.text, text, ids, written: answer.written };
  }

  #promptField(promptId: string): object {
    if (this.#host === 'gemini') return {};
    return this.#host === 'codex' ? { turn_id: promptId } : { prompt_id: promptId };
  }
}

/** The text in any host's answer. */
export function injectedText(raw: string): string {
  if (raw === '') return '';
  const answer: { reason?: string; hookSpecificOutput?: { additionalContext?: string } } = JSON.parse(raw);
  return answer.reason ?? answer.hookSpecificOutput?.additionalContext ?? '';
}
