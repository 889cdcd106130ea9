/** Whole SMTP dialogues with the listener, over real sockets. */
import net from 'node:net';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../relay/clock.ts';
import { RelayError } from '../../../relay/errors.ts';
import { silentLog } from '../../../relay/log.ts';
import type { IncomingEmail } from '../../../relay/mail/contracts.ts';
import { smtpCourier } from '../../../relay/mail/courier/courier.ts';
import type { DeskReply, SmtpDesk } from '../../../relay/mail/smtp/smtp-desk.ts';
import {
  type SmtpListener,
  type SmtpListenerOptions,
  startSmtpListener,
} from '../../../relay/mail/smtp/smtp-listener.ts';
import { makeTlsPair, type TlsPair } from '../../../relay/mail/smtp/tls-pair.ts';
import { SmtpClient } from '../../support/smtp-client.ts';

class Desk implements SmtpDesk {
  readonly taken: IncomingEmail[] = [];
  /** Replaces the storing. */
  store: () => Promise<void> = async () => {};

  async checkRecipient(address: string): ReturnType<SmtpDesk['checkRecipient']> {
    if (address.startsWith('nobody'))
      return { accepted: false, code: 550, text: '5.1.1 No agent of this relay has that address' };
    if (address.startsWith('later')) return { accepted: false, code: 451, text: '4.3.0 Try again later' };
    if (address.startsWith('broken')) throw new Error('database is gone');
    return { accepted: true };
  }

  async take(email: IncomingEmail): Promise<DeskReply> {
    await this.store();
    this.taken.push(email);
    return { accepted: true };
  }

  async logIn(): Promise<undefined> {}
}

let pair: TlsPair;
let desk: Desk;
const open: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  pair = await makeTlsPair('turnpost.localhost', Date.now());
});
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function listen(options: Partial<SmtpListenerOptions> = {}): Promise<SmtpListener> {
  desk = new Desk();
  const listener = await startSmtpListener({
    host: '127.0.0.1',
    port: 0,
    tls: pair,
    maxBytes: 10_000,
    domain: 'turnpost.localhost',
    desk,
    graceMs: 200,
    clock: systemClock,
    log: silentLog,
    ...options,
  });
  open.push(() => listener.close());
  return listener;
}

async function connect(listener: SmtpListener): Promise<SmtpClient> {
  const client = await SmtpClient.connect(listener.port);
  open.push(() => client.drop());
  expect(client.greeting).toBe('220 turnpost.localhost ESMTP Turnpost');
  return client;
}

/** Makes the desk's store wait until it is released. */
function holdStore(): { storing: () => boolean; release: () => void } {
  let release: (() => void) | undefined;
  desk.store = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  return { storing: () => release !== undefined, release: () => release?.() };
}

/** As far as DATA's 354. */
async function toData(client: SmtpClient, to = 'bob@turnpost.localhost'): Promise<void> {
  await client.say('EHLO peer.example.com');
  expect(await client.say('MAIL FROM:<person@example.com>')).toMatch(/^250/);
  expect(await client.say(`RCPT TO:<${to}>`)).toMatch(/^250/);
  expect(await client.say('DATA')).toMatch(/^354/);
}

describe('one peer', () => {
  test('cannot take all connections', async () => {
    const listener = await listen({ maxOfOne: 2 });
    const first = await connect(listener);
    await connect(listener);
    const third = await SmtpClient.connect(listener.port);
    expect(third.greeting).toMatch(/^421 4\.7\.0 Too many connections/);
    expect(await first.say('QUIT')).toMatch(/^221/);
    await vi.waitUntil(async () => (await SmtpClient.connect(listener.port)).greeting.startsWith('220'));
  });

  test('cannot fill the memory: what is more than there is room for is refused for now', async () => {
    const listener = await listen({ maxInHand: 6_000 });
    const [one, two] = [await connect(listener), await connect(listener)];
    const mail = `Subject: a\r\n\r\n${'x'.repeat(3_900)}\r\n.\r\n`;
    await toData(one);
    const { storing, release } = holdStore();
    one.write(mail);
    await vi.waitUntil(storing);
    await toData(two);
    two.write(mail);
    expect(await two.reply()).toMatch(/^452 4\.3\.1/);
    release();
    expect(await one.reply()).toMatch(/^250/);
    desk.store = async () => {};
    await toData(two);
    two.write(mail);
    expect(await two.reply()).toMatch(/^250/);
  });
});

