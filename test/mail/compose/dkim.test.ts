/** DKIM signatures as another program sees them: mailauth verifies what relay/mail/compose/dkim-sign.ts signs. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { dkimRecord, makeDkimPair, readDkimKey } from '../../../relay/mail/compose/dkim-keys.ts';
import { type DkimKey, relaxBody, signEmail } from '../../../relay/mail/compose/dkim-sign.ts';
import { mailauthResolver } from '../../../relay/mail/dns.ts';
import { type Zone, zoneResolver } from '../../support/zone-resolver.ts';

const DOMAIN = 'agents.example.com';
const NOW = Date.UTC(2026, 10, 19, 9);
const RAW = Buffer.from(
  [
    'From: Bob <bob@agents.example.com>',
    'Reply-To: bob+r1token@agents.example.com',
    'To: person@example.com',
    'Subject: Shall I',
    '\tdeploy?  ',
    'Message-ID: <tp.msg_1@agents.example.com>',
    'Date: Thu, 19 Nov 2026 09:00:00 +0000',
    'List-Unsubscribe: <https://relay.example.com/u/x>, <mailto:bob+u1x@agents.example.com>',
    'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'X-Agent-Signature: a.b.c',
    '',
    'Line one  with   spaces \t',
    '.',
    '',
    'last',
    '',
    '',
    '',
  ].join('\r\n'),
);

let keys: readonly DkimKey[];
let zone: Zone;
beforeAll(async () => {
  const { rsaPem, ed25519Pem } = await makeDkimPair();
  keys = [readDkimKey('tp1r', 'rsa', rsaPem), readDkimKey('tp1e', 'ed25519', ed25519Pem)];
  zone = Object.fromEntries(keys.map((key) => [`${key.selector}._domainkey.${DOMAIN}`, { TXT: [dkimRecord(key)] }]));
});

const signed = (raw = RAW): Buffer => signEmail(raw, { domain: DOMAIN, keys, now: NOW });

async function verdicts(raw: Buffer): Promise<string[]> {
  const { results } = await dkimVerify(raw, {
    resolver: mailauthResolver(zoneResolver(zone).resolve),
    strict: true,
    curTime: new Date(NOW),
  });
  return results.map(({ status }) => String(status.result));
}

test('RSA and Ed25519 both verify, aligned with From, over the whole body', async () => {
  const { results } = await dkimVerify(signed(), {
    resolver: mailauthResolver(zoneResolver(zone).resolve),
    strict: true,
    curTime: new Date(NOW),
  });
  expect(
    results.map(({ algo, selector, signingDomain, status }) => [algo, selector, signingDomain, status.result]),
  ).toEqual([
    ['rsa-sha256', 'tp1r', DOMAIN, 'pass'],
    ['ed25519-sha256', 'tp1e', DOMAIN, 'pass'],
  ]);
  expect(results.map(({ status }) => status.aligned)).toEqual([DOMAIN, DOMAIN]);
  const text = signed().toString('latin1');
  expect(text).not.toMatch(/\bl=/);
  expect(text).toContain(`t=${NOW / 1000};`);
  for (const line of text.slice(0, -RAW.length).split('\r\n')) expect(line.length).toBeLessThanOrEqual(78);
  expect(signed().subarray(-RAW.length).equals(RAW)).toBe(true);
});

const FIELDS = [
  'From',
  'Reply-To',
  'To',
  'Subject',
  'Message-ID',
  'Date',
  'List-Unsubscribe',
  'List-Unsubscribe-Post',
  'Auto-Submitted',
  'Content-Type',
  'X-Agent-Signature',
];

describe('what breaks it', () => {
  test.each(FIELDS)('a changed %s', async (name) => {
    const changed = signed()
      .toString('latin1')
      .replace(new RegExp(`(\r\n${name}: )`), '$1x');
    expect(await verdicts(Buffer.from(changed, 'latin1'))).not.toContain('pass');
  });

  test.each([...FIELDS.filter((name) => name !== 'X-Agent-Signature'), 'Cc'])('a further %s', async (name) => {
    for (const place of ['top', 'bottom']) {
      const text = signed().toString('latin1');
      const line = `${name}: other <x@attacker.example>\r\n`;
      const changed = place === 'top' ? line + text : text.replace('\r\n\r\n', `\r\n${line}\r\n`);
      expect(await verdicts(Buffer.from(changed, 'latin1'))).not.toContain('pass');
    }
  });

  test.each([
    ['a word', (text: string) => text.replace('Line one', 'Line two')],
    ['a line more', (text: string) => `${text}more\r\n`],
    ['a line less', (text: string) => text.replace('.\r\n', '')],
  ])('the body: %s', async (_, change) => {
    expect(await verdicts(Buffer.from(change(signed().toString('latin1')), 'latin1'))).not.toContain('pass');
  });
});

test('white space that servers add on the way does not', async () => {
  const text = signed().toString('latin1').replace('Subject: Shall I\r\n\tdeploy?', 'SUBJECT:  Shall I deploy?  ');
  expect(await verdicts(Buffer.from(`Received: by x\r\n${text}\r\n`, 'latin1'))).toEqual(['pass', 'pass']);
});

test('any body verifies', async () => {
  const line = fc.string({ unit: fc.constantFrom(' ', '\t', 'a', '.', '=', '\r\n', 'é') });
  await fc.assert(
    fc.asyncProperty(line, async (body) => {
      const raw = Buffer.concat([Buffer.from('From: bob@agents.example.com\r\n\r\n'), Buffer.from(body)]);
      expect(await verdicts(signed(raw))).toEqual(['pass', 'pass']);
    }),
    { numRuns: 60 },
  );
});

test.each([
  ['', ''],
  ['\r\n\r\n', ''],
  [' \r\n', ''],
  [' C \r\nD \t E\r\n\r\n\r\n', ' C\r\nD E\r\n'],
  ['no end', 'no end\r\n'],
])('RFC 6376 section 3.4.4: %j is hashed as %j', (body, relaxed) => {
  expect(relaxBody(Buffer.from(body)).toString()).toBe(relaxed);
});

test('the hash of an empty body is that of RFC 6376 section 3.4.4', () => {
  expect(
    createHash('sha256')
      .update(relaxBody(Buffer.alloc(0)))
      .digest('base64'),
  ).toBe('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
});
