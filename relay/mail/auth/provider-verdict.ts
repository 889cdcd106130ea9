/** What a provider's server found out about a mail, from its Authentication-Results; pure. */
import type { AuthVerdict } from '../../types.ts';
import type { AuthenticationResults, MethodResult } from './authentication-results.ts';
import { domainOf } from './author.ts';

export interface ProviderVerdict {
  readonly auth: AuthVerdict;
  /** DMARC passes for this domain; null where it does not. */
  readonly dmarcPassFor: string | null;
  /** DMARC fails, and the domain's owner does not say that this is nothing. */
  readonly refused: boolean;
  /** The domain of MAIL FROM where SPF passes. */
  readonly spfDomain: string | null;
}

export function readVerdict({ results }: AuthenticationResults): ProviderVerdict {
  const of = (method: string) => results.filter((one) => one.method === method);
  // More than one verdict by one server on one author is none.
  const [dmarc, ...more] = of('dmarc');
  const [spf] = of('spf');
  const sole = more.length === 0 ? dmarc : undefined;
  return {
    auth: {
      spf: word(spf),
      dkim: word(of('dkim').find(({ result }) => result === 'pass') ?? of('dkim')[0]),
      dmarc: word(sole),
      arc: word(of('arc')[0]),
    },
    dmarcPassFor: sole?.result === 'pass' ? (sole.properties.get('header.from')?.toLowerCase() ?? null) : null,
    refused: sole?.result === 'fail' && !saysNone(sole),
    spfDomain:
      spf?.result === 'pass' ? domainOf((spf.properties.get('smtp.mailfrom') ?? '').toLowerCase()) || null : null,
  };
}

const word = (found: MethodResult | undefined): string => keyword(found?.result ?? '');

/** A result is a keyword (RFC 8601 section 2.2); anything else is none, and is shown to nobody. */
export function keyword(result: string): string {
  return /^[a-z-]{1,20}$/.exec(result.toLowerCase())?.[0] ?? 'none';
}

/** The policy stands in a comment, `(p=NONE dis=NONE)`, or in a property of the provider's own. */
function saysNone({ comment, properties }: MethodResult): boolean {
  const published = properties.get('policy.published-domain-policy') ?? properties.get('policy.dmarc');
  const [, said] = /(?:^|[\s,(])p=(\w+)/i.exec(comment) ?? [];
  return (published ?? said ?? '').toLowerCase() === 'none';
}
