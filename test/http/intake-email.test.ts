/** POST /v1/intake/email, and the worker that uses it. */
import { createHmac, randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as wire from '../../relay/wire.ts';
import { rawEmail } from '../support/raw-email.ts';
import { openFixture, type RelayFixture, ShiftedClock, type TestAgent } from '../support/relay-fixture.ts';
import { SmtpClient } from '../support/smtp-client.ts';

const secret = (): string => `whsec_${randomBytes(32).toString('base64')}`;
const [OLD, NEW] = [secret(), secret()];

interface Email {
  readonly from: string;
  readonly to: string;
  readonly raw: ReadableStream;
  setReject(reason: string): void;
}
interface Worker {
  email(message: Email, env: Readonly<Record<string, string>>): Promise<void>;
}

const WORKER = new URL('../../templates/cloudflare-email-worker.js', import.meta.url).href;
// Plain JavaScript, as it is pasted into a worker.
const { default: worker }: { default: Worker } = await import(WORKER);

let fixture: RelayFixture;
let agent: TestAgent;
const clock = new ShiftedClock();

beforeAll(async () => {
  const env = { TURNPOST_INTAKE_SECRET: `${OLD},${NEW}`, TURNPOST_MAX_MESSAGE: '100KiB' };
  fixture = await openFixture({ clock, env });
  agent = await fixture.agent('alice');
});
afterAll(() => fixture.close());

interface Request {
  readonly to?: string;
  readonly from?: string;
  readonly key?: string;
  readonly at?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const mac = (key: string, text: string, body: Buffer): string =>
  `v1,${createHmac('sha256', Buffer.from(key.slice(6), 'base64'))
    .update(text)
    .update(body)
    .digest('base64')}`;

function handIn(
  raw: Buffer,
  { to = agent.address, from = 'person@example.com', key = NEW, at, headers }: Request = {},
) {
  const timestamp = String(Math.floor((at ?? clock.now()) / 1000));
  return fixture.call('POST', '/v1/intake/email', {
    key: null,
    body: raw,
    headers: {
      'content-type': 'message/rfc822',
      'webhook-id': 'msg_1',
      'webhook-timestamp': timestamp,
      'webhook-signature': mac(key, `msg_1.${timestamp}.`, raw),
      'x-envelope-from': from,
      'x-envelope-to': to,
      ...headers,
    },
  });
}

async function holds(): Promise<wire.WireHold[]> {
  return (await fixture.call('GET', '/v1/holds?limit=100')).as(wire.page(wire.HoldItem)).items;
}

describe('a signed mail', () => {
  test.each([
    ['the old secret', OLD],
    ['the new secret', NEW],
  ])('with %s is taken, byte by byte', async (_, key) => {
    const raw = rawEmail({ to: agent.address, subject: `by ${key}`, text: 'caf\u00e9' });
    const latin1 = Buffer.from(raw.toString('utf8'), 'latin1');
    const reply = await handIn(latin1, { key });
    expect([reply.status, reply.json]).toEqual([200, { taken: true }]);
    expect((await holds()).filter(({ message }) => message.subject === `by ${key}`)).toHaveLength(1);
  });

  test('is one with the same mail by SMTP, and with itself', async () => {
    const raw = rawEmail({ to: agent.address, subject: 'twice' });
    expect([(await handIn(raw)).status, (await handIn(raw)).status]).toEqual([200, 200]);
    const client = await SmtpClient.connect(fixture.relay.smtpPort ?? 0);
    for (const line of ['EHLO mx', 'MAIL FROM:<person@example.com>', `RCPT TO:<${agent.address}>`, 'DATA']) {
      await client.say(line);
    }
    expect(await client.say(`${raw.toString()}.`)).toBe('250 2.0.0 Taken');
    client.drop();
    expect((await holds()).filter(({ message }) => message.subject === 'twice')).toHaveLength(1);
  });

  test('of which the library of Standard Webhooks says the same', async () => {
    const raw = rawEmail({ to: agent.address, text: 'Grüße' });
    const at = new Date(clock.now());
    const signature = new Webhook(NEW).sign('msg_1', at, raw.toString());
    expect(
      (await handIn(raw, { at: at.getTime(), headers: { 'webhook-signature': `v1a,x ${signature}` } })).status,
    ).toBe(200);
  });

  test('from the null path is taken: bounces come so', async () => {
    expect((await handIn(rawEmail({ to: agent.address }), { from: '' })).status).toBe(200);
    expect((await handIn(rawEmail({ to: agent.address }), { from: '<>' })).status).toBe(200);
  });

  test('for somebody who is not here is refused with who that is, and nobody gets it', async () => {
    const before = (await holds()).length;
    const reply = await handIn(rawEmail({ to: agent.address }), {
      to: `${agent.address}, nobody@turnpost.localhost, x@example.com`,
    });
    expect([reply.status, reply.code]).toEqual([404, 'recipient_unknown']);
    expect(reply.details).toMatchObject({ recipients: [{ to: 'nobody@turnpost.localhost' }, { to: 'x@example.com' }] });
    expect(await holds()).toHaveLength(before);
  });

  test('that claims to be an agent here is refused', async () => {
    const reply = await handIn(rawEmail({ from: agent.address, to: agent.address }));
    expect([reply.status, reply.code]).toEqual([403, 'blocked_by_policy']);
  });

  test.each([
    ['no recipient', { to: '' }],
    ['a recipient that is no address', { to: 'alice' }],
    ['a sender that is no address', { from: 'person' }],
  ])('with %s is malformed', async (_, request) => {
    expect((await handIn(rawEmail({ to: agent.address }), request)).code).toBe('invalid_request');
  });

  test('over TURNPOST_MAX_MESSAGE and what JSON would need is too large', async () => {
    const reply = await handIn(rawEmail({ to: agent.address, text: 'x'.repeat(160 * 1024) }));
    expect([reply.status, reply.code]).toEqual([413, 'too_large']);
  });
});

describe('not signed', () => {
  const raw = rawEmail({ to: 'alice@turnpost.localhost' });
  const other = rawEmail({ to: 'alice@turnpost.localhost', text: 'other' });
  const now = () => String(Math.floor(clock.now() / 1000));

  test.each<[string, () => Request]>([
    ['by another secret', () => ({ key: secret() })],
    ['5 minutes and a bit ago', () => ({ at: clock.now() - 302_000 })],
    ['5 minutes and a bit from now', () => ({ at: clock.now() + 302_000 })],
    ['for another body', () => ({ headers: { 'webhook-signature': mac(NEW, `msg_1.${now()}.`, other) } })],
    ['under another id', () => ({ headers: { 'webhook-id': 'msg_2' } })],
    ['under an id that reaches into the time', () => ({ headers: { 'webhook-id': `msg_1.${now()}` } })],
    ['at all', () => ({ headers: { 'webhook-signature': '' } })],
    ['by scheme v1', () => ({ headers: { 'webhook-signature': 'v1a,AAAA' } })],
    ['at a time', () => ({ headers: { 'webhook-timestamp': 'now' } })],
  ])('%s: 401', async (_, request) => {
    const reply = await handIn(raw, request());
    expect([reply.status, reply.code]).toEqual([401, 'unauthorized']);
  });

  test('where no secret is set there is nothing: 404, before the body is read', async () => {
    await using without = await openFixture();
    const reply = await without.call('POST', '/v1/intake/email', { key: null, body: raw });
    expect([reply.status, reply.code]).toEqual([404, 'not_found']);
  });
});

describe('the worker', () => {
  const env = () => ({ TURNPOST_URL: fixture.relay.httpUrl, TURNPOST_INTAKE_SECRET: OLD });
  function message(raw: Buffer, to = agent.address) {
    const rejected: string[] = [];
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(raw));
        controller.close();
      },
    });
    return {
      rejected,
      from: 'person@example.com',
      to,
      raw: stream,
      setReject: (reason: string) => rejected.push(reason),
    };
  }

  test('hands in what it gets', async () => {
    const raw = rawEmail({ to: agent.address, subject: 'from the edge', text: 'Gr\u00fc\u00dfe' });
    const email = message(raw);
    await worker.email(email, env());
    expect(email.rejected).toEqual([]);
    expect((await holds()).filter(({ message: one }) => one.subject === 'from the edge')).toHaveLength(1);
  });

  test('refuses to the sender what the relay refuses for good', async () => {
    const email = message(rawEmail({ to: 'nobody@turnpost.localhost' }), 'nobody@turnpost.localhost');
    await worker.email(email, env());
    expect(email.rejected).toEqual([expect.stringContaining('There is no such agent here')]);
  });

  test('fails where the relay does not answer, or does not know its secret: the mail stays with the sender', async () => {
    const raw = rawEmail({ to: agent.address });
    const wrong = { ...env(), TURNPOST_INTAKE_SECRET: secret() };
    await expect(worker.email(message(raw), wrong)).rejects.toThrow('The signature is not one of');
    await expect(worker.email(message(raw), { ...env(), TURNPOST_URL: 'http://127.0.0.1:9' })).rejects.toThrow();
  });
});