describe('a mail', () => {
  test('is taken with its envelope, dots unstuffed, the rest as it came', async () => {
    const client = await connect(await listen());
    await toData(client, 'Bob+Tag@turnpost.localhost');
    expect(await client.say('Subject: hi\r\n\r\n..dot\r\n 8bit \u00fc\r\n.')).toBe('250 2.0.0 Taken');
    expect(desk.taken).toHaveLength(1);
    expect(desk.taken[0]?.source).toEqual({
      kind: 'smtp',
      envelopeFrom: 'person@example.com',
      envelopeTo: ['bob+tag@turnpost.localhost'],
      remote: '127.0.0.1',
      hello: 'peer.example.com',
    });
    expect(desk.taken[0]?.raw.toString()).toBe('Subject: hi\r\n\r\n.dot\r\n 8bit ü\r\n');
    expect(await client.say('QUIT')).toMatch(/^221/);
  });

  test('from the null path is taken: bounces come so', async () => {
    const client = await connect(await listen());
    await client.say('EHLO peer.example.com');
    expect(await client.say('MAIL FROM:<>')).toMatch(/^250/);
    await client.say('RCPT TO:<bob@turnpost.localhost>');
    await client.say('DATA');
    expect(await client.say('hi\r\n.')).toMatch(/^250/);
    expect(desk.taken[0]?.source).toMatchObject({ envelopeFrom: '' });
  });

  test('gets its 250 only after it is on disk', async () => {
    const client = await connect(await listen());
    const hold = holdStore();
    await toData(client);
    client.write('hi\r\n.\r\n');
    let answered = false;
    const first = client.reply().finally(() => {
      answered = true;
    });
    await expect.poll(hold.storing).toBe(true);
    expect(answered).toBe(false);
    hold.release();
    expect(await first).toBe('250 2.0.0 Taken');
    expect(desk.taken).toHaveLength(1);
  });

  test('that cannot be stored is answered 451, and the connection goes on', async () => {
    const client = await connect(await listen());
    desk.store = () => Promise.reject(new RelayError('unavailable', { cause: 'secret path' }));
    await toData(client);
    expect(await client.say('hi\r\n.')).toBe(
      '451 4.3.0 The relay cannot store anything at the moment. Nothing was accepted; try again.',
    );
    desk.store = async () => {};
    await toData(client);
    expect(await client.say('hi\r\n.')).toMatch(/^250/);
    expect(desk.taken).toHaveLength(1);
  });

  test('that breaks off is not taken', async () => {
    const listener = await listen();
    const client = await connect(listener);
    await toData(client);
    client.write('Subject: half\r\n\r\nhalf of');
    client.drop();
    await listener.close();
    expect(desk.taken).toEqual([]);
  });
});

describe('recipients are checked in the dialogue', () => {
  test('unknown 550, not now 451, a failing check 451, unreadable 553', async () => {
    const client = await connect(await listen());
    await client.say('EHLO peer.example.com');
    await client.say('MAIL FROM:<person@example.com>');
    expect(await client.say('RCPT TO:<nobody@turnpost.localhost>')).toBe(
      '550 5.1.1 No agent of this relay has that address',
    );
    expect(await client.say('RCPT TO:<later@turnpost.localhost>')).toBe('451 4.3.0 Try again later');
    expect(await client.say('RCPT TO:<broken@turnpost.localhost>')).toMatch(/^451/);
    expect(await client.say('RCPT TO:<"a b"@turnpost.localhost>')).toMatch(/^5\d\d/);
    expect(await client.say('RCPT TO:<b\u00f6b@turnpost.localhost>')).toMatch(/^5\d\d/);
    expect(await client.say('DATA')).toMatch(/^503/);
    expect(desk.taken).toEqual([]);
  });

  test('the 101st gets 452 (RFC 5321 section 4.5.3.1.10)', async () => {
    const client = await connect(await listen());
    await client.say('EHLO peer.example.com');
    await client.say('MAIL FROM:<person@example.com>');
    for (let n = 0; n < 100; n += 1) expect(await client.say(`RCPT TO:<bob+${n}@turnpost.localhost>`)).toMatch(/^250/);
    expect(await client.say('RCPT TO:<bob+100@turnpost.localhost>')).toMatch(/^452/);
  });

  test('a sender that cannot be answered gets 553', async () => {
    const client = await connect(await listen());
    await client.say('EHLO peer.example.com');
    expect(await client.say('MAIL FROM:<not an address>')).toMatch(/^5\d\d/);
    expect(await client.say('MAIL FROM:<p\u00e9rson@example.com>')).toMatch(/^5\d\d/);
  });
});

