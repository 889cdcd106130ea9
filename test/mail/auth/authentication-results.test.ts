/** RFC 8601: who says what of a mail, and nothing that only looks like it. */
import { describe, expect, test } from 'vitest';
import { readAuthenticationResults } from '../../../relay/mail/auth/authentication-results.ts';
import { authservIdFor, believedResults } from '../../../relay/mail/auth/authserv-id.ts';
import { readVerdict } from '../../../relay/mail/auth/provider-verdict.ts';
import { readHeaderSection } from '../../../relay/mail/parse/header-section.ts';

const verdictOf = (value: string) => {
  const read = readAuthenticationResults(value);
  return read && { id: read.authservId, ...readVerdict(read) };
};

describe('as the providers write it', () => {
  test.each([
    [
      'mx.google.com;\r\n       dkim=pass header.i=@example.com header.s=s1 header.b="abc+/=";\r\n       spf=pass (google.com: domain of me@example.com designates 192.0.2.1 as permitted sender) smtp.mailfrom=me@example.com;\r\n       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=example.com',
      { id: 'mx.google.com', dmarcPassFor: 'example.com', spfDomain: 'example.com' },
    ],
    [
      ' atlas-production.v2-mail-prod1-gq1.omega.yahoo.com;\r\n dkim=pass header.i=@example.com header.s=x;\r\n spf=pass smtp.mailfrom=example.com;\r\n dmarc=pass(p=NONE,sp=QUARANTINE) header.from=example.com;',
      { id: 'atlas-production.v2-mail-prod1-gq1.omega.yahoo.com', dmarcPassFor: 'example.com' },
    ],
    [
      'spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=example.com; dkim=pass (signature was verified)\r\n header.d=example.com;dmarc=pass action=none header.from=example.com;compauth=pass reason=100',
      { id: null, dmarcPassFor: 'example.com', spfDomain: 'example.com' },
    ],
    ['dmarc.icloud.com; dmarc=none header.from=example.com', { id: 'dmarc.icloud.com', dmarcPassFor: null }],
    [
      'gmx.net; dkim=pass header.i=@example.com',
      { id: 'gmx.net', auth: { spf: 'none', dkim: 'pass', dmarc: 'none', arc: 'none' } },
    ],
    ['mx.example.net 1; none', { id: 'mx.example.net', dmarcPassFor: null }],
    [
      'mx.example.net; dkim/1=pass header.d=example.com',
      { auth: { spf: 'none', dkim: 'pass', dmarc: 'none', arc: 'none' } },
    ],
    [
      '"mx.example.net" (a (nested) comment); DMARC=Pass Header.From=Example.COM',
      { id: 'mx.example.net', dmarcPassFor: 'example.com' },
    ],
    ['mx; spf=pass smtp.mailfrom="odd local"@example.com', { spfDomain: 'example.com' }],
    ['mx; spf=pass smtp.mailfrom=srs0=a=b=example.org=me@example.com', { spfDomain: 'example.com' }],
    ['mx; dmarc=fail (p=NONE sp=NONE dis=NONE) header.from=example.com', { refused: false }],
    ['mx; dmarc=fail policy.published-domain-policy=none header.from=example.com', { refused: false }],
    ['mx; dmarc=fail (p=REJECT dis=NONE) header.from=example.com', { refused: true }],
    ['mx; dmarc=fail action=none header.from=example.com', { refused: true }],
    [
      'mx; dkim=fail header.d=a.example; dkim=pass header.d=b.example',
      { auth: { spf: 'none', dkim: 'pass', dmarc: 'none', arc: 'none' } },
    ],
  ])('%s', (value, wanted) => {
    expect(verdictOf(value)).toMatchObject(wanted);
  });
});

test.each([
  'mx 2; dmarc=pass header.from=example.com',
  'mx one two; dmarc=pass header.from=example.com',
  'mx; dmarc=pass (no end; header.from=example.com',
  'mx; dmarc=pass header.from="no end',
  `mx; ${'x'.repeat(20_000)}`,
  '',
])('not believed: %s', (value) => {
  expect(readAuthenticationResults(value)).toBeUndefined();
});

test('long and hostile values are read in time', () => {
  const started = performance.now();
  for (const part of ['(', '((', '"', '\\', '=', ';', '; a=b', ' ', 'a=', '()']) {
    readAuthenticationResults(`mx; ${part.repeat(16_000 / part.length)}`);
  }
  expect(performance.now() - started).toBeLessThan(500);
});

describe('whose field', () => {
  const section = (...values: string[]) =>
    readHeaderSection(Buffer.from(`${values.map((value) => `Authentication-Results: ${value}`).join('\r\n')}\r\n\r\n`));

  test.each([
    ['imap.gmail.com', undefined, 'mx.google.com'],
    ['outlook.office365.com', undefined, null],
    ['imap.example.com', undefined, undefined],
    ['imap.example.com', 'mx.example.com', 'mx.example.com'],
    ['imap.gmail.com', 'mx.example.com', 'mx.example.com'],
    ['imap.gmail.com', 'imap.example.com=mx.example.com', 'mx.google.com'],
    ['imap.example.com', 'a.example, imap.example.com=MX.example.com', 'mx.example.com'],
  ])('at %s with the setting %s: %s', (host, setting, id) => {
    expect(authservIdFor(host, setting)).toBe(id);
  });

  test('the topmost of that server, whatever others wrote above', () => {
    const read = believedResults(
      section('other.example; dmarc=fail', 'mx.example; dmarc=none', 'mx.example; dmarc=pass'),
      'mx.example',
    );
    expect(read?.results[0]?.result).toBe('none');
  });

  test('any server of a domain where the id begins with a star', () => {
    expect(believedResults(section('mx7.example.com; spf=pass'), '*.example.com')).toBeDefined();
    expect(believedResults(section('example.com; spf=pass'), '*.example.com')).toBeUndefined();
    expect(believedResults(section('mx.notexample.com; spf=pass'), '*.example.com')).toBeUndefined();
  });

  test('without an id only the topmost of all counts', () => {
    expect(believedResults(section('dmarc=pass header.from=example.com'), null)).toBeDefined();
    expect(believedResults(section('mx.example; none', 'dmarc=pass header.from=example.com'), null)).toBeUndefined();
  });

  test('one that cannot be read, above: nothing is believed', () => {
    expect(
      believedResults(section('mx.example; dmarc=fail (', 'mx.example; dmarc=pass'), 'mx.example'),
    ).toBeUndefined();
  });
});
