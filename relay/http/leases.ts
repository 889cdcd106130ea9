/** /v1/agents/me/leases: handing out by API, with a long poll; giving back. */
import { claim, releaseLease, type WaitForMail } from '../broker/claims.ts';
import type { BrokerDeps } from '../broker/deps.ts';
import { duration } from '../config-values.ts';
import { invalidRequest } from '../errors.ts';
import * as wire from '../wire.ts';
import { type Route, route } from './route.ts';
import { viewMessage } from './views.ts';

const DEFAULT_MAX = 10;
const LONGEST_LEASE_MS = 24 * 3_600_000;

interface LeaseOptions {
  readonly wait: WaitForMail;
  /** Aborts when the relay is about to stop. */
  readonly stopping: AbortSignal;
}

export function leaseRoutes(deps: BrokerDeps, { wait, stopping }: LeaseOptions): Route[] {
  return [
    route({
      method: 'post',
      path: '/v1/agents/me/leases',
      who: 'agent',
      summary: 'Lease what is available; waits for it up to `wait`',
      body: wire.LeaseBody,
      answer: wire.LeaseAnswer,
      async handle({ body, agent, sessionId, isTool, signal }) {
        const result = await claim(deps, wait, {
          caller: agent(),
          sessionId: body.session_id ?? sessionId,
          path: isTool ? 'tool' : 'api',
          max: body.max ?? DEFAULT_MAX,
          leaseMs: within('lease', body.lease, LONGEST_LEASE_MS) ?? deps.settings.leaseMs,
          waitMs: within('wait', body.wait, wire.MAX_WAIT_MS) ?? 0,
          confirmPrevious: body.confirm_previous ?? false,
          signal: AbortSignal.any([signal(), stopping]),
        });
        return {
          body: {
            lease_id: result.lease?.id ?? null,
            lease_expires_at: result.lease === null ? null : new Date(result.lease.expiresAt).toISOString(),
            items: result.items.map(({ message, delivery }) => viewMessage({ message, delivery, deliveries: null })),
            holding: [...result.holding],
          },
        };
      },
    }),
    route({
      method: 'post',
      path: '/v1/agents/me/leases/:id/release',
      who: 'agent',
      summary: 'Give a lease back: what it covers is available again',
      answer: wire.ReleaseAnswer,
      handle: async ({ agent, param }) => ({
        body: { released: await releaseLease(deps, agent().agent.id, param('id')) },
      }),
    }),
  ];
}

function within(path: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const ms = duration(text);
  if (ms > most) throw invalidRequest([{ path, message: `must be at most ${most / 60_000}m` }]);
  return ms;
}
