/** Amazon SES by SNS: what is believed, what is fetched, and what becomes of mail, bounces and complaints. */
import { createHash, sign } from 'node:crypto';
import { generate } from 'selfsigned';
import { beforeAll, describe, expect, test } from 'vitest';
import { takeEmail } from '../../../relay/broker/intake/intake.ts';
import { takeFromSns } from '../../../relay/broker/intake/ses-intake.ts';
import { Outbox } from '../../../relay/broker/outbox/outbox.ts';
import type { RelayError } from '../../../relay/errors.ts';
import { type ObjectStore, s3ObjectStore, signGet } from '../../../relay/mail/web/object-store.ts';
import { sesAlias } from '../../../relay/mail/web/ses-message-id.ts';
import type { WebFetch } from '../../../relay/mail/web/web-fetch.ts';
import { openBroker } from '../../support/broker-fixture.ts';
import { HOUR, ManualClock } from '../../support/manual-clock.ts';
import { bySmtp, rawEmail } from '../../support/raw-email.ts';
import { DELIVERED, ScriptedCourier } from '../../support/scripted-courier.ts';
import { ALL, START } from '../../support/store-fixture.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:mail';
const CERT_URL = 'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0f.pem';

interface Pair {
  readonly private: string;
  readonly cert: string;
}
let amazon: Pair;
let stranger: Pair;

beforeAll(async () => {
  const options = { keySize: 2048, notBeforeDate: new Date(START - HOUR), notAfterDate: new Date(START + 100 * HOUR) };
  [amazon, stranger] = await Promise.all([generate([], options), generate([], options)]);
});

type Fields = Readonly<Record<string, string>>;

const ORDER = ['Message', 'MessageId', 'Subject', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];

/** As SNS signs. */
function sns(fields: Fields, { pem = amazon.private, version = '2' } = {}): Buffer {
  const all: Fields = {
    Type: 'Notification',
    MessageId: 'e1',
    TopicArn: TOPIC,
    Timestamp: new Date(START).toISOString(),
    SigningCertURL: CERT_URL,
    SignatureVersion: version,
    ...fields,
  };
  const text = ORDER.flatMap((name) => (all[name] === undefined ? [] : [`${name}\n${all[name]}\n`])).join('');
  const signature = sign(version === '1' ? 'sha1' : 'sha256', Buffer.from(text), pem).toString('base64');
  return Buffer.from(JSON.stringify({ ...all, Signature: signature, UnsubscribeURL: 'https://x.example/' }));
}

const VERDICTS = { spfVerdict: { status: 'PASS' }, dkimVerdict: { status: 'FAIL' }, dmarcVerdict: { status: 'GRAY' } };

function received(raw: Buffer, recipients: readonly string[], action: object, content?: string): Fields {
  return {
    Message: JSON.stringify({
      notificationType: 'Received',
      mail: { source: 'person@example.com', messageId: 'o3v', destination: recipients },
      receipt: { recipients, ...VERDICTS, action },
      ...(content !== undefined && { content }),
    }),
    MessageId: createHash('sha256').update(raw).digest('hex'),
  };
}

const inline = (raw: Buffer, ...to: string[]): Fields =>
  received(raw, to, { type: 'SNS', encoding: 'BASE64' }, raw.toString('base64'));

async function open(options: { objects?: ObjectStore; topics?: string[] } = {}) {
  const asked: string[] = [];
  const web: { answer: WebFetch } = {
    answer: async (url) => ({ status: 200, body: Buffer.from(url === CERT_URL ? amazon.cert : '') }),
  };
  const broker = await openBroker({
    settings: { intake: { secrets: [], sesTopics: options.topics ?? [TOPIC] } },
    fetch: async (url, limits) => {
      asked.push(url);
      return web.answer(url, limits);
    },
    ...(options.objects && { objects: options.objects }),
  });
  const alice = await broker.agent('alice');
  const take = (body: Buffer) => takeFromSns(broker.deps, body);
  const refusal = (body: Buffer) =>
    take(body).then(
      () => 'taken',
      (error: RelayError) => `${error.code}: ${error.message}`,
    );
  const holds = async () => (await broker.deps.stores.holds.list(ALL)).items;
  return { broker, alice, asked, web, take, refusal, holds };
}

