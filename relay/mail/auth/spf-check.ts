/** SPF (RFC 7208): may this client send for the domain of MAIL FROM, or of HELO where that is empty? */
import { spf } from 'mailauth/lib/spf/index.js';
import type { IntakeSource } from '../contracts.ts';
import { mailauthResolver, type Resolver } from '../dns.ts';

export interface SpfFindings {
  /** In the words of RFC 7208 section 2.6. */
  readonly result: string;
  /** The domain that was asked for; '' where none was. */
  readonly domain: string;
}

export const NO_SPF: SpfFindings = { result: 'none', domain: '' };

/** RFC 7208 section 4.6.4: no more than 10 terms that ask, no more than 2 that find nothing. */
const MOST_LOOKUPS = 10;
const MOST_VOID = 2;

export async function checkSpf(
  { remote, hello, envelopeFrom }: Extract<IntakeSource, { kind: 'smtp' }>,
  resolver: Resolver,
): Promise<SpfFindings> {
  // Mail handed over on this machine: no record speaks of these addresses, and the sending server is not known.
  if (isLoopback(remote)) return NO_SPF;
  const { status, domain } = await spf({
    sender: envelopeFrom,
    ip: remote,
    helo: hello,
    // Only a macro of the explanation would show it (RFC 7208 section 7.3).
    mta: 'relay.invalid',
    maxResolveCount: MOST_LOOKUPS,
    maxVoidCount: MOST_VOID,
    resolver: mailauthResolver(resolver),
    strict: true,
  });
  return { result: status.result, domain };
}

export const isLoopback = (remote: string): boolean => /^(?:(?:::ffff:)?127\.|::1$)/i.test(remote);
