/**
 * What a hook of a host asks: one call is one transaction (take evidence, release, lease). An agent without mail gets
 * an empty answer and costs one read.
 */
import type { HookCall, Host } from '../hosts/host.ts';
import { newId } from '../ids.ts';
import type { Candidate, Choice, Turn, TurnResult } from '../store/stores.ts';
import { addressOf } from './agents.ts';
import type { BrokerDeps } from './deps.ts';
import type { Caller } from './keys.ts';
import { countFitting, type InjectionFrame, renderInjection, summarize } from './render-injection.ts';

/** More than any host's budget holds. */
const MAX_BATCH = 50;
/** Sessions whose last answer is remembered; only http hooks need it, and only until their next call. */
const MAX_REMEMBERED = 10_000;

export interface HookRequest {
  readonly caller: Caller & { readonly agent: NonNullable<Caller['agent']> };
  readonly host: Host;
  readonly call: HookCall;
  /** What a command hook found in the transcript; null: the host itself calls (`type: http`). */
  readonly seen: readonly string[] | null;
}

export interface HookAnswer {
  /** What the host reads; empty: nothing. */
  readonly text: string;
  /** Call when the answer was written out whole. */
  readonly written: () => void;
}

const SILENT: HookAnswer = { text: '', written: () => undefined };

export class SessionTurns {
  readonly #deps: BrokerDeps;
  /** Sessions whose last answer was written out whole: agent and session to the lease that it gave. */
  readonly #written = new Map<string, string>();

  constructor(deps: BrokerDeps) {
    this.#deps = deps;
  }

  /** Answers one hook call. Throws `unavailable` where the store cannot write; the hook stays silent then. */
  async answer(request: HookRequest): Promise<HookAnswer> {
    if (request.call.subagent) return SILENT;
    const turn = this.#turnOf(request);
    const { deliveries } = this.#deps.stores;
    if (request.call.event !== 'session_start' && !(await deliveries.hasWork(turn))) return SILENT;
    const result = await deliveries.turn(turn);
    this.#logTurn(request, result);
    // A session that ends lets go of what it held, and of the answers that were kept for it.
    if (result.released > 0 || turn.endSession) this.#deps.wake([request.caller.agent.id]);
    if (request.call.event === 'session_start') return this.#waiting(request, result);
    return result.items.length > 0 ? this.#inject(request, result) : SILENT;
  }

