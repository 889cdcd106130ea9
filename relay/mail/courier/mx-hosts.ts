/** Which servers take a domain's mail, and where they are (RFC 5321 section 5.1, RFC 7505). */
import type { Clock } from '../../clock.ts';
import { isPublicDomain } from '../../config-values.ts';
import type { Outcome } from '../../types.ts';
import { lookUpAddresses, lookUpMx, type MxRecord, type Resolver } from '../dns.ts';

/** More are not tried for one mail in one attempt. */
const MOST_HOSTS = 5;
const MOST_ADDRESSES = 2;

/** Host names, the most preferred first; or the outcome, where there are none. */
export async function findMxHosts(
  resolver: Resolver,
  clock: Clock,
  domain: string,
): Promise<readonly string[] | Outcome> {
  if (!isPublicDomain(domain)) return refused(`5.1.2 ${domain} is not a domain of the DNS`);
  const found = await lookUpMx(resolver, domain);
  if (found.kind === 'failed') return { kind: 'deferred', reason: found.reason, code: null };
  // RFC 5321 section 5.1: without an MX record the domain itself is its mail server.
  if (found.kind === 'absent') return await implicitMx(resolver, domain);
  const named = found.records.filter(({ exchange }) => exchange !== '' && exchange !== '.');
  // RFC 7505 section 4.1: it says that it takes no mail.
  if (named.length === 0) return refused(`5.1.10 ${domain} takes no mail`);
  return shuffleEqual(named, clock).slice(0, MOST_HOSTS);
}

async function implicitMx(resolver: Resolver, domain: string): Promise<readonly string[] | Outcome> {
  const looked = await Promise.all((['A', 'AAAA'] as const).map((family) => lookUpAddresses(resolver, domain, family)));
  if (looked.some(({ kind }) => kind === 'found')) return [domain];
  const failed = looked.find((one) => one.kind === 'failed');
  if (failed?.kind === 'failed') return { kind: 'deferred', reason: failed.reason, code: null };
  return refused(`5.1.2 ${domain} has no mail server`);
}

const refused = (text: string): Outcome => ({ kind: 'refused', reason: text, code: null });

/** RFC 5321 section 5.1: those of one preference in any order, so that the load is shared. */
function shuffleEqual(records: readonly MxRecord[], clock: Clock): string[] {
  const drawn = records.map(({ exchange, priority }) => ({ exchange, priority, lot: clock.chance() }));
  return [
    ...new Set(drawn.toSorted((a, b) => a.priority - b.priority || a.lot - b.lot).map(({ exchange }) => exchange)),
  ];
}

export interface FoundAddresses {
  readonly addresses: readonly string[];
  /** Why there is none that may be connected to. */
  readonly reason: string;
}

/** Addresses of a host by both families, those left out that mail must not be sent to. */
export async function findAddresses(
  resolver: Resolver,
  host: string,
  mayConnect: (address: string) => boolean,
): Promise<FoundAddresses> {
  const looked = await Promise.all((['A', 'AAAA'] as const).map((family) => lookUpAddresses(resolver, host, family)));
  const all = looked.map((one) => (one.kind === 'found' ? one.records : []));
  const allowed = all.flatMap((records) => records.filter(mayConnect).slice(0, MOST_ADDRESSES));
  const failed = looked.find((one) => one.kind === 'failed');
  const reason =
    failed?.kind === 'failed'
      ? failed.reason
      : all.flat().length > 0
        ? `${host} is not on the public internet`
        : `${host} has no address`;
  return { addresses: allowed, reason };
}
