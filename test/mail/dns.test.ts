/** Look-ups tell apart what is there, what is not there, and what is not known. */
import { expect, test } from 'vitest';
import { lookUpMx, lookUpText } from '../../relay/mail/dns.ts';
import { zoneResolver } from '../support/zone-resolver.ts';

const { resolve } = zoneResolver({
  'example.com': {
    TXT: ['v=spf1 -all', ['v=long; ', 'in two strings']],
    MX: [
      { exchange: 'Second.example.com.', priority: 20 },
      { exchange: 'first.example.com', priority: 10 },
    ],
  },
  'alias.example.com': { CNAME: 'example.com' },
  'loop.example.com': { CNAME: 'loop.example.com' },
  'slow.example.com': { fails: 'ETIMEOUT' },
  'a.parent.example.com': { TXT: ['x'] },
});

test('the strings of a TXT record are one text', async () => {
  expect(await lookUpText(resolve, 'EXAMPLE.com.')).toEqual({
    kind: 'found',
    records: ['v=spf1 -all', 'v=long; in two strings'],
  });
  expect(await lookUpText(resolve, 'alias.example.com')).toMatchObject({ kind: 'found' });
});

test('the most preferred MX comes first, in lower case and without a dot at its end', async () => {
  expect(await lookUpMx(resolve, 'example.com')).toEqual({
    kind: 'found',
    records: [
      { exchange: 'first.example.com', priority: 10 },
      { exchange: 'second.example.com', priority: 20 },
    ],
  });
});

test.each(['nothing.example.com', 'parent.example.com'])('%s has none', async (name) => {
  expect(await lookUpText(resolve, name)).toEqual({ kind: 'absent' });
});

test.each([
  ['slow.example.com', 'ETIMEOUT'],
  ['loop.example.com', 'ESERVFAIL'],
])('%s is not known: %s', async (name, code) => {
  expect(await lookUpText(resolve, name)).toEqual({
    kind: 'failed',
    reason: `DNS does not tell TXT of ${name}: ${code}`,
  });
});