describe('what the server offers', () => {
  test('STARTTLS, SIZE and AUTH; no SMTPUTF8', async () => {
    const client = await connect(await listen());
    const offers = await client.say('EHLO peer.example.com');
    expect(offers).toMatch(/STARTTLS/);
    expect(offers).toMatch(/SIZE 10000/);
    expect(offers).toMatch(/AUTH PLAIN LOGIN OAUTHBEARER XOAUTH2/);
    expect(offers).not.toMatch(/SMTPUTF8/);
  });

  test('STARTTLS works, and nothing said before it counts after it', async () => {
    const client = await connect(await listen());
    await client.say('EHLO peer.example.com');
    expect(await client.say('STARTTLS')).toMatch(/^220/);
    await client.startTls();
    expect(await client.say('MAIL FROM:<person@example.com>')).toMatch(/^503/);
    await toData(client);
    expect(await client.say('hi\r\n.')).toMatch(/^250/);
  });

  test('a mail over SIZE is refused, said beforehand or not', async () => {
    const client = await connect(await listen());
    await client.say('EHLO peer.example.com');
    expect(await client.say('MAIL FROM:<person@example.com> SIZE=10001')).toMatch(/^552/);
    await client.say('MAIL FROM:<person@example.com>');
    await client.say('RCPT TO:<bob@turnpost.localhost>');
    await client.say('DATA');
    expect(await client.say(`${'x'.repeat(98).concat('\r\n').repeat(101)}.`)).toMatch(/^552/);
    expect(desk.taken).toEqual([]);
  });
});

/** Each of these bodies has made some server see two mails. */
describe('smuggling', () => {
  const SECOND = 'MAIL FROM:<boss@example.com>\r\nRCPT TO:<bob@turnpost.localhost>\r\nDATA\r\nsecond\r\n';

  test.each([
    ['LF.LF', '\n.\n'],
    ['LF.CRLF', '\n.\r\n'],
    ['CRLF.LF', '\r\n.\n'],
    ['CR.CR', '\r.\r'],
    ['CR.CRLF', '\r.\r\n'],
    ['CRLF.CR', '\r\n.\r'],
    ['CRLF.NUL CRLF', '\r\n.\0\r\n'],
  ])('%s does not end the mail', async (_, end) => {
    const client = await connect(await listen());
    await toData(client);
    expect(await client.say(`first${end}${SECOND}.`)).toMatch(/^250/);
    expect(await client.say('QUIT')).toMatch(/^221/);
    expect(desk.taken).toHaveLength(1);
    expect(desk.taken[0]?.raw.toString()).toContain('second');
  });
});

describe('hostile clients', () => {
  test.each([
    ['a line without end', 'x'.repeat(100_000)],
    ['binary', '\0\u0001\u0002\r\n'.repeat(50)],
    ['HTTP', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['pipelined nonsense', 'FOO\r\n'.repeat(1000)],
  ])('%s does no harm', async (_, bytes) => {
    const listener = await listen();
    const hostile = await connect(listener);
    hostile.write(bytes);
    const client = await connect(listener);
    await toData(client);
    expect(await client.say('hi\r\n.')).toMatch(/^250/);
  });

  test('one that says nothing is sent away', async () => {
    const client = await connect(await listen({ idleMs: 400 }));
    expect(await client.reply()).toMatch(/^421/);
  });
});

describe('close', () => {
  test('waits for the mail in hand, and takes no new connection', async () => {
    const listener = await listen({ graceMs: 5000 });
    const client = await connect(listener);
    const hold = holdStore();
    await toData(client);
    client.write('hi\r\n.\r\n');
    await expect.poll(hold.storing).toBe(true);
    const closing = listener.close();
    await expect(
      new Promise((_, reject) => net.connect(listener.port, '127.0.0.1').once('error', reject)),
    ).rejects.toThrow('ECONNREFUSED');
    hold.release();
    expect(await client.reply()).toBe('250 2.0.0 Taken');
    client.drop();
    await closing;
    expect(desk.taken).toHaveLength(1);
  });

  test('a port in use is an error at start', async () => {
    const { port } = await listen();
    await expect(listen({ port })).rejects.toThrow('EADDRINUSE');
  });
});

test('our own courier and listener understand each other', async () => {
  const { port } = await listen();
  const courier = smtpCourier({ url: `smtp://localhost:${port}`, ca: pair.cert, clock: systemClock, log: silentLog });
  open.push(() => courier.close());
  const email = {
    deliveryId: 'dlv_1',
    envelopeFrom: 'a@turnpost.localhost',
    envid: 'dlv_1',
    raw: Buffer.from('X: y\r\n\r\nhi\r\n'),
  };
  expect(await courier.deliver({ ...email, envelopeTo: 'bob@turnpost.localhost' })).toEqual({
    kind: 'delivered',
    reply: '250 2.0.0 Taken',
  });
  expect(await courier.deliver({ ...email, envelopeTo: 'nobody@turnpost.localhost' })).toMatchObject({
    kind: 'refused',
    code: 550,
  });
  expect(desk.taken[0]?.raw.toString()).toBe('X: y\r\n\r\nhi\r\n');
});
