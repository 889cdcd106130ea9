/** /v1/agents/me/leases: handing out by API, with a long poll; giving back. */
import { claim, releaseLease, type WaitForMail } from '../broker/claims.ts';
import type { BrokerDeps } from '../broker/deps.ts';
import { invalidRequest } from '../errors.ts';
import * as wire from '../wire.ts';
import { durationField } from './duration-field.ts';
import { type Route, route } from './route.ts';
import { viewMessage } from './views.ts';

const DEFAULT_MAX = 10;
const LONGEST_LEASE = '24h';
const LONGEST_WAIT = '10m';

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
        if (body.confirm_previous && (body.session_id ?? sessionId) === null) {
          // Without a session it would confirm what another worker of the same agent was handed.
          throw invalidRequest([{ path: 'session_id', message: 'is needed where confirm_previous is set' }]);
        }
        const result = await claim(deps, wait, {
          caller: agent(),
          sessionId: body.session_id ?? sessionId,
          path: isTool ? 'tool' : 'api',
          max: body.max ?? DEFAULT_MAX,
          leaseMs: durationField('lease', body.lease, LONGEST_LEASE) ?? deps.settings.leaseMs,
          waitMs: durationField('wait', body.wait, LONGEST_WAIT) ?? 0,
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
      errors: ['state_conflict'],
      handle: async ({ agent, param }) => ({
        body: { released: await releaseLease(deps, agent().agent.id, param('id')) },
      }),
    }),
  ];
}
