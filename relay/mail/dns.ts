/**
 * Questions to the DNS, through one function that is handed in: the system's resolver, or in tests zone data.
 *
 * A resolver answers as node:dns/promises `resolve` does, which is the shape that mailauth wants, and rejects with an
 * error that has `code`: ENOTFOUND and ENODATA mean that there is no such record, everything else that it is not known.
 */
import { Resolver as CaresResolver } from 'node:dns/promises';

export interface MxRecord {
  readonly exchange: string;
  readonly priority: number;
}

/** TXT: the strings of each record; A, AAAA, PTR, CNAME, NS: a text each. */
export type DnsRecords = readonly string[] | readonly (readonly string[])[] | readonly MxRecord[];

export type Resolver = (name: string, rrtype: string) => Promise<DnsRecords>;

const TIMEOUT_MS = 4_000;
const TRIES = 2;

/** The resolver of the machine. A server that is silent is asked twice, and ends in ETIMEOUT. */
export function systemResolver(): Resolver {
  const cares = new CaresResolver({ timeout: TIMEOUT_MS, tries: TRIES });
  // The types of this method go by literal record types; DnsRecords names what those asked for here give.
  return async (name, rrtype) => (await cares.resolve(name, rrtype)) as DnsRecords;
}

/** The same function as mailauth's type wants it, which leaves MX out. */
export function mailauthResolver(resolver: Resolver): (name: string, rrtype: string) => Promise<string[][] | string[]> {
  // mailauth reads `exchange` and `priority` of what an MX question gives, whatever its type says.
  return async (name, rrtype) => (await resolver(name, rrtype)) as string[][] | string[];
}

/** What a look-up found; `failed` is not an answer, and asking again later may give one. */
export type Lookup<T> =
  | { readonly kind: 'found'; readonly records: readonly T[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly reason: string };

/** TXT records, the strings of each joined (RFC 7208 section 3.3, RFC 6376 section 3.6.2.2). */
export function lookUpText(resolver: Resolver, name: string): Promise<Lookup<string>> {
  return lookUp(resolver, name, 'TXT', (record) => (Array.isArray(record) ? record.join('') : String(record)));
}

/** MX records, the most preferred first. A null MX (RFC 7505) is one with exchange "" or ".". */
export async function lookUpMx(resolver: Resolver, name: string): Promise<Lookup<MxRecord>> {
  const found = await lookUp(resolver, name, 'MX', (record) => {
    // Node gives these two members for MX.
    const { exchange, priority } = record as MxRecord;
    return { exchange: exchange.toLowerCase().replace(/\.$/, ''), priority };
  });
  if (found.kind !== 'found') return found;
  return { kind: 'found', records: found.records.toSorted((a, b) => a.priority - b.priority) };
}

export function lookUpAddresses(resolver: Resolver, name: string, family: 'A' | 'AAAA'): Promise<Lookup<string>> {
  return lookUp(resolver, name, family, String);
}

async function lookUp<T>(
  resolver: Resolver,
  name: string,
  rrtype: string,
  read: (record: DnsRecords[number]) => T,
): Promise<Lookup<T>> {
  try {
    const records = await resolver(name, rrtype);
    return records.length === 0
      ? { kind: 'absent' }
      : { kind: 'found', records: records.map((record) => read(record)) };
  } catch (error) {
    // An Error of node:dns has a code; anything else has none and counts as failed.
    const code = String((error as { code?: unknown } | null)?.code ?? 'no code');
    return isAbsence(code)
      ? { kind: 'absent' }
      : { kind: 'failed', reason: `DNS does not tell ${rrtype} of ${name}: ${code}` };
  }
}

/** EBADNAME: a name that the DNS cannot hold is one that it does not hold. */
function isAbsence(code: string): boolean {
  return ['ENOTFOUND', 'ENODATA', 'EBADNAME'].includes(code);
}
