/** Which records a domain needs, by how the relay is set up. */
import { describe, expect, test } from 'vitest';
import {
  type DomainFacts,
  domainRecords,
  senders,
  stsPolicyText,
  zoneLine,
} from '../../../relay/mail/domain/domain-records.ts';

const FACTS: DomainFacts = {
  domain: 'agents.example.com',
  mailHost: 'mx.example.com',
  takesMail: true,
  certified: true,
  through: null,
  owner: null,
  keys: [],
};

describe('who may send, for SPF', () => {
  test.each([
    [null, 'mx'],
    ['localhost', 'mx'],
    ['127.0.0.1', 'mx'],
    ['[::1]', 'mx'],
    ['smtp.gmail.com', 'include:_spf.google.com'],
    ['smtp.office365.com', 'include:spf.protection.outlook.com'],
    ['email-smtp.eu-west-1.amazonaws.com', 'include:amazonses.com'],
    ['notgmail.com', 'a:notgmail.com'],
    ['smtp.example.net', 'a:smtp.example.net'],
    ['192.0.2.7', 'ip4:192.0.2.7'],
    ['[2001:db8::7]', 'ip6:2001:db8::7'],
  ])('through %s: %s', (through, mechanism) => expect(senders({ ...FACTS, through })).toEqual([mechanism]));

  test('a relay that takes no mail names itself', () => {
    expect(senders({ ...FACTS, takesMail: false })).toEqual(['a:mx.example.com']);
  });
});

test('what needs no record has none: mail by IMAP only, no certificate, no owner', () => {
  const purposes = (facts: Partial<DomainFacts>) => domainRecords({ ...FACTS, ...facts }).map(({ purpose }) => purpose);
  expect(purposes({ takesMail: false, owner: 'you@example.com' })).toEqual(['spf', 'dmarc']);
  expect(purposes({ certified: false })).toEqual(['mx', 'spf', 'dmarc']);
  expect(purposes({ owner: 'you@example.com' })).toEqual(['mx', 'spf', 'dmarc', 'mta_sts', 'tls_rpt']);
  expect(stsPolicyText({ ...FACTS, certified: false })).toBeNull();
});

test('reports on forged mail go to the owner where the owner is at the domain: another would have to agree (RFC 9990)', () => {
  const dmarc = (owner: string | null) =>
    domainRecords({ ...FACTS, owner }).find(({ purpose }) => purpose === 'dmarc')?.value;
  expect(dmarc('you@agents.example.com')).toBe(
    'v=DMARC1; p=quarantine; adkim=s; aspf=s; rua=mailto:you@agents.example.com',
  );
  expect(dmarc('you@example.com')).toBe('v=DMARC1; p=quarantine; adkim=s; aspf=s');
});

test('the policy and its id change together', () => {
  const id = (mailHost: string) =>
    domainRecords({ ...FACTS, mailHost }).find(({ purpose }) => purpose === 'mta_sts')?.value;
  expect(id('a.example.com')).toMatch(/^v=STSv1; id=[a-z0-9]{20}$/);
  expect(id('a.example.com')).not.toBe(id('b.example.com'));
});

test('a zone line has strings of at most 255, with quotes and backslashes escaped', () => {
  const record = { purpose: 'dkim', name: 'x.example.com', type: 'TXT', needed: true, why: '' } as const;
  const line = zoneLine({ ...record, value: `${'a'.repeat(300)}"\\` });
  expect(line).toBe(`x.example.com. 3600 IN TXT "${'a'.repeat(255)}" "${'a'.repeat(45)}\\"\\\\"`);
});
