/** /v1/suppressions: addresses that get no email from here, and the way back. */
import type { BrokerDeps } from '../broker/deps.ts';
import { unsuppress } from '../broker/outbox/suppression.ts';
import * as wire from '../wire.ts';
import { type Route, route } from './route.ts';
import { viewPage, viewSuppression } from './views.ts';

const DEFAULT_PAGE = 50;

export function suppressionRoutes(deps: BrokerDeps): Route[] {
  return [
    route({
      method: 'get',
      path: '/v1/suppressions',
      who: 'admin',
      summary: 'Addresses that get no email from here, with the reason, newest first',
      query: wire.PageQuery,
      answer: wire.page(wire.Suppression),
      async handle({ query: { cursor, limit = DEFAULT_PAGE } }) {
        return { body: viewPage(await deps.stores.suppressions.list({ cursor, limit }), viewSuppression) };
      },
    }),
    route({
      method: 'delete',
      path: '/v1/suppressions/:address',
      who: 'admin',
      summary: 'Let email go to that address again',
      answer: wire.RemovedSuppressions,
      errors: ['not_found'],
      async handle({ param }) {
        const address = param('address').toLowerCase();
        return { body: { address, removed: await unsuppress(deps, address) } };
      },
    }),
  ];
}
