/**
 * What the MCP server remembers of one session: its id, and whether the last messages it handed out reached the host.
 * Asking again confirms what was handed out before, so an answer that was called off or lost must never count as given:
 * then it is given back where that can be done, nothing is confirmed, and what is still held is shown once more. Over
 * stdio hosts say so when a call times out (seen: Claude Code 2.1.328, Gemini CLI 0.61.0, Codex 0.169.0); over HTTP that
 * has not been seen, and a host that hangs up before the answer is whole counts as having said so.
 */
interface LastCheck {
  readonly requestId: string | number;
  readonly lost: boolean;
  /** What the model was shown of what this session holds, and the ids it was only told of. */
  readonly shown: readonly string[];
  readonly unseen: readonly string[];
  /** The session holds nothing but what was shown. */
  readonly complete: boolean;
  /** Gives back what the answer held. */
  readonly giveBack: () => Promise<void>;
}

/** A person's answer that ask_human returned. */
interface ReturnedAnswer {
  readonly requestId: string | number;
  readonly messageId: string;
  readonly giveBack: () => Promise<void>;
}

const nothing = async (): Promise<void> => {};

export class McpSession {
  /** Stands for the session where the host gives no id of its own. */
  readonly fallbackId: string;
  readonly #hostId: string | undefined;
  readonly #lastCheck = new Map<string, LastCheck>();
  readonly #returned = new Map<string, readonly ReturnedAnswer[]>();
  #adoptedKey: string | undefined;

  constructor(fallbackId: string, hostId?: string) {
    this.fallbackId = fallbackId;
    this.#hostId = hostId;
  }

  /** The host's own session id, by which its hooks are known too: from the call if it says so, else from the start. */
  hostSession(meta: Readonly<Record<string, unknown>> | undefined): string | undefined {
    return codexSession(meta) ?? this.#hostId;
  }

  sessionId(meta: Readonly<Record<string, unknown>> | undefined): string {
    return this.hostSession(meta) ?? this.fallbackId;
  }

  /** The key of an agent that was registered in this session. */
  get adoptedKey(): string | undefined {
    return this.#adoptedKey;
  }

  adoptKey(present: string | undefined, secret: string): boolean {
    if (present !== undefined) return false;
    this.#adoptedKey = secret;
    return true;
  }

  /** Undefined: nothing was handed out before. `lost`: the last answer may not have arrived. */
  lastCheck(sessionId: string): Omit<LastCheck, 'requestId' | 'giveBack'> | undefined {
    return this.#lastCheck.get(sessionId);
  }

  checkAnswered(sessionId: string, answered: Omit<LastCheck, 'lost'>): void {
    this.#lastCheck.set(sessionId, { ...answered, lost: false });
  }

  checkLost(sessionId: string, requestId: string | number): void {
    const lost = { requestId, lost: true, shown: [], unseen: [], complete: false, giveBack: nothing };
    this.#lastCheck.set(sessionId, lost);
  }

  /** To be confirmed when the session goes on. */
  answerReturned(sessionId: string, answer: ReturnedAnswer): void {
    this.#returned.set(sessionId, [...(this.#returned.get(sessionId) ?? []), answer]);
  }

  returnedAnswers(sessionId: string): string[] {
    return (this.#returned.get(sessionId) ?? []).map(({ messageId }) => messageId);
  }

  answerConfirmed(sessionId: string, messageId: string): void {
    this.#keepReturned(sessionId, (answer) => answer.messageId !== messageId);
  }

  /** The host called a request off, or hung up, after its answer was made: the model never saw it. */
  async answerLost(requestId: string | number): Promise<void> {
    for (const [sessionId, last] of this.#lastCheck) {
      if (last.requestId !== requestId || last.lost) continue;
      this.checkLost(sessionId, requestId);
      await last.giveBack();
    }
    for (const [sessionId, answers] of this.#returned) {
      this.#keepReturned(sessionId, (answer) => answer.requestId !== requestId);
      for (const answer of answers) if (answer.requestId === requestId) await answer.giveBack();
    }
  }

  #keepReturned(sessionId: string, keep: (answer: ReturnedAnswer) => boolean): void {
    const kept = (this.#returned.get(sessionId) ?? []).filter(keep);
    if (kept.length === 0) this.#returned.delete(sessionId);
    else this.#returned.set(sessionId, kept);
  }
}

/** Codex names its session in every call: `_meta["x-codex-turn-metadata"].session_id` (0.169.0), the id its hooks send. */
function codexSession(meta: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const turn = meta?.['x-codex-turn-metadata'];
  if (typeof turn !== 'object' || turn === null || !('session_id' in turn)) return undefined;
  return typeof turn.session_id === 'string' && /^[\x21-\x7e]{1,200}$/.test(turn.session_id)
    ? turn.session_id
    : undefined;
}
