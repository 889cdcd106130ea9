/** Who waits for mail, and how they are woken. In memory: after a restart they ask again. */
import type { Clock } from '../clock.ts';

export class Waiters {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<() => void>>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when one of the ids is woken, after `ms`, or when the signal aborts; never rejects. */
  async wait(ids: string | readonly string[], ms: number, signal: AbortSignal): Promise<void> {
    const names = typeof ids === 'string' ? [ids] : ids;
    const woken = new AbortController();
    const wake = () => woken.abort();
    for (const id of names) this.#waiting.set(id, (this.#waiting.get(id) ?? new Set()).add(wake));
    this.#count += 1;
    await this.#clock.sleep(ms, AbortSignal.any([signal, woken.signal]));
    this.#count -= 1;
    for (const id of names) this.#forget(id, wake);
  }

  #forget(id: string, wake: () => void): void {
    const others = this.#waiting.get(id);
    others?.delete(wake);
    if (others?.size === 0) this.#waiting.delete(id);
  }

  /** Agents, disposable inboxes or keys. */
  wake(ids: readonly string[]): void {
    for (const id of ids) {
      for (const wake of this.#waiting.get(id) ?? []) wake();
    }
  }

  /** At shutdown: nobody waits any longer. */
  wakeAll(): void {
    this.wake([...this.#waiting.keys()]);
  }

  get count(): number {
    return this.#count;
  }
}
