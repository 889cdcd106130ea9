/**
 * DMARC (RFC 9989): does something that passed speak for the author's domain? The organizational domain is found by the
 * DNS tree walk of section 4.10, alignment is relaxed or strict as the domain's record says.
 */
import { evaluateDmarc } from 'mailauth/lib/dmarc/index.js';
import { mailauthResolver, type Resolver } from '../dns.ts';

export interface Identifiers {
  /** Domains that passed SPF, or that SPF did not know of for now. */
  readonly spf: readonly string[];
  readonly dkim: readonly string[];
}

export interface DmarcFindings {
  readonly result: 'pass' | 'fail' | 'none' | 'temperror' | 'permerror';
  /** What the domain's owner asks to do with what fails; `none` where there is no record. */
  readonly policy: 'none' | 'quarantine' | 'reject';
}

export const NO_DMARC: DmarcFindings = { result: 'none', policy: 'none' };

/**
 * `unknown`: identifiers of which the DNS said nothing for now. Where one of them would be the only one that aligns, the
 * result is temperror; where none would, that they are unknown does not matter.
 */
export async function checkDmarc(
  author: string,
  passed: Identifiers,
  unknown: Identifiers,
  resolver: Resolver,
): Promise<DmarcFindings> {
  const sure = await evaluate(author, passed, resolver);
  if (sure.result !== 'fail' || (unknown.spf.length === 0 && unknown.dkim.length === 0)) return sure;
  const hoped = await evaluate(author, unknown, resolver);
  return hoped.result === 'fail' ? sure : { ...sure, result: 'temperror' };
}

async function evaluate(author: string, { spf, dkim }: Identifiers, resolver: Resolver): Promise<DmarcFindings> {
  const { response } = await evaluateDmarc({
    headerFrom: author,
    fromFields: 1,
    spfDomains: [...spf],
    dkimDomains: dkim.map((domain) => ({ domain })),
    resolver: mailauthResolver(resolver),
    strict: true,
  });
  if (response === false) return NO_DMARC;
  return { result: resultOf(response.status.result), policy: policyOf(response.policy) };
}

function resultOf(result: string): DmarcFindings['result'] {
  const known = ['pass', 'fail', 'none', 'temperror', 'permerror'] as const;
  return known.find((one) => one === result) ?? 'none';
}

function policyOf(policy: string | undefined): DmarcFindings['policy'] {
  return policy === 'quarantine' || policy === 'reject' ? policy : 'none';
}

/** Is one the other, or below it? Says less than alignment, and needs no DNS. */
export const isRelated = (a: string, b: string): boolean => a === b || a.endsWith(`.${b}`) || b.endsWith(`.${a}`);
