/** How mail goes out: through the server that the settings name, straight to each domain's servers, or not at all. */
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { Courier } from '../contracts.ts';
import type { Resolver } from '../dns.ts';
import type { TokensFor } from '../oauth/mail-login.ts';
import type { WebFetch } from '../web/web-fetch.ts';
import { smtpCourier } from './courier.ts';
import { stsPolicies } from './mta-sts.ts';
import { mxCourier } from './mx-courier.ts';

export function openCourier(options: {
  /** A server's URL, or `mx:`. */
  readonly smtpUrl?: string | undefined;
  readonly mailHost: string;
  readonly ca: string | undefined;
  readonly tokens: TokensFor;
  readonly resolver: Resolver;
  readonly fetch: WebFetch;
  readonly clock: Clock;
  readonly log: Log;
}): Courier | undefined {
  const { smtpUrl, mailHost, ca, tokens, resolver, fetch, clock, log } = options;
  if (smtpUrl === undefined) return undefined;
  if (smtpUrl !== 'mx:') return smtpCourier({ url: smtpUrl, tokens, ca, clock, log });
  const policies = stsPolicies({ resolver, fetch, clock });
  return mxCourier({ resolver, policies, hello: mailHost, ca, clock, log });
}
