/** Which way mail goes is chosen by one setting. */
import { expect, test } from 'vitest';
import { silentLog } from '../../../relay/log.ts';
import { openCourier } from '../../../relay/mail/courier/open-courier.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { zoneResolver } from '../../support/zone-resolver.ts';

const EMAIL = {
  deliveryId: 'dlv_1',
  envelopeFrom: 'bob@agents.example.net',
  envelopeTo: 'person@example.com',
  envid: 'b1x',
  raw: Buffer.from('From: bob@agents.example.net\r\n\r\nhello\r\n'),
};

function open(smtpUrl: string | undefined) {
  const { resolve, asked } = zoneResolver({ 'example.com': { MX: [{ exchange: '', priority: 0 }] } });
  const courier = openCourier({
    smtpUrl,
    mailHost: 'agents.example.net',
    ca: undefined,
    tokens: () => undefined,
    resolver: resolve,
    fetch: async () => ({ status: 404, body: Buffer.alloc(0) }),
    clock: new ManualClock(),
    log: silentLog,
  });
  return { courier, asked };
}

test('none without the setting', () => expect(open(undefined).courier).toBeUndefined());

test('mx: asks the DNS where the domain takes its mail', async () => {
  const { courier, asked } = open('mx:');
  expect(await courier?.deliver(EMAIL)).toMatchObject({ kind: 'refused', reason: '5.1.10 example.com takes no mail' });
  expect(asked).toEqual(['MX example.com']);
});

test('a URL names the one server for all, and asks the DNS for nothing', async () => {
  const { courier, asked } = open('smtp://127.0.0.1:1');
  expect(await courier?.deliver(EMAIL)).toMatchObject({
    kind: 'deferred',
    reason: expect.stringContaining('ECONNREFUSED'),
  });
  expect(asked).toEqual([]);
  courier?.close();
});
