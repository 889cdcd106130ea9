/** Health, readiness, the published keys, the description of the interface. */
import type { BrokerDeps } from '../broker/deps.ts';
import * as wire from '../wire.ts';
import { openApi } from './openapi.ts';
import { type Route, route } from './route.ts';

export interface MetaOptions {
  readonly version: string;
  /** What is not ready, e.g. `imap:you@example.com/INBOX`; empty: all is. */
  readonly notReady: () => readonly string[];
}

/** `others`: all other routes, which the description is made from. */
export function metaRoutes(deps: BrokerDeps, { version, notReady }: MetaOptions, others: readonly Route[]): Route[] {
  const rows: Route[] = [
    route({
      method: 'get',
      path: '/v1/health',
      who: 'anyone',
      summary: 'The relay is up',
      answer: wire.Health,
      handle: async () => ({ body: { status: 'ok', version } }),
    }),
    route({
      method: 'get',
      path: '/v1/ready',
      who: 'anyone',
      summary: 'Everything it needs is there: 200, else 503 with what is not',
      answer: wire.Ready,
      otherAnswers: { 503: wire.Ready },
      async handle() {
        const not_ready = [...notReady()];
        return { status: not_ready.length === 0 ? 200 : 503, body: { ready: not_ready.length === 0, not_ready } };
      },
    }),
    route({
      method: 'get',
      path: '/.well-known/jwks.json',
      who: 'anyone',
      summary: "The public keys of the messages' signatures (RFC 7517)",
      async handle({ res }) {
        res.setHeader('Cache-Control', 'public, max-age=3600');
        return { body: deps.signer.jwks() };
      },
    }),
    route({
      method: 'get',
      path: '/openapi.json',
      who: 'anyone',
      summary: 'This description',
      handle: async () => ({ body: description }),
    }),
  ];
  const description = openApi([...rows, ...others], version);
  return rows;
}
