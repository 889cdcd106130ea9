/** Who waits for mail, and how they are woken. In memory: after a restart they ask again. */
import type { Clock } from '../clock.ts';

export class Waiters {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when mail may be there for the agent, after `ms`, or when the signal aborts; never rejects. */
  async wait(agentId: string, ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const wake = () => woken.abort();
    const others = this.#waiting.get(agentId) ?? new Set();
    this.#waiting.set(agentId, others.add(wake));
    await this.#clock.sleep(ms, AbortSignal.any([signal, woken.signal]));
    others.delete(wake);
    if (others.size === 0 && this.#waiting.get(agentId) === others) this.#waiting.delete(agentId);
  }

  wake(agentIds: readonly string[]): void {
    for (const agentId of agentIds) {
      for (const wake of this.#waiting.get(agentId) ?? []) wake();
    }
  }

  /** At shutdown: nobody waits any longer. */
  wakeAll(): void {
    this.wake([...this.#waiting.keys()]);
  }

  get count(): number {
    let count = 0;
    for (const waiting of this.#waiting.values()) count += waiting.size;
    return count;
  }
}