  #turnOf({ caller, host, call, seen }: HookRequest): Turn {
    const atEnd = call.event === 'end_of_turn';
    return {
      agentId: caller.agent.id,
      sessionId: call.sessionId,
      host: host.name,
      promptId: call.promptId,
      now: this.#deps.clock.now(),
      evidence: seen === null ? [] : [{ messageIds: seen, kind: 'transcript' }],
      confirmPath: null,
      confirmLease: atEnd && seen === null && call.continuation ? this.#continued(caller, call) : null,
      release: releaseOf(call, seen),
      newRun: atEnd && !call.continuation,
      endSession: call.event === 'session_end',
      lease: atEnd ? this.#leaseOf(caller, host) : null,
    };
  }

  #leaseOf(caller: HookRequest['caller'], host: Host): Turn['lease'] {
    return {
      leaseId: newId('lse', this.#deps.clock.now()),
      keyId: caller.key.id,
      path: 'end_of_turn',
      leaseMs: this.#deps.settings.leaseMs,
      max: MAX_BATCH,
      // A body of several bytes a character still fills the budget; the first is read whole in any case.
      maxBytes: host.textBudget * 4,
      maxRun: host.injectionsPerRun,
      choose: (candidates) => {
        const { good, quarantine } = checkSignatures(this.#deps, candidates);
        const count = good.length === 0 ? 0 : countFitting(good, this.#frame(caller, host));
        return { take: good.slice(0, count).map(({ delivery }) => delivery.id), quarantine };
      },
    };
  }

  #frame(caller: HookRequest['caller'], host: Host): InjectionFrame {
    return {
      address: addressOf(caller.agent, this.#deps.settings.domain),
      mark: this.#deps.randomBytes(8).toString('hex'),
      budget: host.textBudget,
      sizeOf: (text) => host.sizeOf(text),
    };
  }

  #inject({ caller, host, call }: HookRequest, result: TurnResult): HookAnswer {
    const text = renderInjection(result.items, this.#frame(caller, host), result.waiting);
    const session = sessionKey(caller, call);
    this.#written.delete(session);
    return {
      text: host.injection(text, summarize(result.items)),
      written: () => this.#remember(session, result.lease?.id ?? ''),
    };
  }

  #waiting({ caller, host }: HookRequest, { waiting }: TurnResult): HookAnswer {
    if (waiting === 0) return SILENT;
    const address = addressOf(caller.agent, this.#deps.settings.domain);
    const count = waiting === 1 ? '1 message waits' : `${waiting} messages wait`;
    return {
      ...SILENT,
      text: host.sessionContext(
        `Turnpost: ${count} for ${address}. Mail is shown at the end of a turn; check_agent_messages shows it now.`,
      ),
    };
  }

  #remember(session: string, leaseId: string): void {
    if (this.#written.size >= MAX_REMEMBERED) this.#written.clear();
    this.#written.set(session, leaseId);
  }

  /** Continuation counts only for what our last answer gave, and only if that was written out whole. */
  #continued(caller: HookRequest['caller'], call: HookCall): Turn['confirmLease'] {
    const leaseId = this.#written.get(sessionKey(caller, call));
    return leaseId === undefined ? null : { leaseId, kind: 'continuation' };
  }

  #logTurn({ caller, host, call }: HookRequest, { confirmed, released, lease, items, waiting }: TurnResult): void {
    if (confirmed + released + items.length === 0) return;
    this.#deps.count('deliveries_confirmed', confirmed);
    this.#deps.count('deliveries_released', released);
    this.#deps.count('messages_injected', items.length);
    const fields = { agent: caller.agent.name, host: host.name, event: call.event, session_id: call.sessionId };
    const ids = items.map(({ message }) => message.id);
    this.#deps.log.info({ ...fields, confirmed, released, lease_id: lease?.id, injected: ids, waiting }, 'hook');
  }
}

const sessionKey = (caller: HookRequest['caller'], call: HookCall): string => `${caller.agent.id} ${call.sessionId}`;

/**
 * An end of turn gives up what an earlier prompt was given without evidence; so does a new prompt that says which one
 * it is. A host without prompt ids (Gemini) announces its own continuation as a prompt: nothing may be given up there.
 */
function releaseOf(call: HookCall, seen: readonly string[] | null): Turn['release'] {
  if (call.event === 'session_end') return 'all';
  // Without a transcript and without prompts there is no telling what is earlier: the lease runs out by itself.
  if (seen === null && call.promptId === null) return 'none';
  if (call.event === 'end_of_turn') return 'earlier_prompt';
  return call.event === 'prompt' && call.promptId !== null && !call.continuation ? 'earlier_prompt' : 'none';
}

/** Verified again before it is handed out: what does not verify waits for a person. */
export function checkSignatures(
  deps: Pick<BrokerDeps, 'signer' | 'clock'>,
  candidates: readonly Candidate[],
): { readonly good: readonly Candidate[]; readonly quarantine: Choice['quarantine'] } {
  const checked = candidates.map((candidate) => ({
    candidate,
    problem: deps.signer.problem(candidate.message),
  }));
  return {
    good: checked.flatMap(({ candidate, problem }) => (problem === null ? [candidate] : [])),
    quarantine: checked.flatMap(({ candidate: { delivery }, problem }) =>
      problem === null
        ? []
        : [{ deliveryId: delivery.id, holdId: newId('hld', deps.clock.now()), reason: `not handed out: ${problem}` }],
    ),
  };
}
