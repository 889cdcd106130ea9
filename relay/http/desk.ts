/** /v1/outbox and /v1/holds: what a person looks after. */
import type { BrokerDeps } from '../broker/deps.ts';
import { decideHold } from '../broker/holds.ts';
import { listOutbox } from '../broker/outbox/outbox-view.ts';
import * as wire from '../wire.ts';
import { type Route, route } from './route.ts';
import { viewDelivery, viewHold, viewOutboxItem, viewPage } from './views.ts';

const DEFAULT_PAGE = 50;

export function deskRoutes(deps: BrokerDeps): Route[] {
  const decide = (verb: 'accept' | 'drop', decision: 'accepted' | 'dropped') =>
    route({
      method: 'post',
      path: `/v1/holds/:id/${verb}`,
      who: 'admin',
      summary: verb === 'accept' ? 'Let a held message pass' : 'Drop a held message',
      answer: wire.HoldDecision,
      errors: ['state_conflict'],
      async handle({ param }) {
        const { hold, delivery } = await decideHold(deps, param('id'), decision);
        return { body: { id: hold.id, decision, delivery: viewDelivery(delivery) } };
      },
    });
  return [
    route({
      method: 'get',
      path: '/v1/outbox',
      who: 'admin',
      summary: 'Emails going out, newest first',
      query: wire.PageQuery,
      answer: wire.page(wire.OutboxItem),
      async handle({ query: { cursor, limit = DEFAULT_PAGE } }) {
        return { body: viewPage(await listOutbox(deps, { cursor, limit }), viewOutboxItem) };
      },
    }),
    route({
      method: 'get',
      path: '/v1/holds',
      who: 'admin',
      summary: 'Held and quarantined messages with the reason, newest first',
      query: wire.PageQuery,
      answer: wire.page(wire.HoldItem),
      async handle({ query: { cursor, limit = DEFAULT_PAGE } }) {
        return { body: viewPage(await deps.stores.holds.list({ cursor, limit }), viewHold) };
      },
    }),
    decide('accept', 'accepted'),
    decide('drop', 'dropped'),
  ];
}
