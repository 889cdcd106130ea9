/** What real servers say of mail that cannot be delivered comes back as an Outcome or as a readable bounce. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../relay/clock.ts';
import { silentLog } from '../../relay/log.ts';
import { smtpCourier } from '../../relay/mail/courier/courier.ts';
import { imapLetterBox } from '../../relay/mail/imap/letter-box.ts';
import { classifyEmail } from '../../relay/mail/machines/classify.ts';
import { parseEmail } from '../../relay/mail/parse/parse-email.ts';
import { type MailPeer, mailPeerAvailable, startMailPeer } from '../support/mail-peer.ts';
import { MemoryKeeper } from './memory-keeper.ts';

const available = mailPeerAvailable();

describe.skipIf(!available)('bounces of Postfix', () => {
  let peer: MailPeer;

  beforeAll(async () => {
    peer = await startMailPeer();
  });
  afterAll(async () => {
    await peer.stop();
  });

  function send(envelopeFrom: string, envelopeTo: string) {
    const courier = smtpCourier({
      url: `smtp://localhost:${peer.smtpPort}`,
      ca: peer.ca,
      clock: systemClock,
      log: silentLog,
    });
    const raw = Buffer.from(
      `From: agent@human.test\r\nTo: ${envelopeTo}\r\nMessage-ID: <tp.dlv_7@human.test>\r\n\r\nhello\r\n`,
    );
    return courier
      .deliver({ deliveryId: 'dlv_7', envelopeFrom, envelopeTo, envid: 'dlv_7', raw })
      .finally(() => courier.close());
  }

  test('a recipient refused in the dialogue is an outcome', async () => {
    expect(await send('bob@human.test', 'nobody@human.test')).toMatchObject({
      kind: 'refused',
      code: 550,
      reason: expect.stringContaining('5.1.1'),
    });
  });

  test('a recipient refused later comes back with our ENVID, to the address with our token', async () => {
    const token = `b1${'a'.repeat(32)}`;
    expect(await send(`bob+${token}@human.test`, 'gone@human.test')).toMatchObject({ kind: 'delivered' });
    const keeper = new MemoryKeeper();
    keeper.cursor = { uidValidity: '0', lastUid: 0 };
    const { address, ...options } = { address: 'bob@human.test', ca: peer.ca, pollIntervalMs: 1000, maxBytes: 100_000 };
    const box = imapLetterBox({
      url: peer.imapUrl(address),
      address,
      ...options,
      keeper,
      clock: systemClock,
      log: silentLog,
    });
    await expect
      .poll(
        async () => {
          await box.drainOnce();
          return keeper.taken.length;
        },
        { timeout: 15_000, interval: 200 },
      )
      .toBe(1);
    const email = await parseEmail(keeper.taken[0]?.raw ?? Buffer.alloc(0));
    expect(email.deliveredTo).toEqual([`bob+${token}@human.test`]);
    expect(classifyEmail(email, { envelopeFrom: null, isOwnMessageId: () => false })).toMatchObject({
      kind: 'bounce',
      report: {
        envid: 'dlv_7',
        originalMessageId: '<tp.dlv_7@human.test>',
        recipients: [{ address: 'gone@human.test', action: 'failed', status: expect.stringMatching(/^5\./) }],
      },
    });
  });
});
