/** AUTH at the listener, as dialogues over real sockets: who may log in, how, and what a failure costs. */
import os from 'node:os';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '../../../relay/log.ts';
import type { IncomingEmail } from '../../../relay/mail/contracts.ts';
import { peerOf } from '../../../relay/mail/smtp/login-guard.ts';
import type { DeskReply, SmtpDesk, Submitter } from '../../../relay/mail/smtp/smtp-desk.ts';
import { type SmtpListenerOptions, startSmtpListener } from '../../../relay/mail/smtp/smtp-listener.ts';
import { makeTlsPair, type TlsPair } from '../../../relay/mail/smtp/tls-pair.ts';
import { ManualClock, MINUTE } from '../../support/manual-clock.ts';
import { SmtpClient } from '../../support/smtp-client.ts';

const KEY = 'tp_agent_key';
const WRONG = 'tp_agent_wrong';

class Desk implements SmtpDesk {
  readonly taken: IncomingEmail[] = [];
  readonly submitted: string[] = [];
  /** How many times a key was looked at. */
  looked = 0;
  broken = false;

  async checkRecipient(): Promise<DeskReply> {
    return { accepted: true };
  }

  async take(email: IncomingEmail): Promise<DeskReply> {
    this.taken.push(email);
    return { accepted: true };
  }

  async logIn(names: readonly string[], secret: string): Promise<Submitter | undefined> {
    this.looked += 1;
    if (this.broken) throw new Error('database is gone');
    if (secret !== KEY || !names.every((name) => name === 'alice')) return undefined;
    const accept = async (): Promise<DeskReply> => ({ accepted: true });
    return {
      checkSender: async (address) =>
        address.startsWith('alice@') ? { accepted: true } : { accepted: false, code: 553, text: '5.7.1 Not yours' },
      checkRecipient: accept,
      submit: async ({ raw }) => {
        this.submitted.push(raw.toString());
        return { accepted: true, text: 'Taken as msg_1' };
      },
    };
  }
}

let pair: TlsPair;
let desk: Desk;
let clock: ManualClock;
const open: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  pair = await makeTlsPair('turnpost.localhost', Date.now());
});
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function listen(options: Partial<SmtpListenerOptions> = {}) {
  desk = new Desk();
  clock = new ManualClock();
  const listener = await startSmtpListener({
    host: '127.0.0.1',
    port: 0,
    tls: pair,
    maxBytes: 10_000,
    domain: 'turnpost.localhost',
    desk,
    graceMs: 200,
    clock,
    log: silentLog,
    ...options,
  });
  open.push(() => listener.close());
  return listener;
}

async function connect(port: number, options: Parameters<typeof SmtpClient.connect>[1] = {}): Promise<SmtpClient> {
  const client = await SmtpClient.connect(port, options);
  open.push(() => client.drop());
  await client.say('EHLO program.example.com');
  return client;
}

const begin = async (options: Partial<SmtpListenerOptions> = {}) => connect((await listen(options)).port);

const b64 = (text: string): string => Buffer.from(text).toString('base64');
const plain = (name: string, key: string, authzid = ''): string => b64(`${authzid}\0${name}\0${key}`);
const bearer = (header: string, key: string): string => b64(`${header}\x01host=relay\x01auth=Bearer ${key}\x01\x01`);

