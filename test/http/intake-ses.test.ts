/** POST /v1/intake/ses as Amazon SNS calls it: JSON under text/plain, signed, and answered by what SNS makes of a status. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { generate } from 'selfsigned';
import { expect, test } from 'vitest';
import * as wire from '../../relay/wire.ts';
import { rawEmail } from '../support/raw-email.ts';
import { openFixture } from '../support/relay-fixture.ts';

const TOPIC = 'arn:aws:sns:us-east-1:123456789012:mail';

function notification(text: string, pem: string): string {
  const fields = {
    Message: text,
    MessageId: 'm1',
    Timestamp: new Date().toISOString(),
    TopicArn: TOPIC,
    Type: 'Notification',
  };
  const signed = Object.entries(fields)
    .map(([name, value]) => `${name}\n${value}\n`)
    .join('');
  return JSON.stringify({
    ...fields,
    SignatureVersion: '2',
    Signature: sign('sha256', Buffer.from(signed), pem).toString('base64'),
    SigningCertURL: 'https://sns.us-east-1.amazonaws.com/cert.pem',
  });
}

test('a notification is taken; unsigned 401; where no topic is set 404', async () => {
  const { cert, private: pem } = await generate([], { keySize: 2048 });
  const fetch = async () => ({ status: 200, body: Buffer.from(cert) });
  await using fixture = await openFixture({ fetch, env: { TURNPOST_SES_TOPIC: TOPIC } });
  const alice = await fixture.agent('alice');
  const raw = rawEmail({ to: alice.address, subject: 'by SNS' });
  const text = JSON.stringify({
    notificationType: 'Received',
    mail: { source: 'person@example.com', messageId: 'x' },
    receipt: { recipients: [alice.address], action: { type: 'SNS', encoding: 'BASE64' } },
    content: raw.toString('base64'),
  });
  const post = (body: string, to = fixture) =>
    to.call('POST', '/v1/intake/ses', {
      key: null,
      body,
      headers: { 'content-type': 'text/plain; charset=UTF-8', 'x-amz-sns-message-type': 'Notification' },
    });
  const taken = await post(notification(text, pem));
  expect([taken.status, taken.json]).toEqual([200, { taken: true }]);
  const held = (await fixture.call('GET', '/v1/holds')).as(wire.page(wire.HoldItem)).items;
  expect(held.map(({ message }) => message.subject)).toEqual(['by SNS']);

  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    format: 'pem',
    type: 'pkcs8',
  });
  const refused = await post(notification(text, stranger.toString()));
  expect([refused.status, refused.code]).toEqual([401, 'unauthorized']);
  expect((await post('{}')).status).toBe(422);

  await using without = await openFixture();
  expect((await post(notification(text, pem), without)).status).toBe(404);
});
