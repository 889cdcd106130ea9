/** The Express application: the order of what happens to a request. Express lives in this folder and nowhere else. */
import express, { type Express, type RequestHandler } from 'express';
import { noteToolCall, type WaitForMail } from '../broker/claims.ts';
import type { BrokerDeps } from '../broker/deps.ts';
import { authenticate } from '../broker/keys.ts';
import { SessionTurns } from '../broker/session-turns.ts';
import { agentRoutes } from './agents.ts';
import { bearer } from './bearer.ts';
import { deskRoutes } from './desk.ts';
import { domainRoutes } from './domain.ts';
import { errorHandler, notFound } from './error-handler.ts';
import { hostGuard } from './guard.ts';
import { hookRoutes } from './hooks.ts';
import { inboxRoutes } from './inboxes.ts';
import { intakeRoutes } from './intake.ts';
import { leaseRoutes } from './leases.ts';
import { messageRoutes } from './messages.ts';
import { type MetaOptions, metaRoutes } from './meta.ts';
import { type Metrics, metricsRoute } from './metrics.ts';
import { peopleRoutes } from './people.ts';
import { mount, sessionOf } from './route.ts';
import { suppressionRoutes } from './suppressions.ts';

export interface AppOptions extends MetaOptions {
  /** Host names, besides IP addresses and localhost, under which this relay may be called. */
  readonly hostNames: readonly string[];
  readonly wait: WaitForMail;
  /** Aborts when the relay is about to stop: nobody waits any longer. */
  readonly stopping: AbortSignal;
  readonly countWaiters: () => number;
  readonly metrics: Metrics;
  /** The MCP server; it checks the key of every request itself. */
  readonly mcp: RequestHandler;
}

export function createApp(deps: BrokerDeps, options: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(options.metrics.observe, hostGuard(options.hostNames));
  app.use('/v1', toolCalls(deps));
  // What is called most comes first.
  const routes = [
    ...hookRoutes(new SessionTurns(deps)),
    ...leaseRoutes(deps, options),
    ...messageRoutes(deps),
    ...agentRoutes(deps),
    ...inboxRoutes(deps, options),
    ...deskRoutes(deps),
    ...suppressionRoutes(deps),
    ...domainRoutes(deps),
    ...peopleRoutes(deps),
    ...intakeRoutes(deps),
    metricsRoute(deps, options.metrics, options.countWaiters),
  ];
  mount(app, deps, [...routes, ...metaRoutes(deps, options, routes)]);
  app.all('/mcp', options.mcp);
  app.use(notFound, errorHandler(deps.log, deps.clock));
  return app;
}

/** Our own MCP tools being called starts a new run of injections in that session. */
function toolCalls(deps: BrokerDeps): RequestHandler {
  return async (req, _res, next) => {
    if (req.headers['x-turnpost-client'] === 'mcp' && bearer(req) !== undefined) {
      const { agent, ...caller } = await authenticate(deps, bearer(req));
      if (agent !== null) await noteToolCall(deps, { ...caller, agent }, sessionOf(req));
    }
    next();
  };
}
