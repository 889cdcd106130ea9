/**
 * The DNS records that a relay's domain needs, so that mail arrives and others believe what comes from it. Pure: what is
 * published where, and why; whether it is there is domain-check.ts's business.
 */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { isPublicDomain } from '../../config-values.ts';

export interface DomainFacts {
  readonly domain: string;
  /** The name under which other mail servers reach this machine. */
  readonly mailHost: string;
  /** The relay takes mail by SMTP. */
  readonly takesMail: boolean;
  /** With a certificate that somebody else may check. */
  readonly certified: boolean;
  /** Mail goes out through this host; null: from this machine itself. */
  readonly through: string | null;
  /** Email address of the person to report to. */
  readonly owner: string | null;
  readonly keys: readonly { readonly selector: string; readonly record: string; readonly use: string }[];
}

export type RecordPurpose = 'mx' | 'spf' | 'dkim' | 'dmarc' | 'mta_sts' | 'tls_rpt';

export interface DomainRecord {
  readonly purpose: RecordPurpose;
  readonly name: string;
  readonly type: 'MX' | 'TXT';
  readonly value: string;
  /** Without it mail does not arrive, or is not believed. */
  readonly needed: boolean;
  readonly why: string;
}

export function domainRecords(facts: DomainFacts): DomainRecord[] {
  const { domain, mailHost, owner } = facts;
  const txt = (purpose: RecordPurpose, name: string, value: string, needed: boolean, why: string): DomainRecord => ({
    purpose,
    name: name === '' ? domain : `${name}.${domain}`,
    type: 'TXT',
    value,
    needed,
    why,
  });
  const policy = stsPolicyText(facts);
  return [
    ...(facts.takesMail ? [mxRecord(domain, mailHost)] : []),
    txt('spf', '', `v=spf1 ${senders(facts).join(' ')} ~all`, true, 'which servers send for it (RFC 7208)'),
    ...facts.keys.map(({ selector, record, use }) =>
      txt('dkim', `${selector}._domainkey`, record, use === 'signing', `a key that signs its mail (RFC 6376), ${use}`),
    ),
    txt('dmarc', '_dmarc', dmarcRecord(facts), true, 'what to do with mail that only claims to be its (RFC 9989)'),
    ...(policy === null
      ? []
      : [
          txt(
            'mta_sts',
            '_mta-sts',
            `v=STSv1; id=${policyIdOf(policy)}`,
            false,
            'mail to it goes over checked TLS (RFC 8461)',
          ),
        ]),
    ...(owner === null || !facts.takesMail
      ? []
      : [txt('tls_rpt', '_smtp._tls', `v=TLSRPTv1; rua=mailto:${owner}`, false, 'who hears of broken TLS (RFC 8460)')]),
  ];
}

const mxRecord = (domain: string, mailHost: string): DomainRecord => ({
  purpose: 'mx',
  name: domain,
  type: 'MX',
  value: `10 ${mailHost}.`,
  needed: true,
  why: 'where mail to its agents goes (RFC 5321)',
});

/** What providers want in the SPF record of those who send through them. */
const INCLUDES: readonly (readonly [string, string])[] = [
  ['gmail.com', '_spf.google.com'],
  ['google.com', '_spf.google.com'],
  ['office365.com', 'spf.protection.outlook.com'],
  ['outlook.com', 'spf.protection.outlook.com'],
  ['amazonaws.com', 'amazonses.com'],
  ['sendgrid.net', 'sendgrid.net'],
  ['mailgun.org', 'mailgun.org'],
  ['postmarkapp.com', 'spf.mtasv.net'],
  ['fastmail.com', 'spf.messagingengine.com'],
  ['migadu.com', 'spf.migadu.com'],
  ['zoho.com', 'zoho.com'],
];

const isThisMachine = (host: string): boolean => !isPublicDomain(host) || host === '::1' || /^127\./.test(host);

/** The mechanisms that the SPF record must have. */
export function senders({ through, mailHost, takesMail }: DomainFacts): string[] {
  const host = through?.replace(/^\[|\]$/g, '') ?? null;
  // A server on this machine sends from this machine.
  if (host === null || isThisMachine(host)) return [takesMail ? 'mx' : `a:${mailHost}`];
  if (isIP(host) !== 0) return [`ip${isIP(host)}:${host}`];
  const known = INCLUDES.find(([name]) => host === name || host.endsWith(`.${name}`));
  return [known === undefined ? `a:${host}` : `include:${known[1]}`];
}

/** Strict: agents are at this very domain. RFC 9989 section 4.4.2; reports need a reader at the domain itself. */
function dmarcRecord({ domain, owner }: DomainFacts): string {
  const reports = owner?.endsWith(`@${domain}`) ? `; rua=mailto:${owner}` : '';
  return `v=DMARC1; p=quarantine; adkim=s; aspf=s${reports}`;
}

/** RFC 8461 section 3.2. Without a certificate that checks, a policy would keep mail away: then there is none. */
export function stsPolicyText({ mailHost, takesMail, certified }: DomainFacts): string | null {
  if (!takesMail || !certified) return null;
  return ['version: STSv1', 'mode: enforce', `mx: ${mailHost}`, 'max_age: 604800', ''].join('\r\n');
}

/** RFC 8461 section 3.1: another policy has another id. */
const policyIdOf = (policy: string): string => createHash('sha256').update(policy).digest('hex').slice(0, 20);

const LONGEST_STRING = 255;

/** As a line of a zone file: TXT in strings of at most 255 bytes (RFC 1035 sections 3.3.14 and 5.1). */
export function zoneLine({ name, type, value }: DomainRecord): string {
  if (type === 'MX') return `${name}. 3600 IN MX ${value}`;
  const strings: string[] = [];
  for (let at = 0; at < value.length; at += LONGEST_STRING) strings.push(value.slice(at, at + LONGEST_STRING));
  return `${name}. 3600 IN TXT ${strings.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(' ')}`;
}
