/** Load over HTTP: as fast as answers come with so many in flight, or at a fixed pace whatever comes back. */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Figures } from '../measurement.ts';
import { quantile } from '../statistics.ts';
import { HttpConnection, type HttpRequest, type HttpTarget } from './http-connection.ts';

export interface Load {
  /** The nth request. */
  readonly next: (n: number) => HttpRequest;
  /** Any other status ends the bench: a refusal is fast and would look good. */
  readonly status: number;
  readonly seconds: number;
}

export type Connections = readonly HttpConnection[];

export function openConnections(target: HttpTarget, count: number): Promise<Connections> {
  return Promise.all(Array.from({ length: count }, () => HttpConnection.open(target)));
}

export function closeConnections(connections: Connections): void {
  for (const connection of connections) connection.close();
}

/** One request in flight on each connection. */
export async function pressed(connections: Connections, load: Load): Promise<Figures> {
  const times: number[] = [];
  const start = performance.now();
  const end = start + load.seconds * 1000;
  let n = 0;
  const loop = async (connection: HttpConnection): Promise<void> => {
    while (performance.now() < end) times.push(await timed(connection, load, n++));
  };
  await Promise.all(connections.map(loop));
  return { ...figuresOf(times), perSecond: (times.length * 1000) / (performance.now() - start) };
}

/** Connections for a paced load: opened when one more is needed, used again while the server keeps them. */
export class ConnectionPool {
  readonly #target: HttpTarget;
  #free: HttpConnection[] = [];

  constructor(target: HttpTarget) {
    this.#target = target;
  }

  async take(): Promise<HttpConnection> {
    this.#free = this.#free.filter((connection) => !connection.isClosed);
    return this.#free.pop() ?? HttpConnection.open(this.#target);
  }

  giveBack(connection: HttpConnection): void {
    this.#free.push(connection);
  }

  close(): void {
    closeConnections(this.#free);
  }
}

/**
 * `perSecond` requests a second, each sent when it is due on a connection that is free: a slow answer delays no other
 * request, so that it cannot hide what would have had to wait.
 */
export async function paced(pool: ConnectionPool, load: Load & { readonly perSecond: number }): Promise<Figures> {
  const times: number[] = [];
  const running: Promise<void>[] = [];
  const start = performance.now();
  const count = Math.round(load.seconds * load.perSecond);
  const one = async (n: number): Promise<void> => {
    const connection = await pool.take();
    times.push(await timed(connection, load, n));
    pool.giveBack(connection);
  };
  for (let n = 0; n < count; n += 1) {
    const wait = start + (n * 1000) / load.perSecond - performance.now();
    if (wait > 0) await delay(wait);
    const answered = one(n);
    answered.catch(() => undefined); // thrown below, when all are awaited
    running.push(answered);
  }
  await Promise.all(running);
  return figuresOf(times);
}

async function timed(connection: HttpConnection, { next, status }: Load, n: number): Promise<number> {
  const request = next(n);
  const start = performance.now();
  const answer = await connection.request(request);
  const time = performance.now() - start;
  if (answer.status !== status) throw new Error(`${request.path} answered ${answer.status}: ${answer.body}`);
  return time;
}

export const figuresOf = (times: readonly number[]): Figures => ({
  p50: quantile(times, 0.5),
  p95: quantile(times, 0.95),
  p99: quantile(times, 0.99),
});