describe('what SNS signed', () => {
  test.each(['1', '2'])('signature version %s', async (version) => {
    const { alice, asked, take, holds } = await open();
    const raw = rawEmail({ to: alice.address, subject: 'by SES' });
    expect(await take(sns(inline(raw, alice.address), { version }))).toBe(true);
    expect(await take(sns({ ...inline(raw, alice.address), Subject: 'with one' }, { version }))).toBe(true);
    const [held, ...others] = await holds();
    expect(others).toEqual([]);
    expect(held?.message).toMatchObject({ subject: 'by SES', auth: { spf: 'pass', dkim: 'fail' } });
    expect(asked).toEqual([CERT_URL]);
  });

  test('is one with the same mail by SMTP; text as UTF-8 is read too', async () => {
    const { broker, alice, take, holds } = await open();
    const raw = rawEmail({ to: alice.address, text: 'Grüße' });
    await takeEmail(broker.deps, bySmtp(raw, alice.address));
    expect(await take(sns(received(raw, [alice.address], { type: 'SNS' }, raw.toString())))).toBe(true);
    expect(await holds()).toHaveLength(1);
  });

  test('for nobody here, or of another kind, is passed over', async () => {
    const { alice, take, holds } = await open();
    const raw = rawEmail({ to: alice.address });
    expect(await take(sns(inline(raw, 'nobody@turnpost.localhost', 'x@example.com')))).toBe(false);
    expect(await take(sns({ Message: 'Successfully validated SNS topic for Amazon SES event publishing.' }))).toBe(
      false,
    );
    expect(await take(sns({ Message: '{"notificationType":"Delivery","mail":{}}' }))).toBe(false);
    expect(await holds()).toEqual([]);
    expect(await take(sns(inline(raw, 'nobody@turnpost.localhost', alice.address)))).toBe(true);
    expect(await holds()).toHaveLength(1);
  });

  test('and claims to be an agent here: held, since SES has told the sender already', async () => {
    const { alice, take, holds } = await open();
    expect(await take(sns(inline(rawEmail({ from: alice.address, to: alice.address }), alice.address)))).toBe(true);
    expect((await holds())[0]?.hold.reason).toContain('is not signed');
  });
});

describe('what is not believed', () => {
  const raw = rawEmail({ to: 'alice@turnpost.localhost' });
  const mail = (changes: Fields = {}) => ({ ...inline(raw, 'alice@turnpost.localhost'), ...changes });

  test('is refused, and nothing is fetched from elsewhere than SNS', async () => {
    const { asked, refusal, holds } = await open();
    const at = (ms: number) => ({ Timestamp: new Date(START + ms).toISOString() });
    const bodies: readonly [string, Buffer, RegExp][] = [
      ['signed by a stranger', sns(mail(), { pem: stranger.private }), /^unauthorized: .*did not sign/],
      ['another text', Buffer.from(sns(mail()).toString().replace('o3v', 'o4v')), /^unauthorized: .*did not sign/],
      ['another topic', sns(mail({ TopicArn: `${TOPIC}2` })), /^forbidden/],
      ['a day old', sns(mail(at(-24 * HOUR - 1))), /^unauthorized: .*time is not ours/],
      ['of tomorrow', sns(mail(at(HOUR))), /^unauthorized: .*time is not ours/],
      ...[
        'https://sns.eu-west-1.amazonaws.com.evil.example/a.pem',
        'https://evil.example/sns.eu-west-1.amazonaws.com/a.pem',
        'https://sns.us-east-1.amazonaws.com/a.pem',
        'http://sns.eu-west-1.amazonaws.com/a.pem',
        'https://sns.eu-west-1.amazonaws.com:8443/a.pem',
        'https://user@sns.eu-west-1.amazonaws.com/a.pem',
        'https://sns.eu-west-1.amazonaws.com/a/b.pem',
        'https://sns.eu-west-1.amazonaws.com/a.pem?Action=GetTopicAttributes',
        'https://sns.eu-west-1.amazonaws.com/a.txt',
      ].map((url): [string, Buffer, RegExp] => [url, sns(mail({ SigningCertURL: url })), /certificate is not at/]),
      ['no JSON', Buffer.from('x'), /^invalid_request/],
      ['another JSON', Buffer.from('{"Type":"Notification"}'), /^invalid_request/],
      ['signature version 3', Buffer.from(sns(mail()).toString().replace('"2"', '"3"')), /^invalid_request/],
    ];
    for (const [name, body, expected] of bodies) expect(await refusal(body), name).toMatch(expected);
    expect(new Set(asked)).toEqual(new Set([CERT_URL]));
    expect(await holds()).toEqual([]);
  });

  test('a certificate that is over, and one that cannot be had: 503, and SNS comes again', async () => {
    const { broker, web, refusal, take } = await open();
    const { answer } = web;
    web.answer = async () => {
      throw new Error('connection refused');
    };
    expect(await refusal(sns(mail()))).toMatch(/^unavailable: .*connection refused/);
    web.answer = async () => ({ status: 500, body: Buffer.alloc(0) });
    expect(await refusal(sns(mail()))).toMatch(/^unavailable/);
    web.answer = answer;
    expect(await take(sns(mail()))).toBe(true);
    broker.clock.advance(101 * HOUR);
    const late = { Timestamp: new Date(broker.clock.now()).toISOString() };
    expect(await refusal(sns(mail(late)))).toMatch(/^unauthorized: .*not valid now/);
  });
});

