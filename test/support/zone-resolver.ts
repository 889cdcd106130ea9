/** A resolver over zone data: names in lower case without a final dot. The data may be changed while it is in use. */
import type { DnsRecords, MxRecord, Resolver } from '../../relay/mail/dns.ts';

export interface ZoneName {
  readonly A?: readonly string[];
  readonly AAAA?: readonly string[];
  readonly MX?: readonly MxRecord[];
  /** A record, or its strings. */
  readonly TXT?: readonly (string | readonly string[])[];
  readonly PTR?: readonly string[];
  readonly NS?: readonly string[];
  readonly CNAME?: string;
  /** What asking for anything else of this name ends in: ETIMEOUT, ESERVFAIL. */
  readonly fails?: string;
}

export type Zone = Record<string, ZoneName>;

export interface ZoneResolver {
  readonly resolve: Resolver;
  /** `TXT example.com` for each question asked, in order. */
  readonly asked: string[];
}

const MOST_ALIASES = 8;

export function zoneResolver(zone: Zone): ZoneResolver {
  const asked: string[] = [];
  return {
    asked,
    async resolve(name, rrtype) {
      asked.push(`${rrtype} ${name}`);
      return answer(zone, name, rrtype, 0);
    },
  };
}

function answer(zone: Zone, asked: string, rrtype: string, aliases: number): DnsRecords {
  const name = asked.toLowerCase().replace(/\.$/, '');
  const entry = zone[name];
  if (entry === undefined) throw dnsError(hasChildren(zone, name) ? 'ENODATA' : 'ENOTFOUND', name);
  const records = recordsOf(entry, rrtype);
  if (records !== undefined && records.length > 0) return records;
  if (entry.CNAME !== undefined) {
    if (aliases >= MOST_ALIASES) throw dnsError('ESERVFAIL', name);
    return answer(zone, entry.CNAME, rrtype, aliases + 1);
  }
  throw dnsError(entry.fails ?? 'ENODATA', name);
}

function recordsOf(entry: ZoneName, rrtype: string): DnsRecords | undefined {
  switch (rrtype) {
    case 'TXT':
      return entry.TXT?.map((record) => (typeof record === 'string' ? [record] : record));
    case 'CNAME':
      return entry.CNAME === undefined ? undefined : [entry.CNAME];
    case 'A':
    case 'AAAA':
    case 'MX':
    case 'PTR':
    case 'NS':
      return entry[rrtype];
    default:
      return undefined;
  }
}

/** RFC 8020: a name with names below it exists. */
const hasChildren = (zone: Zone, name: string): boolean => Object.keys(zone).some((key) => key.endsWith(`.${name}`));

function dnsError(code: string, name: string): Error {
  return Object.assign(new Error(`query ${code} ${name}`), { code, hostname: name });
}
