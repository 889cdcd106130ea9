/** /v1/intake: mail by signed HTTP requests, from a worker at the edge or from Amazon SES. Off until the settings say otherwise. */
import type { Request } from 'express';
import type { BrokerDeps } from '../broker/deps.ts';
import { checkRequest, type SignedRequest, takeRequest } from '../broker/intake/http-intake.ts';
import { checkSesOn, takeFromSns } from '../broker/intake/ses-intake.ts';
import * as wire from '../wire.ts';
import { type Route, route } from './route.ts';

export function intakeRoutes(deps: BrokerDeps): Route[] {
  return [
    route({
      method: 'post',
      path: '/v1/intake/email',
      who: 'anyone',
      summary: 'An email as it came, signed as Standard Webhooks say; 200 when it is on disk',
      bytes: { media: 'message/rfc822', check: (req) => checkRequest(deps, signedRequest(req)) },
      answer: wire.Taken,
      errors: ['unauthorized', 'not_found', 'recipient_unknown', 'blocked_by_policy', 'unavailable'],
      async handle({ req, bytes }): Promise<{ body: wire.WireTaken }> {
        await takeRequest(deps, signedRequest(req), bytes());
        return { body: { taken: true } };
      },
    }),
    route({
      method: 'post',
      path: '/v1/intake/ses',
      who: 'anyone',
      summary: 'A notification of Amazon SES by SNS, signed by SNS: mail that came in, bounces and complaints',
      bytes: { media: 'text/plain', check: () => checkSesOn(deps) },
      answer: wire.Taken,
      errors: ['unauthorized', 'not_found', 'unavailable'],
      async handle({ bytes }): Promise<{ body: wire.WireTaken }> {
        return { body: { taken: await takeFromSns(deps, bytes()) } };
      },
    }),
  ];
}

function signedRequest(req: Request): SignedRequest {
  const field = (name: string): string => req.get(name)?.trim() ?? '';
  return {
    id: field('webhook-id'),
    timestamp: field('webhook-timestamp'),
    signature: field('webhook-signature'),
    envelopeFrom: field('x-envelope-from'),
    envelopeTo: field('x-envelope-to'),
  };
}