describe('a live key logs in', () => {
  test.each([
    ['PLAIN', [`AUTH PLAIN ${plain('alice', KEY)}`]],
    ['PLAIN, asked for', ['AUTH PLAIN', plain('alice', KEY)]],
    ['PLAIN, with the same authorisation identity', [`auth plain ${plain('alice', KEY, 'alice')}`]],
    ['LOGIN', ['AUTH LOGIN', b64('alice'), b64(KEY)]],
    ['LOGIN, with the name at once', [`AUTH LOGIN ${b64('alice')}`, b64(KEY)]],
    ['OAUTHBEARER', [`AUTH OAUTHBEARER ${bearer('n,a=alice,', KEY)}`]],
    ['OAUTHBEARER, without a name', ['AUTH OAUTHBEARER', bearer('n,,', KEY)]],
    ['XOAUTH2', [`AUTH XOAUTH2 ${b64(`user=alice\x01auth=Bearer ${KEY}\x01\x01`)}`]],
  ])('%s', async (_, lines) => {
    const client = await begin();
    const replies: string[] = [];
    for (const line of lines) replies.push(await client.say(line));
    expect(replies.at(-1)).toBe('235 2.7.0 Logged in');
    expect(replies.slice(0, -1).every((reply) => reply.startsWith('334'))).toBe(true);
    expect(await client.say('MAIL FROM:<alice@turnpost.localhost>')).toMatch(/^250/);
    await client.say('RCPT TO:<anyone@example.com>');
    await client.say('DATA');
    expect(await client.say('hi\r\n.')).toBe('250 2.0.0 Taken as msg_1');
    expect([desk.submitted, desk.taken]).toEqual([['hi\r\n'], []]);
  });
});

describe('what is no login', () => {
  test.each([
    ['a wrong key', [`AUTH PLAIN ${plain('alice', WRONG)}`], /^535 5\.7\.8/],
    ['another name', [`AUTH PLAIN ${plain('bob', KEY)}`], /^535 5\.7\.8/],
    ['another authorisation identity', [`AUTH PLAIN ${plain('alice', KEY, 'bob')}`], /^535 5\.7\.8/],
    ['LOGIN with a wrong key', ['AUTH LOGIN', b64('alice'), b64(WRONG)], /^535 5\.7\.8/],
    ['OAUTHBEARER with a wrong key', [`AUTH OAUTHBEARER ${bearer('n,,', WRONG)}`, 'AQ=='], /^535 5\.7\.8/],
    ['XOAUTH2 with a wrong key', [`AUTH XOAUTH2 ${b64(`user=alice\x01auth=Bearer ${WRONG}\x01\x01`)}`, ''], /^535/],
    ['what is not base64', ['AUTH PLAIN !!!'], /^501 5\.5\.2/],
    ['base64 that is cut off', [`AUTH PLAIN ${plain('alice', KEY).slice(0, -1)}`], /^501 5\.5\.2/],
    ['a token that is not PLAIN', [`AUTH PLAIN ${b64('alice')}`], /^501 5\.5\.2/],
    ['nothing at all', ['AUTH PLAIN ='], /^501 5\.5\.2/],
    ['OAUTHBEARER without a bearer', [`AUTH OAUTHBEARER ${b64('n,,\x01auth=Basic x\x01\x01')}`], /^501 5\.5\.2/],
    ['a client that breaks it off', ['AUTH LOGIN', '*'], /^501 5\.7\.0/],
    ['a mechanism we do not speak', ['AUTH CRAM-MD5'], /^504 5\.5\.4/],
  ])('%s', async (_, lines, expected) => {
    const client = await begin();
    let reply = '';
    for (const line of lines) reply = await client.say(line);
    expect(reply).toMatch(expected);
    // It goes on as a stranger.
    await client.say('MAIL FROM:<alice@turnpost.localhost>');
    await client.say('RCPT TO:<bob@turnpost.localhost>');
    await client.say('DATA');
    expect(await client.say('hi\r\n.')).toBe('250 2.0.0 Taken');
    expect([desk.submitted.length, desk.taken.length]).toEqual([0, 1]);
  });

  test('a store that does not answer: 454, and the connection goes on', async () => {
    const client = await begin();
    desk.broken = true;
    expect(await client.say(`AUTH PLAIN ${plain('alice', KEY)}`)).toMatch(/^454 4\.7\.0/);
    desk.broken = false;
    expect(await client.say(`AUTH PLAIN ${plain('alice', KEY)}`)).toMatch(/^235/);
  });

  test('a second login, and one within a mail', async () => {
    const client = await begin();
    await client.say(`AUTH PLAIN ${plain('alice', KEY)}`);
    expect(await client.say(`AUTH PLAIN ${plain('alice', KEY)}`)).toMatch(/^503/);
    const other = await begin();
    await other.say('MAIL FROM:<>');
    expect(await other.say(`AUTH PLAIN ${plain('alice', KEY)}`)).toMatch(/^503/);
  });
});

