/**
 * How fast mail may go out: emails within a time and at once, by domain and in all (relay/send-limit.ts), and a pause
 * where a server asks for one. In memory; `seed` gives back what went out before a restart. Exact: it keeps the times of
 * the last emails, so never more than `count` lie within any `periodMs`.
 */
import type { SendLimit } from '../../send-limit.ts';

/** Where nobody said otherwise: a slow domain holds up two workers, not all. */
const AT_ONCE = 2;
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;
const SWEEP_EVERY_MS = 60_000;
const ALL = '';

/** What may not be sent now. */
export interface Barred {
  readonly domains: readonly string[];
  /** Nothing at all. */
  readonly all: boolean;
  /** When the next of these may be sent to again, as far as time decides that; null: time does not. */
  readonly freeAt: number | null;
}

/** Times of the last `count` emails of one domain, or of all, oldest first. */
interface Window {
  readonly limit: SendLimit;
  readonly times: number[];
}

interface Pause {
  readonly until: number;
  /** How many there were in a row. */
  readonly times: number;
}

export class SendLimiter {
  readonly #limits: readonly SendLimit[];
  readonly #windows = new Map<string, readonly Window[]>();
  readonly #inHand = new Map<string, number>();
  readonly #pauses = new Map<string, Pause>();
  /** Domains (and ALL) that may not be sent to before that time. */
  readonly #freeAt = new Map<string, number>();
  #sweptAt = 0;

  constructor(limits: readonly SendLimit[]) {
    this.#limits = limits;
  }

  /** The longest period that is counted: so far back `seed` wants to know what went out. */
  get longestMs(): number {
    return Math.max(0, ...this.#limits.map(({ periodMs }) => periodMs));
  }

  /** What went out before this relay started, oldest first. */
  seed(sent: readonly { readonly domain: string; readonly at: number }[]): void {
    for (const { domain, at } of sent) this.#count(domain, at);
  }

  barred(now: number): Barred {
    for (const [name, at] of this.#freeAt) if (at <= now) this.#freeAt.delete(name);
    const waiting = [...this.#freeAt.keys()].filter((name) => name !== ALL);
    const busy = [...this.#inHand].filter(([domain, count]) => count >= this.#atOnce(domain)).map(([domain]) => domain);
    const allAt = this.#freeAt.get(ALL);
    return {
      domains: [...new Set([...waiting, ...busy])],
      all: allAt !== undefined || (this.#inHand.get(ALL) ?? 0) >= this.#atOnce('total'),
      freeAt: allAt ?? (waiting.length === 0 ? null : Math.min(...this.#freeAt.values())),
    };
  }

  start(domain: string, now: number): void {
    for (const name of [domain, ALL]) this.#inHand.set(name, (this.#inHand.get(name) ?? 0) + 1);
    this.#count(domain, now);
    if (now - this.#sweptAt >= SWEEP_EVERY_MS) this.#sweep(now);
  }

  finish(domain: string): void {
    for (const name of [domain, ALL]) {
      const left = (this.#inHand.get(name) ?? 1) - 1;
      if (left === 0) this.#inHand.delete(name);
      else this.#inHand.set(name, left);
    }
  }

  /** A server took a mail: nobody asks to slow down any more. */
  went(domain: string): void {
    this.#pauses.delete(domain);
    this.#pauses.delete(ALL);
  }

  /** The server asks for a pause, for this domain or for all: a minute first, twice as long each time, at most an hour. */
  pause(what: { readonly domain: string } | 'all', now: number): void {
    const name = what === 'all' ? ALL : what.domain;
    const before = this.#pauses.get(name);
    // What was in hand when the pause began says the same once more.
    if (before !== undefined && before.until > now) return;
    const times = (before?.times ?? 0) + 1;
    const until = now + Math.min(FIRST_PAUSE_MS * 2 ** (times - 1), LONGEST_PAUSE_MS);
    this.#pauses.set(name, { until, times });
    this.#barUntil(name, until);
  }

  #atOnce(name: string): number {
    const own = this.#rowsFor(name).flatMap(({ atOnce }) => atOnce ?? []);
    if (own.length > 0) return Math.min(...own);
    return name === 'total' ? Number.POSITIVE_INFINITY : AT_ONCE;
  }

  /** Rows of that name; a domain without its own has those of `*`. */
  #rowsFor(name: string): readonly SendLimit[] {
    const own = this.#limits.filter((limit) => limit.name === name);
    return own.length > 0 || name === 'total' ? own : this.#limits.filter((limit) => limit.name === '*');
  }

  #count(domain: string, at: number): void {
    for (const name of [domain, ALL]) {
      for (const { limit, times } of this.#windowsOf(name)) {
        times.push(at);
        if (times.length > limit.count) times.shift();
        const [oldest = at] = times;
        if (times.length === limit.count) this.#barUntil(name, oldest + limit.periodMs);
      }
    }
  }

  #windowsOf(name: string): readonly Window[] {
    const known = this.#windows.get(name);
    if (known !== undefined) return known;
    const made = this.#rowsFor(name === ALL ? 'total' : name).map((limit) => ({ limit, times: [] }));
    if (made.length > 0) this.#windows.set(name, made);
    return made;
  }

  #barUntil(name: string, at: number): void {
    this.#freeAt.set(name, Math.max(at, this.#freeAt.get(name) ?? 0));
  }

  /** Forgets the domains that no limit remembers any more. */
  #sweep(now: number): void {
    this.#sweptAt = now;
    for (const [name, windows] of this.#windows) {
      if (windows.every(({ limit, times }) => (times.at(-1) ?? 0) + limit.periodMs <= now)) this.#windows.delete(name);
    }
    for (const [name, { until }] of this.#pauses) {
      if (until + LONGEST_PAUSE_MS <= now) this.#pauses.delete(name);
    }
  }
}
