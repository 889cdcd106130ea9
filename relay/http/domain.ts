/** /v1/domain: what must stand in the DNS for the relay's domain, and whether it does. Its MTA-STS policy (RFC 8461). */
import type { BrokerDeps } from '../broker/deps.ts';
import {
  checkOwnDomain,
  type DomainView,
  type RecordCheck,
  rotateDkim,
  viewDomain,
  type ZoneRecord,
} from '../broker/outbox/domain-desk.ts';
import { RelayError } from '../errors.ts';
import * as wire from '../wire-domain.ts';
import { type Route, route } from './route.ts';

export function domainRoutes(deps: BrokerDeps): Route[] {
  return [
    route({
      method: 'get',
      path: '/v1/domain',
      who: 'admin',
      summary: "The DNS records of the relay's domain",
      answer: wire.Domain,
      handle: async () => ({ body: wireDomain(viewDomain(deps)) }),
    }),
    route({
      method: 'get',
      path: '/v1/domain/check',
      who: 'admin',
      summary: 'Looks them up in the DNS, and says what to do',
      answer: wire.DomainCheck,
      async handle() {
        const results = (await checkOwnDomain(deps)).map(wireCheck);
        const ok = results.every(({ needed, status }) => !needed || status === 'ok');
        return { body: { domain: deps.settings.domain, ok, results } };
      },
    }),
    route({
      method: 'post',
      path: '/v1/domain/keys',
      who: 'admin',
      summary: 'Makes the next DKIM keys; when they stand in the DNS, called again, uses them',
      answer: wire.DomainKeys,
      errors: ['state_conflict'],
      async handle() {
        const done = await rotateDkim(deps);
        return { body: { done, domain: wireDomain(viewDomain(deps)) } };
      },
    }),
    policyRoute(deps),
  ];
}

const policyRoute = (deps: BrokerDeps): Route =>
  route({
    method: 'get',
    path: '/.well-known/mta-sts.txt',
    who: 'anyone',
    summary: "The domain's MTA-STS policy (RFC 8461), where the relay has a certificate for its mail",
    media: 'text/plain',
    errors: ['not_found'],
    async handle({ res }) {
      const { policy } = viewDomain(deps);
      if (policy === null) throw new RelayError('not_found', { message: 'This domain has no MTA-STS policy.' });
      res.setHeader('Content-Type', 'text/plain');
      res.end(policy.text);
      return undefined;
    },
  });

const wireDomain = ({ domain, isPublic, records, policy }: DomainView): wire.WireDomain => ({
  domain,
  public: isPublic,
  records: records.map(wireRecord),
  policy,
});

const wireRecord = (record: ZoneRecord): wire.WireDomain['records'][number] => ({
  purpose: record.purpose,
  name: record.name,
  type: record.type,
  value: record.value,
  zone: record.zone,
  needed: record.needed,
  why: record.why,
});

const wireCheck = ({ record, status, found, advice }: RecordCheck): wire.WireDomainCheck['results'][number] => ({
  purpose: record.purpose,
  name: record.name,
  type: record.type,
  needed: record.needed,
  status,
  found: [...found],
  advice,
});
