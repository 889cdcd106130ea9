/**
 * Slows down who tries keys: after a few failed logins the next one is refused for a while that doubles. Keys cannot be
 * guessed; this keeps a client with a dead one from keeping the relay busy. Kept in memory, and forgotten by a restart.
 */
import { isIPv6 } from 'node:net';
import type { Clock } from '../../clock.ts';

interface Peer {
  failures: number;
  /** No login before. */
  until: number;
}

const FREE_FAILURES = 5;
const FIRST_WAIT_MS = 15_000;
const LONGEST_WAIT_MS = 15 * 60_000;
/** More than that at once is an attack from everywhere, which this cannot help against. */
const MOST_REMEMBERED = 10_000;

export class LoginGuard {
  readonly #clock: Pick<Clock, 'now'>;
  /** The one that failed longest ago first. */
  readonly #records = new Map<string, Peer>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** How long this peer has to wait before its login is looked at; 0: not at all. */
  waitMs(peer: string): number {
    return Math.max((this.#records.get(peer)?.until ?? 0) - this.#clock.now(), 0);
  }

  failed(peer: string): void {
    const now = this.#clock.now();
    const before = this.#records.get(peer);
    const isRecent = before !== undefined && now - before.until < LONGEST_WAIT_MS;
    const failures = (isRecent ? before.failures : 0) + 1;
    const over = failures - FREE_FAILURES;
    const wait = over < 0 ? 0 : Math.min(FIRST_WAIT_MS * 2 ** over, LONGEST_WAIT_MS);
    this.#records.delete(peer);
    this.#records.set(peer, { failures, until: now + wait });
    const [oldest] = this.#records.keys();
    if (this.#records.size > MOST_REMEMBERED && oldest !== undefined) this.#records.delete(oldest);
  }

  succeeded(peer: string): void {
    this.#records.delete(peer);
  }
}

export const isLoopbackAddress = (address: string): boolean => address === '::1' || /^(::ffff:)?127\./.test(address);

/**
 * Who counts as one: an IPv4 address, a /64 of IPv6. On this machine all agents share one address, so there it is the
 * name that counts: one with a dead key must not lock out the others.
 */
export function peerOf(address: string, names: readonly string[]): string {
  if (isLoopbackAddress(address)) return `${address} ${names.join(' ').slice(0, 400).toLowerCase()}`;
  if (!isIPv6(address) || address.includes('.')) return address;
  const [head = '', tail = ''] = address.toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const gap = Array.from({ length: Math.max(8 - left.length - right.length, 0) }, () => '0');
  return [...left, ...gap, ...right].slice(0, 4).join(':');
}
