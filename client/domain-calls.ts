/** The part of the HTTP interface that is about the relay's own domain, as methods of `client.domain`. */
import type { z } from 'zod';
import { Domain, DomainCheck, DomainKeys } from '../relay/wire-domain.ts';
import type { Call } from './turnpost-client.ts';

/** One request and its checked answer. */
type Ask = <T extends z.ZodType>(method: string, path: string, schema: T, call?: Call) => Promise<z.infer<T>>;

/** Each record is looked up, and a DNS server may be slow. */
const LOOK_UP_MS = 30_000;

export type DomainCalls = ReturnType<typeof domainCalls>;

export function domainCalls(ask: Ask) {
  return {
    view: () => ask('GET', '/v1/domain', Domain),
    check: () => ask('GET', '/v1/domain/check', DomainCheck, { waitMs: LOOK_UP_MS }),
    rotateKeys: () => ask('POST', '/v1/domain/keys', DomainKeys, { body: {}, waitMs: LOOK_UP_MS }),
  };
}
