/** GET /metrics for Prometheus: for admins, and for anybody on this machine. */
import type { RequestHandler } from 'express';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { BrokerDeps, CountedEvent } from '../broker/deps.ts';
import { authenticate } from '../broker/keys.ts';
import { RelayError } from '../errors.ts';
import { bearer } from './bearer.ts';
import { isLoopback } from './guard.ts';
import { type Route, route } from './route.ts';

export interface Metrics {
  readonly registry: Registry;
  readonly count: (event: CountedEvent, by?: number) => void;
  /** Counts and times every request by its route. */
  readonly observe: RequestHandler;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'turnpost_' });
  const events = new Counter({
    name: 'turnpost_events_total',
    help: 'What happened to mail',
    labelNames: ['event'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'turnpost_http_request_seconds',
    help: 'Time to answer, long polls included',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 2, 10],
    registers: [registry],
  });
  return {
    registry,
    count: (event, by = 1) => {
      if (by > 0) events.inc({ event }, by);
    },
    observe(req, res, next) {
      const end = seconds.startTimer();
      res.on('finish', () => end({ method: req.method, route: routeOf(req.route), status: String(res.statusCode) }));
      next();
    },
  };
}

/** Express's matched route; never the path itself, which holds ids. */
function routeOf(matched: unknown): string {
  const path = typeof matched === 'object' && matched !== null && 'path' in matched ? matched.path : undefined;
  return typeof path === 'string' ? path : 'none';
}

export function metricsRoute(deps: BrokerDeps, { registry }: Metrics, countWaiters: () => number): Route {
  const open = new Gauge({
    name: 'turnpost_deliveries_open',
    help: 'Open deliveries by state',
    labelNames: ['state'],
    registers: [registry],
  });
  const waiters = new Gauge({ name: 'turnpost_waiters', help: 'Callers waiting for mail', registers: [registry] });
  return route({
    method: 'get',
    path: '/metrics',
    who: 'anyone',
    summary: 'Figures for Prometheus: for an admin, or without a key from this machine',
    media: 'text/plain',
    errors: ['unauthorized'],
    async handle({ req, res }) {
      const isLocal = isLoopback(req) && bearer(req) === undefined;
      const key = isLocal ? undefined : (await authenticate(deps, bearer(req))).key;
      if (key?.scope === 'agent')
        throw new RelayError('forbidden', { message: 'Only an admin key may read the metrics.' });
      open.reset();
      for (const [state, n] of await deps.stores.deliveries.countOpen()) open.set({ state }, n);
      waiters.set(countWaiters());
      res.type(registry.contentType).send(await registry.metrics());
      return undefined;
    },
  });
}