describe('a subscription', () => {
  const confirmation = (SubscribeURL: string): Buffer =>
    sns({ Type: 'SubscriptionConfirmation', Message: 'You have chosen', Token: 't', SubscribeURL });
  const URL_OF_SNS = 'https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t';

  test('to a topic of ours is confirmed', async () => {
    const { asked, web, take, refusal } = await open();
    expect(await take(confirmation(URL_OF_SNS))).toBe(true);
    expect(asked).toEqual([CERT_URL, URL_OF_SNS]);
    const { answer } = web;
    web.answer = async (url, limits) =>
      url === URL_OF_SNS ? { status: 403, body: Buffer.alloc(0) } : answer(url, limits);
    expect(await refusal(confirmation(URL_OF_SNS))).toMatch(/^unavailable/);
  });

  test('leads nowhere but to SNS', async () => {
    const { asked, refusal } = await open();
    expect(await refusal(confirmation('https://evil.example/?Action=ConfirmSubscription'))).toMatch(/^unauthorized/);
    expect(asked).toEqual([CERT_URL]);
  });

  test('that ended is only said', async () => {
    const { asked, take } = await open();
    const ended = { Type: 'UnsubscribeConfirmation', Message: 'm', Token: 't', SubscribeURL: URL_OF_SNS };
    expect(await take(sns(ended))).toBe(false);
    expect(asked).toEqual([CERT_URL]);
  });
});

describe('mail that lies in a bucket', () => {
  const put = (raw: Buffer, to: string): Fields =>
    received(raw, [to], { type: 'S3', bucketName: 'mail', objectKey: 'in/o3v' });

  test('is fetched from there', async () => {
    const raw = rawEmail({ to: 'alice@turnpost.localhost', subject: 'large' });
    const objects: ObjectStore = {
      get: async (bucket, key) => (`${bucket} ${key}` === 'mail in/o3v' ? raw : undefined),
    };
    const { alice, take, holds } = await open({ objects });
    expect(await take(sns(put(raw, alice.address)))).toBe(true);
    expect((await holds())[0]?.message.subject).toBe('large');
  });

  test.each<[string, ObjectStore | undefined, RegExp]>([
    ['no store', undefined, /TURNPOST_S3_URL is not set/],
    ['no such object', { get: async () => undefined }, /it is not there/],
    ['a store that fails', { get: () => Promise.reject(new Error('500')) }, /cannot be fetched now/],
  ])('%s: 503, and nothing is lost', async (_, objects, why) => {
    const { alice, refusal } = await open(objects && { objects });
    const reply = await refusal(sns(put(rawEmail({ to: alice.address }), alice.address)));
    expect(reply).toMatch(/^unavailable/);
    expect(reply).toMatch(why);
  });

  test('is asked for as S3 wants it: the documented example of Signature Version 4', () => {
    const signed = signGet({
      host: 'examplebucket.s3.amazonaws.com',
      path: '/',
      query: 'lifecycle=',
      at: Date.UTC(2013, 4, 24),
      id: 'AKIAIOSFODNN7EXAMPLE',
      secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      region: 'us-east-1',
    });
    expect(signed['authorization']).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    );
  });

  test('S3: found, absent, or not to be told', async () => {
    const asked: string[] = [];
    const answers = [200, 404, 403];
    const store = s3ObjectStore({
      url: 'https://ID:SE%2FCRET@s3.eu-west-1.amazonaws.com',
      maxBytes: 1000,
      clock: new ManualClock(),
      fetch: async (url, { headers }) => {
        asked.push(url, headers?.['authorization'] ?? '');
        return { status: answers.shift() ?? 0, body: Buffer.from('mail') };
      },
    });
    expect((await store.get('bucket', 'in/a b+c'))?.toString()).toBe('mail');
    expect(await store.get('bucket', 'x')).toBeUndefined();
    await expect(store.get('bucket', 'x')).rejects.toThrow('403');
    expect(asked[0]).toBe('https://s3.eu-west-1.amazonaws.com/bucket/in/a%20b%2Bc');
    expect(asked[1]).toContain('Credential=ID/20260302/eu-west-1/s3/aws4_request');
  });
});

