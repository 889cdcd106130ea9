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
  /** Gives back what the answer held. */
  readonly giveBack: () => Promise<void>;
}

const nothing = async (): Promise<void> => {};

export class McpSession {
  /** Stands for the session where the host gives no id of its own. */
  readonly fallbackId: string;
  readonly #hostId: string | undefined;
  readonly #lastCheck = new Map<string, LastCheck>();

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

  /** `first`: nothing was handed out before; `given`: the last answer went out; `lost`: it may not have arrived. */
  lastCheck(sessionId: string): 'first' | 'given' | 'lost' {
    const last = this.#lastCheck.get(sessionId);
    if (last === undefined) return 'first';
    return last.lost ? 'lost' : 'given';
  }

  checkAnswered(sessionId: string, requestId: string | number, giveBack: () => Promise<void>): void {
    this.#lastCheck.set(sessionId, { requestId, lost: false, giveBack });
  }

  checkLost(sessionId: string, requestId: string | number): void {
    this.#lastCheck.set(sessionId, { requestId, lost: true, giveBack: nothing });
  }

  /** The host called a request off, or hung up, after its answer was made: the model never saw it. */
  async answerLost(requestId: string | number): Promise<void> {
    for (const [sessionId, last] of this.#lastCheck) {
      if (last.requestId !== requestId || last.lost) continue;
      this.checkLost(sessionId, requestId);
      await last.giveBack();
    }
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
