/** The relay's own domain: what must stand in the DNS for it, whether it does, and new DKIM keys. */
import { isPublicDomain } from '../../config-values.ts';
import { RelayError } from '../../errors.ts';
import { policyUrl } from '../../mail/courier/mta-sts.ts';
import { checkDomain, type RecordCheck } from '../../mail/domain/domain-check.ts';
import {
  type DomainFacts,
  type DomainRecord,
  domainRecords,
  stsPolicyText,
  zoneLine,
} from '../../mail/domain/domain-records.ts';
import type { BrokerDeps } from '../deps.ts';

export type { RecordCheck };

/** A record, and how a zone file has it. */
export type ZoneRecord = DomainRecord & { readonly zone: string };

export interface DomainView {
  readonly domain: string;
  /** Others can ask the DNS for it; else nothing can be published. */
  readonly isPublic: boolean;
  readonly records: readonly ZoneRecord[];
  /** The MTA-STS policy (RFC 8461) and where it must be found. */
  readonly policy: { readonly url: string; readonly text: string } | null;
}

export function viewDomain(deps: BrokerDeps): DomainView {
  const { domain } = deps.settings;
  if (!isPublicDomain(domain)) return { domain, isPublic: false, records: [], policy: null };
  const facts = factsOf(deps);
  const text = stsPolicyText(facts);
  return {
    domain,
    isPublic: true,
    records: domainRecords(facts).map((record) => ({ ...record, zone: zoneLine(record) })),
    policy: text === null ? null : { url: policyUrl(domain), text },
  };
}

/** Looks each record up. Nothing is published for a name of this machine, and nothing is wrong with it. */
export async function checkOwnDomain(deps: BrokerDeps): Promise<readonly RecordCheck[]> {
  return checkDomain(deps, factsOf(deps), viewDomain(deps).records);
}

/**
 * The next pair of DKIM keys is made; called again when it stands in the DNS, it signs from now on. Throws
 * `state_conflict` where it does not stand there yet, and for a domain that nobody can ask the DNS for.
 */
export async function rotateDkim(deps: BrokerDeps): Promise<'made' | 'switched'> {
  if (!isPublicDomain(deps.settings.domain))
    throw new RelayError('state_conflict', {
      message: `${deps.settings.domain} is no domain of the DNS: its mail is not signed.`,
    });
  const now = deps.clock.now();
  const next = deps.dkim.published(now).filter(({ use }) => use === 'next');
  if (next.length === 0) {
    await deps.dkim.makeNext(now);
    return 'made';
  }
  const open = (await checkOwnDomain(deps)).filter(
    ({ record, status }) => status !== 'ok' && next.some(({ selector }) => record.name.startsWith(`${selector}.`)),
  );
  if (open.length > 0)
    throw new RelayError('state_conflict', {
      message: `The next keys are not in the DNS yet. ${open.map(({ advice }) => advice).join(' ')} Then ask again.`,
    });
  await deps.dkim.switchToNext(now);
  return 'switched';
}

function factsOf({ settings, dkim, clock }: BrokerDeps): DomainFacts {
  const { mailHost, takesMail, certified, through } = settings.outbound;
  const { domain, owner } = settings;
  return { domain, mailHost, takesMail, certified, through, owner, keys: dkim.published(clock.now()) };
}