describe('what became of mail that we sent', () => {
  async function openSent() {
    const all = await open();
    const sent = await all.broker.send(all.alice, 'person@example.com', { subject: 'Q' });
    await new Outbox(all.broker.deps, new ScriptedCourier(DELIVERED)).workOnce();
    const [item] = (await all.broker.deps.stores.outbox.list(ALL)).items;
    return { ...all, sent, source: item?.email.envelopeFrom ?? '' };
  }
  const suppressionOf = ({ deps, clock }: Awaited<ReturnType<typeof openSent>>['broker']) =>
    deps.stores.suppressions.find('person@example.com', null, clock.now());

  const bounce = (source: string, type = 'Permanent', recipient: object = {}): Fields => ({
    Message: JSON.stringify({
      notificationType: 'Bounce',
      mail: { source, messageId: '0100-1' },
      bounce: {
        bounceType: type,
        bouncedRecipients: [
          {
            emailAddress: 'person@example.com',
            action: 'failed',
            status: '5.1.1',
            diagnosticCode: 'smtp; 550 5.1.1 no such user',
            ...recipient,
          },
        ],
      },
    }),
  });

  test('a bounce reaches its delivery and the agent, once, and the address is suppressed', async () => {
    const all = await openSent();
    const { broker, alice, take, sent, source } = all;
    expect(await take(sns(bounce(source)))).toBe(true);
    expect(await take(sns(bounce(source)))).toBe(true);
    expect(await broker.deliveryOf(sent)).toMatchObject({ state: 'bounced' });
    const { items } = await broker.lease(alice);
    expect(items.map(({ message }) => message.type)).toEqual(['bounce']);
    expect(await suppressionOf(broker)).toMatchObject({ reason: 'bounce', code: '5.1.1' });
  });

  test('an event of a configuration set says the same; a delay changes nothing', async () => {
    const { broker, take, sent, source } = await openSent();
    const delayed = bounce(source, 'Transient', { action: 'delayed', status: '4.4.7' });
    expect(await take(sns(delayed))).toBe(true);
    expect(await broker.stateOf(sent)).toBe('delivered');
    const text = bounce(source)['Message'] ?? '';
    expect(await take(sns({ Message: text.replace('notificationType', 'eventType') }))).toBe(true);
    expect(await broker.stateOf(sent)).toBe('bounced');
  });

  test('a complaint suppresses the address', async () => {
    const { broker, take, source } = await openSent();
    const complaint = {
      notificationType: 'Complaint',
      mail: { source, messageId: '0100-1' },
      complaint: { complainedRecipients: [{ emailAddress: 'person@example.com' }], complaintFeedbackType: 'abuse' },
    };
    expect(await take(sns({ Message: JSON.stringify(complaint) }))).toBe(true);
    expect(await suppressionOf(broker)).toMatchObject({ reason: 'complaint' });
  });

  test('an answer names it by the Message-ID that SES gave it, of whatever region', async () => {
    const { broker, alice } = await open();
    const id = '0100018e1f7f5f8c-1a2b3c4d-1234-4321-9876-123456789abc-000000';
    const sent = await broker.send(alice, 'person@example.com', { subject: 'Q' });
    const taken = { kind: 'delivered', reply: `250 Ok ${id}` } as const;
    await new Outbox(broker.deps, new ScriptedCourier(taken)).workOnce();
    const answer = (domain: string) =>
      rawEmail({ to: alice.address, headers: [`In-Reply-To: <${id}@${domain}>`], subject: domain });
    for (const domain of ['email.amazonses.com', 'eu-west-1.amazonses.com', 'amazonses.com.evil.example']) {
      await takeEmail(broker.deps, bySmtp(answer(domain), alice.address));
    }
    const held = (await broker.deps.stores.holds.list(ALL)).items.map(({ message }) => message);
    const threads = Object.fromEntries(
      held.map(({ subject, threadId }) => [subject, threadId === sent.message.threadId]),
    );
    expect(threads).toEqual({
      'email.amazonses.com': true,
      'eu-west-1.amazonses.com': true,
      'amazonses.com.evil.example': false,
    });
    expect(sesAlias('250 2.0.0 Ok: queued as ABC')).toBeUndefined();
  });

  test('about mail that is not ours changes nothing, whatever it tries to write', async () => {
    const { broker, take, sent, source, holds } = await openSent();
    const forged = source.replace(/.(?=@)/, (char) => (char === 'a' ? 'b' : 'a'));
    // Without our MAC it is an address of the agent's, and a report that nobody asked for.
    expect(await take(sns(bounce(forged)))).toBe(true);
    expect(await holds()).toHaveLength(1);
    expect(await take(sns(bounce('x@example.com\r\nBcc: evil@example.com')))).toBe(false);
    expect(await broker.stateOf(sent)).toBe('delivered');
  });
});
