/**
 * What one mail may ask of the DNS: each question once, so many questions, so much time. A sender chooses the names that
 * are asked for (RFC 7208 section 11.1), and must not be able to keep the relay busy with them.
 *
 * Past a limit every question fails with ETIMEOUT, which is a temporary error to whoever asked.
 */
import type { Clock } from '../../clock.ts';
import type { DnsRecords, Resolver } from '../dns.ts';

export interface DnsLimits {
  readonly questions: number;
  readonly ms: number;
}

export interface LimitedDns {
  readonly resolve: Resolver;
  /** Ends the timer. */
  close(): void;
}

export function limitDns(resolver: Resolver, limits: DnsLimits, clock: Clock): LimitedDns {
  const done = new AbortController();
  const answers = new Map<string, Promise<DnsRecords>>();
  let timeUp: Promise<never> | undefined;
  const inTime = (name: string, rrtype: string): Promise<DnsRecords> => {
    timeUp ??= clock.sleep(limits.ms, done.signal).then(() => Promise.reject(dnsError('ETIMEOUT', name)));
    timeUp.catch(() => undefined);
    return Promise.race([resolver(name, rrtype), timeUp]);
  };
  return {
    resolve(name, rrtype) {
      const question = `${rrtype} ${name.toLowerCase()}`;
      const known = answers.get(question);
      if (known !== undefined) return known;
      const answer =
        answers.size < limits.questions ? inTime(name, rrtype) : Promise.reject(dnsError('ETIMEOUT', name));
      answer.catch(() => undefined);
      answers.set(question, answer);
      return answer;
    },
    close: () => done.abort(),
  };
}

/** RFC 6761 sections 6.2 to 6.5: nothing outside this machine or network can know these. */
const SPECIAL = /(?:^|\.)(?:localhost|test|example|invalid)\.?$/i;

/** A resolver that does not take special-use names out into the world. */
export function withoutSpecialNames(resolver: Resolver): Resolver {
  return (name, rrtype) => (SPECIAL.test(name) ? Promise.reject(dnsError('ENOTFOUND', name)) : resolver(name, rrtype));
}

function dnsError(code: string, name: string): Error {
  return Object.assign(new Error(`query ${code} ${name}`), { code, hostname: name });
}