describe('only over TLS, but for this machine', () => {
  const outward = Object.values(os.networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  if (outward === undefined) console.log('skipped: this machine has no address but loopback');

  test.skipIf(outward === undefined)('from elsewhere: not offered and 538 until STARTTLS', async () => {
    const { port } = await listen({ host: '0.0.0.0' });
    const client = await SmtpClient.connect(port, { host: outward ?? '' });
    open.push(() => client.drop());
    expect(await client.say('EHLO program.example.com')).not.toMatch(/AUTH/);
    expect(await client.say(`AUTH PLAIN ${plain('alice', KEY)}`)).toMatch(/^538 5\.7\.11/);
    expect(desk.looked).toBe(0);
    await client.say('STARTTLS');
    await client.startTls();
    expect(await client.say('EHLO program.example.com')).toMatch(/AUTH PLAIN/);
    expect(await client.say(`AUTH PLAIN ${plain('alice', KEY)}`)).toMatch(/^235/);
  });

  test('STARTTLS ends a login that was made before it', async () => {
    const client = await begin();
    await client.say(`AUTH PLAIN ${plain('alice', KEY)}`);
    await client.say('STARTTLS');
    await client.startTls();
    await client.say('EHLO program.example.com');
    expect(await client.say(`AUTH PLAIN ${plain('alice', KEY)}`)).toMatch(/^235/);
  });

  test('the port with implicit TLS takes mail of agents only', async () => {
    const listener = await listen({ implicitTlsPort: 0 });
    const client = await connect(listener.implicitTlsPort ?? 0, { secure: true });
    expect(await client.say('MAIL FROM:<person@example.com>')).toMatch(/^530 5\.7\.0/);
    expect(await client.say(`AUTH PLAIN ${plain('alice', KEY)}`)).toMatch(/^235/);
    expect(await client.say('MAIL FROM:<alice@turnpost.localhost>')).toMatch(/^250/);
  });
});

describe('who fails again and again', () => {
  const fail = (client: SmtpClient, name = 'alice') => client.say(`AUTH PLAIN ${plain(name, WRONG)}`);

  test('loses the connection at the third time', async () => {
    const client = await begin();
    expect([await fail(client), await fail(client), await fail(client)]).toEqual([
      expect.stringMatching(/^535/),
      expect.stringMatching(/^535/),
      expect.stringMatching(/^421 4\.7\.0/),
    ]);
    expect(await client.say('NOOP')).toBe('');
  });

  test('has to wait, longer each time, and no key is looked at meanwhile; others on this machine need not', async () => {
    const { port } = await listen();
    for (let n = 0; n < 5; n += 1) await fail(await connect(port));
    const client = await connect(port);
    const looked = desk.looked;
    expect(await client.say(`AUTH PLAIN ${plain('alice', KEY)}`)).toMatch(/^454 4\.7\.0 .* 15 s$/);
    expect(desk.looked).toBe(looked);
    expect(await fail(client, 'bob')).toMatch(/^535/);
    clock.advance(15_000);
    await fail(client);
    expect(await client.say(`AUTH PLAIN ${plain('alice', KEY)}`)).toMatch(/^454 4\.7\.0 .* 30 s$/);
    clock.advance(30_000);
    expect(await client.say(`AUTH PLAIN ${plain('alice', KEY)}`)).toMatch(/^235/);
  });

  test('is forgotten after a quarter of an hour', async () => {
    const { port } = await listen();
    for (let n = 0; n < 5; n += 1) await fail(await connect(port));
    clock.advance(31 * MINUTE);
    const client = await connect(port);
    await fail(client);
    expect(await client.say(`AUTH PLAIN ${plain('alice', KEY)}`)).toMatch(/^235/);
  });

  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::7', '2001:db8:0:0'],
    ['::1', '::1 alice'],
    ['127.0.0.1', '127.0.0.1 alice'],
  ])('%s counts as %s', (address, peer) => {
    expect(peerOf(address, ['Alice'])).toBe(peer);
  });
});
