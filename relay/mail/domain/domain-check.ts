/** Looks up what domain-records.ts says must be published, and says for each record whether it is there and what to do. */

import { mayBeMx, policyUrl, readPolicy } from '../courier/mta-sts.ts';
import { type Lookup, lookUpAddresses, lookUpMx, lookUpText, type Resolver } from '../dns.ts';
import type { WebFetch } from '../web/web-fetch.ts';
import { type DomainFacts, type DomainRecord, senders, stsPolicyText } from './domain-records.ts';

export interface RecordCheck {
  readonly record: DomainRecord;
  /** `unknown`: the DNS did not answer. */
  readonly status: 'ok' | 'missing' | 'wrong' | 'unknown';
  readonly found: readonly string[];
  /** What to do; null where nothing. */
  readonly advice: string | null;
}

interface World {
  readonly resolver: Resolver;
  readonly fetch: WebFetch;
}

export function checkDomain(
  world: World,
  facts: DomainFacts,
  records: readonly DomainRecord[],
): Promise<RecordCheck[]> {
  return Promise.all(records.map((record) => checkRecord(world, facts, record)));
}

async function checkRecord(world: World, facts: DomainFacts, record: DomainRecord): Promise<RecordCheck> {
  if (record.purpose === 'mx') return checkMx(world, facts, record);
  const looked = await lookUpText(world.resolver, record.name);
  if (looked.kind === 'failed') return unknown(record, looked.reason);
  const texts = looked.kind === 'absent' ? [] : looked.records;
  const kindOf = BEGINNINGS[record.purpose];
  const found = texts.filter((text) => kindOf.test(text));
  const [only] = found;
  if (only === undefined) return { record, status: 'missing', found: [], advice: publish(record) };
  if (found.length > 1)
    return wrong(record, found, `there are ${found.length} of them, and then none counts: leave one`);
  const problem = problemOf(facts, record, only);
  if (problem !== null) return wrong(record, found, problem);
  const policyProblem = record.purpose === 'mta_sts' ? await checkPolicy(world, facts) : null;
  return policyProblem === null ? { record, status: 'ok', found, advice: null } : wrong(record, found, policyProblem);
}

/** By these a record of that purpose is told from other TXT records of the name. */
const BEGINNINGS = {
  spf: /^v=spf1(?: |$)/i,
  dkim: /(?:^|;)\s*p\s*=/,
  dmarc: /^v\s*=\s*DMARC1\s*(?:;|$)/,
  mta_sts: /^v=STSv1[ \t]*;/,
  tls_rpt: /^v=TLSRPTv1[ \t]*;/,
} as const;

const publish = ({ name, type, value }: DomainRecord): string => `Publish at ${name}: ${type} ${value}`;
const unknown = (record: DomainRecord, reason: string): RecordCheck => ({
  record,
  status: 'unknown',
  found: [],
  advice: `${reason}. Try again later.`,
});
const wrong = (record: DomainRecord, found: readonly string[], problem: string): RecordCheck => ({
  record,
  status: 'wrong',
  found,
  advice: `${problem}. ${publish(record)}`,
});

async function checkMx({ resolver }: World, { mailHost }: DomainFacts, record: DomainRecord): Promise<RecordCheck> {
  const looked = await lookUpMx(resolver, record.name);
  if (looked.kind === 'failed') return unknown(record, looked.reason);
  if (looked.kind === 'absent') return { record, status: 'missing', found: [], advice: publish(record) };
  const found = looked.records.map(({ priority, exchange }) => `${priority} ${exchange}`);
  if (!looked.records.some(({ exchange }) => exchange === mailHost))
    return wrong(record, found, `none of them is ${mailHost} (TURNPOST_MAIL_HOST)`);
  const places = await Promise.all(
    (['A', 'AAAA'] as const).map((family) => lookUpAddresses(resolver, mailHost, family)),
  );
  if (places.every(({ kind }) => kind === 'absent'))
    return {
      record,
      status: 'wrong',
      found,
      advice: `${mailHost} has no address. Publish an A or AAAA record for it.`,
    };
  const failed = places.every(({ kind }) => kind !== 'found') ? places.find(isFailure) : undefined;
  return failed === undefined ? { record, status: 'ok', found, advice: null } : unknown(record, failed.reason);
}

const isFailure = (one: Lookup<string>): one is Extract<Lookup<string>, { kind: 'failed' }> => one.kind === 'failed';

/** Null where the record does what it is for, also where it is written otherwise than we would. */
function problemOf(facts: DomainFacts, record: DomainRecord, text: string): string | null {
  switch (record.purpose) {
    case 'spf':
      return spfProblem(facts, text);
    case 'dkim':
      return tagOf(text, 'p') === tagOf(record.value, 'p') ? null : 'it holds another key';
    case 'dmarc':
      return dmarcProblem(text);
    case 'mta_sts':
      return /;\s*id=[A-Za-z0-9]{1,32}\s*(?:;|$)/.test(text) ? null : 'it has no id';
    case 'tls_rpt':
      return /;\s*rua=(?:mailto|https):/.test(text) ? null : 'it names nobody to report to';
    default:
      return null;
  }
}

/** RFC 7208 section 4.6.1: mechanisms in any case, "+" may stand before one. */
function spfProblem(facts: DomainFacts, text: string): string | null {
  const terms = text.toLowerCase().split(/ +/).slice(1);
  const missing = senders(facts).filter((one) => !terms.includes(one) && !terms.includes(`+${one}`));
  if (missing.length > 0) return `it does not let ${missing.join(' ')} send`;
  const closes = terms.some((term) => term === '-all' || term === '~all' || term.startsWith('redirect='));
  return closes ? null : 'it does not end in ~all or -all, so anybody may send';
}

function dmarcProblem(text: string): string | null {
  const policy = tagOf(text, 'p');
  if (policy !== 'quarantine' && policy !== 'reject')
    return 'it asks nobody to refuse forged mail (p=quarantine or reject)';
  return tagOf(text, 't') === 'y' ? 'it says that it is only a test (t=y)' : null;
}

/** RFC 6376 section 3.2; white space inside a value does not count. */
function tagOf(text: string, tag: string): string | null {
  const pairs = text
    .split(';')
    .map((pair) => [pair.slice(0, pair.indexOf('=')).trim(), pair.slice(pair.indexOf('=') + 1)]);
  return pairs.find(([name]) => name === tag)?.[1]?.replace(/\s+/g, '') ?? null;
}

async function checkPolicy({ fetch }: World, facts: DomainFacts): Promise<string | null> {
  const url = policyUrl(facts.domain);
  const read = await readPolicy(fetch, facts.domain);
  if (read === undefined)
    return `there is no policy at ${url} (a proxy with a certificate for that name must pass it on to this relay)`;
  if (!mayBeMx(facts.mailHost, read.policy)) return `the policy at ${url} does not name ${facts.mailHost}`;
  return read.policy.mode === 'enforce' || stsPolicyText(facts) === null
    ? null
    : `the policy at ${url} enforces nothing`;
}
