/** Leases by API and by tool: all that is available up to `max`, with a long poll; given back, acknowledged. */
import { RelayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { SeenMessage, Turn, TurnResult } from '../store/stores.ts';
import type { Delivery, LeasePath } from '../types.ts';
import type { BrokerDeps } from './deps.ts';
import { type Caller, checkStillLive } from './keys.ts';
import { checkSignatures } from './session-turns.ts';

/** Bodies in one answer; the rest is available for the next. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

const NOTHING: TurnResult = {
  confirmed: 0,
  released: 0,
  lease: null,
  items: [],
  holding: [],
  waiting: 0,
  quarantined: 0,
};

export interface ClaimRequest {
  readonly caller: Caller & { readonly agent: NonNullable<Caller['agent']> };
  readonly sessionId: string | null;
  readonly path: Extract<LeasePath, 'tool' | 'api'>;
  readonly max: number;
  readonly leaseMs: number;
  readonly waitMs: number;
  /** "Asking again": what this session was handed by this path before was read. */
  readonly confirmPrevious: boolean;
  /** The caller went away. */
  readonly signal: AbortSignal;
}

/** Resolves when mail may be there for one of the ids (agents, disposable inboxes), the time is over, or the signal aborts. */
export type WaitForMail = (ids: string | readonly string[], ms: number, signal: AbortSignal) => Promise<void>;

/** Throws `unauthorized` where the key dies while waiting. */
export async function claim(deps: BrokerDeps, wait: WaitForMail, request: ClaimRequest): Promise<TurnResult> {
  const until = deps.clock.now() + request.waitMs;
  for (let first = true; ; first = false) {
    const left = until - deps.clock.now();
    // Registered before looking, so that mail between the look and the wait is not missed.
    const stop = new AbortController();
    const mail =
      left > 0 ? wait(request.caller.agent.id, left, AbortSignal.any([request.signal, stop.signal])) : undefined;
    try {
      if (!first) await checkStillLive(deps, request.caller);
      // Who is gone is not served any more, and does not count as a sign of life.
      if (request.signal.aborted) return NOTHING;
      const turn = turnOf(deps, { ...request, confirmPrevious: first && request.confirmPrevious });
      const { deliveries } = deps.stores;
      const result = (await deliveries.hasWork(turn)) ? await deliveries.turn(turn) : NOTHING;
      deps.count('messages_leased', result.items.length);
      deps.count('deliveries_confirmed', result.confirmed);
      if (result.items.length > 0 || mail === undefined) return result;
      await mail;
    } finally {
      stop.abort();
    }
  }
}

function turnOf(deps: BrokerDeps, request: ClaimRequest): Turn {
  const { caller, sessionId, path } = request;
  return {
    agentId: caller.agent.id,
    sessionId,
    host: null,
    promptId: null,
    now: deps.clock.now(),
    evidence: [],
    confirmPath: request.confirmPrevious ? { path, kind: 'asked_again' } : null,
    confirmLease: null,
    release: 'none',
    // A tool that was called means that the model did something: the host's run of continued turns starts anew.
    newRun: path === 'tool',
    endSession: false,
    lease: {
      leaseId: newId('lse', deps.clock.now()),
      keyId: caller.key.id,
      path,
      leaseMs: request.leaseMs,
      max: request.max,
      maxBytes: MAX_ANSWER_BYTES,
      maxRun: null,
      choose: (candidates) => {
        const { good, quarantine } = checkSignatures(deps, candidates);
        return { take: good.map(({ delivery }) => delivery.id), quarantine };
      },
    },
  };
}

/** A tool of ours was called in some session: its run of continued turns starts anew. */
export async function noteToolCall(
  deps: BrokerDeps,
  caller: ClaimRequest['caller'],
  sessionId: string | null,
): Promise<void> {
  const turn: Turn = { ...turnOf(deps, toolCall(caller, sessionId)), lease: null };
  if (await deps.stores.deliveries.hasWork(turn)) await deps.stores.deliveries.turn(turn);
}

function toolCall(caller: ClaimRequest['caller'], sessionId: string | null): ClaimRequest {
  const signal = new AbortController().signal;
  return { caller, sessionId, path: 'tool', max: 0, leaseMs: 0, waitMs: 0, confirmPrevious: false, signal };
}

/** Gives a lease back. Throws `state_conflict` where it is not this agent's or has ended: a late caller changes nothing. */
export async function releaseLease(deps: BrokerDeps, agentId: string, leaseId: string): Promise<number> {
  const released = await deps.stores.deliveries.releaseIfHeld(agentId, leaseId, deps.clock.now());
  if (released === undefined)
    throw new RelayError('state_conflict', { message: 'That lease is not yours, or has ended.' });
  deps.wake([agentId]);
  return released;
}

/** The agent used the message: evidence. A message that is final already answers the same again. */
export async function acknowledge(
  deps: BrokerDeps,
  agentId: string,
  messageId: string,
): Promise<SeenMessage & { readonly delivery: Delivery }> {
  await deps.stores.deliveries.confirm(agentId, messageId, 'ack', deps.clock.now());
  const seen = await deps.stores.messages.findSeen(agentId, messageId);
  if (seen === undefined || seen.delivery === null) throw new RelayError('not_found');
  return { ...seen, delivery: seen.delivery };
}
