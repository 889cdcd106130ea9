/**
 * MTA-STS (RFC 8461): which mail servers a domain says it has, and whether mail may go to them only over TLS with a
 * certificate that checks. Policies are fetched over https, without redirects, and remembered for as long as they say.
 */
import { parsePolicy, validateMx } from 'mailauth/lib/mta-sts.js';
import type { Clock } from '../../clock.ts';
import { lookUpText, type Resolver } from '../dns.ts';
import type { WebFetch } from '../web/web-fetch.ts';

export interface StsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none';
  /** `mx.example.com` or `*.example.com`. */
  readonly mx: readonly string[];
}

export interface StsPolicies {
  /** Undefined where the domain has none. Never throws for what DNS or web do: then what is remembered holds. */
  find(domain: string): Promise<StsPolicy | undefined>;
}

interface Known {
  readonly id: string;
  readonly policy: StsPolicy;
  readonly until: number;
}

/** RFC 8461 section 3.3: at most 64 kilobytes; section 3.2: at most a year. */
const MAX_BYTES = 64 * 1024;
const LONGEST_MS = 31_557_600_000;
/** RFC 8461 section 3.3: a fetch that failed is not tried again at once. */
const AGAIN_MS = 5 * 60_000;
const MOST_DOMAINS = 10_000;

export function stsPolicies(world: {
  readonly resolver: Resolver;
  readonly fetch: WebFetch;
  readonly clock: Clock;
}): StsPolicies {
  const { resolver, fetch, clock } = world;
  const known = new Map<string, Known>();
  const failed = new Map<string, { readonly id: string; readonly at: number }>();
  return {
    async find(domain) {
      const remembered = known.get(domain);
      const valid = remembered !== undefined && remembered.until > clock.now() ? remembered : undefined;
      const id = await policyId(resolver, domain);
      // RFC 8461 section 3.1: a policy holds for its time, also where its record is gone or cannot be asked for.
      if (id === undefined || id === valid?.id) return valid?.policy;
      const failure = failed.get(domain);
      if (failure?.id === id && failure.at > clock.now() - AGAIN_MS) return valid?.policy;
      const fetched = await readPolicy(fetch, domain);
      if (fetched === undefined) {
        remember(failed, domain, { id, at: clock.now() });
        return valid?.policy;
      }
      remember(known, domain, { id, policy: fetched.policy, until: clock.now() + fetched.maxAgeMs });
      return fetched.policy;
    },
  };
}

/** The oldest goes where there are too many. */
function remember<T>(map: Map<string, T>, domain: string, value: T): void {
  map.delete(domain);
  map.set(domain, value);
  const [oldest] = map.keys();
  if (map.size > MOST_DOMAINS && oldest !== undefined) map.delete(oldest);
}

/** RFC 8461 section 3.1: one record that begins with v=STSv1; its id changes with the policy. */
async function policyId(resolver: Resolver, domain: string): Promise<string | undefined> {
  const found = await lookUpText(resolver, `_mta-sts.${domain}`);
  const records = found.kind === 'found' ? found.records.filter((record) => /^v=STSv1[ \t]*;/.test(record)) : [];
  const [record] = records;
  if (record === undefined || records.length > 1) return undefined;
  const ids = record.split(';').flatMap((field) => /^\s*id=([A-Za-z0-9]{1,32})\s*$/.exec(field)?.[1] ?? []);
  return ids[0];
}

export const policyUrl = (domain: string): string => `https://mta-sts.${domain}/.well-known/mta-sts.txt`;

/** Undefined for all that is no policy: not there, not 200, not readable. */
export async function readPolicy(
  fetch: WebFetch,
  domain: string,
): Promise<{ readonly policy: StsPolicy; readonly maxAgeMs: number } | undefined> {
  try {
    const { status, body } = await fetch(policyUrl(domain), { maxBytes: MAX_BYTES });
    if (status !== 200) return undefined;
    const { mode, mx = [], maxAge = 0 } = parsePolicy(body, { strict: true });
    if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return undefined;
    return { policy: { mode, mx }, maxAgeMs: Math.min(maxAge * 1000, LONGEST_MS) };
  } catch {
    return undefined;
  }
}

/** RFC 8461 section 4.1. */
export const mayBeMx = (host: string, policy: StsPolicy): boolean =>
  validateMx(host, { mode: policy.mode, mx: [...policy.mx] }).valid;
