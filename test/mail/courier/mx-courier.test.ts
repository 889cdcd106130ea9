/** Mail straight to a domain's own servers: real ones on loopback, names and policies from tables. */
import net from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '../../../relay/log.ts';
import { stsPolicies } from '../../../relay/mail/courier/mta-sts.ts';
import { mxCourier } from '../../../relay/mail/courier/mx-courier.ts';
import { makeTlsPair, type TlsPair } from '../../../relay/mail/smtp/tls-pair.ts';
import { isPublicAddress } from '../../../relay/mail/web/web-fetch.ts';
import { DAY, ManualClock } from '../../support/manual-clock.ts';
import { type Zone, zoneResolver } from '../../support/zone-resolver.ts';

const EMAIL = {
  deliveryId: 'dlv_1',
  envelopeFrom: 'bob+b1x@agents.example.net',
  envelopeTo: 'person@example.com',
  envid: 'b1x',
  raw: Buffer.from('From: bob@agents.example.net\r\n\r\nhello\r\n'),
};
const FIRST = '127.0.0.1';
const SECOND = '127.0.0.2';
const ONE_MX: Zone = {
  'example.com': { MX: [{ exchange: 'mx1.example.com', priority: 10 }] },
  'mx1.example.com': { A: [FIRST] },
};
const TWO_MX: Zone = {
  'example.com': {
    MX: [
      { exchange: 'mx2.example.com', priority: 20 },
      { exchange: 'mx1.example.com', priority: 10 },
    ],
  },
  'mx1.example.com': { A: [FIRST] },
  'mx2.example.com': { A: [SECOND] },
};

let pair: TlsPair;
beforeAll(async () => {
  pair = await makeTlsPair('mx1.example.com');
});

const toClose: (() => void)[] = [];
afterEach(() => {
  for (const close of toClose.splice(0)) close();
});

interface Heard {
  readonly mails: { readonly to: string; readonly secure: boolean; readonly hello: string }[];
  connections: number;
}

/** A mail server that takes everything but for what `options` say. */
async function server(options: SMTPServerOptions = {}, { host = FIRST, port = 0 } = {}) {
  const heard: Heard = { mails: [], connections: 0 };
  const smtp = new SMTPServer({
    authOptional: true,
    hideSTARTTLS: true,
    logger: false,
    onConnect(_session, done) {
      heard.connections += 1;
      done();
    },
    onData(stream, session, done) {
      stream.on('end', () => {
        const [to] = session.envelope.rcptTo;
        heard.mails.push({ to: to?.address ?? '', secure: session.secure, hello: String(session.hostNameAppearsAs) });
        done(null, 'taken');
      });
      stream.resume();
    },
    ...options,
  });
  smtp.on('error', () => undefined);
  await new Promise<void>((resolve) => smtp.listen(port, host, resolve));
  toClose.push(() => smtp.close());
  return { heard, port: portOf(smtp.server) };
}

function portOf(listening: net.Server): number {
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address.port;
}

const reply = (code: number, text: string): Error => Object.assign(new Error(text), { responseCode: code });

interface World {
  readonly zone?: Zone;
  readonly port: number;
  readonly policy?: () => string;
  readonly ca?: string;
  readonly onlyPublic?: true;
  readonly clock?: ManualClock;
}

function courier({ zone = ONE_MX, port, policy, ca, onlyPublic, clock = new ManualClock() }: World) {
  const { resolve, asked } = zoneResolver(zone);
  const fetched: string[] = [];
  const policies = stsPolicies({
    resolver: resolve,
    clock,
    fetch: async (url) => {
      fetched.push(url);
      if (policy === undefined) throw new Error('nobody answers');
      return { status: 200, body: Buffer.from(policy()) };
    },
  });
  const mx = mxCourier({
    resolver: resolve,
    policies,
    hello: 'agents.example.net',
    port,
    ...(ca !== undefined && { ca }),
    mayConnect: onlyPublic ? isPublicAddress : () => true,
    timeoutMs: 2_000,
    clock,
    log: silentLog,
  });
  return { deliver: (to = EMAIL.envelopeTo) => mx.deliver({ ...EMAIL, envelopeTo: to }), asked, fetched };
}

describe('where it goes', () => {
  test('to the server of the domain, which hears our name; without TLS where it has none', async () => {
    const { heard, port } = await server();
    expect(await courier({ port }).deliver()).toEqual({ kind: 'delivered', reply: '250 taken' });
    expect(heard.mails).toEqual([{ to: 'person@example.com', secure: false, hello: 'agents.example.net' }]);
  });

  test('to the most preferred; to the next where that one is gone, or says "later" to the recipient', async () => {
    const first = await server({ onRcptTo: (_to, _session, done) => done(reply(450, '4.2.0 later')) });
    const second = await server({}, { host: SECOND, port: first.port });
    expect((await courier({ zone: TWO_MX, port: first.port }).deliver()).kind).toBe('delivered');
    expect([first.heard.connections, second.heard.mails.length]).toEqual([1, 1]);
    for (const close of toClose.splice(0, 1)) close();
    expect((await courier({ zone: TWO_MX, port: first.port }).deliver()).kind).toBe('delivered');
    expect(second.heard.mails).toHaveLength(2);
  });

  test('a refusal by the first is an answer: the second is not asked', async () => {
    const first = await server({ onRcptTo: (_to, _session, done) => done(reply(550, '5.1.1 nobody')) });
    const second = await server({}, { host: SECOND, port: first.port });
    expect(await courier({ zone: TWO_MX, port: first.port }).deliver()).toMatchObject({ kind: 'refused', code: 550 });
    expect(second.heard.connections).toBe(0);
  });

  test('a server that falls silent after the data may have it: the second is not asked', async () => {
    const first = await server({
      onData: (stream, session) => stream.resume().on('end', () => toClose.push(() => session)),
    });
    const second = await server({}, { host: SECOND, port: first.port });
    expect((await courier({ zone: TWO_MX, port: first.port }).deliver()).kind).toBe('deferred');
    expect(second.heard.connections).toBe(0);
  });

  test('without an MX record, to the domain itself; also by IPv6', async () => {
    const { heard, port } = await server({}, { host: '::1' });
    const zone: Zone = { 'example.com': { AAAA: ['::1'] } };
    expect((await courier({ zone, port }).deliver()).kind).toBe('delivered');
    expect(heard.mails).toHaveLength(1);
  });

  test.each<[string, Zone, string, RegExp]>([
    [
      'a null MX (RFC 7505)',
      { 'example.com': { MX: [{ exchange: '.', priority: 0 }], A: [FIRST] } },
      'refused',
      /5\.1\.10/,
    ],
    ['no such domain', {}, 'refused', /5\.1\.2/],
    ['no DNS', { 'example.com': { fails: 'ETIMEOUT' } }, 'deferred', /ETIMEOUT/],
    [
      'an MX that has no address',
      { 'example.com': { MX: [{ exchange: 'gone.example.com', priority: 1 }] } },
      'deferred',
      /no address/,
    ],
    ['nobody listens', { 'example.com': { A: ['127.0.0.3'] } }, 'deferred', /ECONNREFUSED/],
  ])('%s', async (_, zone, kind, reason) => {
    const { port } = await server();
    expect(await courier({ zone, port }).deliver()).toMatchObject({ kind, reason: expect.stringMatching(reason) });
  });

  test('nowhere into a private network, and no name of this machine', async () => {
    const { heard, port } = await server();
    const zone: Zone = { ...ONE_MX, 'x.localhost': { A: [FIRST] } };
    expect(await courier({ zone, port, onlyPublic: true }).deliver()).toMatchObject({
      kind: 'deferred',
      reason: 'mx1.example.com is not on the public internet',
    });
    expect(await courier({ zone, port }).deliver('person@x.localhost')).toMatchObject({ kind: 'refused' });
    expect(heard.connections).toBe(0);
  });

  test('a server that asks for less is heard, also where the next one is asked after it', async () => {
    const first = await server({ onConnect: (_session, done) => done(reply(421, '4.7.0 too many connections')) });
    expect(await courier({ zone: TWO_MX, port: first.port }).deliver()).toMatchObject({
      kind: 'deferred',
      slowDown: 'domain',
    });
  });
});

describe('TLS where nobody asks for it', () => {
  test('is used where it is offered, whoever signed the certificate', async () => {
    const { heard, port } = await server({ ...pair, hideSTARTTLS: false });
    expect((await courier({ port }).deliver()).kind).toBe('delivered');
    expect(heard.mails[0]?.secure).toBe(true);
  });

  test('that is broken is no worse than none (RFC 7435 section 4)', async () => {
    const said: string[] = [];
    const broken = net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('220 hi\r\n');
      socket.on('data', (data) => {
        const line = data.toString('latin1').trim();
        said.push(line.split(' ')[0] ?? '');
        if (/^EHLO/.test(line)) socket.write('250-me\r\n250 STARTTLS\r\n');
        else if (/^STARTTLS/.test(line)) socket.write('220 go\r\nnot TLS at all\r\n');
        else if (/^DATA/.test(line)) socket.write('354 go\r\n');
        else socket.write('250 ok\r\n');
      });
    });
    await new Promise<void>((resolve) => broken.listen(0, FIRST, resolve));
    toClose.push(() => broken.close());
    expect((await courier({ port: portOf(broken) }).deliver()).kind).toBe('delivered');
    expect(said.slice(0, 2)).toEqual(['EHLO', 'STARTTLS']);
    expect(said).toContain('MAIL');
  });
});

describe('MTA-STS', () => {
  const STS: Zone = { ...ONE_MX, '_mta-sts.example.com': { TXT: ['v=STSv1; id=1;'] } };
  const policy =
    (mode: string, mx = 'mx1.example.com', maxAge = 86_400) =>
    () =>
      ['version: STSv1', `mode: ${mode}`, `mx: ${mx}`, `max_age: ${maxAge}`].join('\r\n');
  const good = () => server({ ...pair, hideSTARTTLS: false });

  test.each(['mx1.example.com', '*.example.com'])(
    'enforce, a certificate that checks, named as %s: delivered',
    async (mx) => {
      const { heard, port } = await good();
      const { deliver, fetched } = courier({ zone: STS, port, ca: pair.cert, policy: policy('enforce', mx) });
      expect((await deliver()).kind).toBe('delivered');
      expect(heard.mails[0]?.secure).toBe(true);
      expect(fetched).toEqual(['https://mta-sts.example.com/.well-known/mta-sts.txt']);
    },
  );

  test('enforce, a certificate of a stranger, or for another name: deferred, saying so, and nothing was sent', async () => {
    const { heard, port } = await good();
    const stranger = courier({ zone: STS, port, policy: policy('enforce') });
    expect(await stranger.deliver()).toMatchObject({
      kind: 'deferred',
      reason: expect.stringMatching(/^example\.com takes mail over checked TLS only \(MTA-STS\): .*certificate/),
    });
    const zone: Zone = {
      ...STS,
      'example.com': { MX: [{ exchange: 'mx9.example.com', priority: 1 }] },
      'mx9.example.com': { A: [FIRST] },
    };
    const other = courier({ zone, port, ca: pair.cert, policy: policy('enforce', '*.example.com') });
    expect(await other.deliver()).toMatchObject({
      kind: 'deferred',
      reason: expect.stringMatching(/mx9\.example\.com/),
    });
    expect(heard.mails).toEqual([]);
  });

  test('enforce, a server without TLS (or somebody who took it out): deferred', async () => {
    const { heard, port } = await server();
    expect(await courier({ zone: STS, port, ca: pair.cert, policy: policy('enforce') }).deliver()).toMatchObject({
      kind: 'deferred',
      reason: expect.stringContaining('MTA-STS'),
    });
    expect(heard.mails).toEqual([]);
  });

  test('enforce, an MX that the policy does not name: not even connected to', async () => {
    const { heard, port } = await good();
    const { deliver } = courier({ zone: STS, port, ca: pair.cert, policy: policy('enforce', 'mx.other.example') });
    expect(await deliver()).toMatchObject({ kind: 'deferred', reason: expect.stringContaining('does not name mx1') });
    expect(heard.connections).toBe(0);
  });

  test.each([
    ['testing', policy('testing')],
    ['none', policy('none')],
    ['a policy that is none', () => 'hello'],
    ['no policy to be had', undefined],
  ])('%s: delivered as without', async (_, text) => {
    const { port } = await server();
    expect((await courier({ zone: STS, port, ...(text && { policy: text }) }).deliver()).kind).toBe('delivered');
  });

  test('a policy is remembered for its time, also where its record goes; then it is forgotten', async () => {
    const { port } = await server();
    const clock = new ManualClock();
    const zone: Zone = { ...STS };
    const { deliver, fetched } = courier({ zone, port, clock, policy: policy('enforce') });
    expect((await deliver()).kind).toBe('deferred');
    delete zone['_mta-sts.example.com'];
    clock.advance(DAY - 1);
    expect((await deliver()).kind).toBe('deferred');
    expect(fetched).toHaveLength(1);
    clock.advance(1);
    expect((await deliver()).kind).toBe('delivered');
  });

  test('a new id fetches the policy again; one that cannot be fetched is not asked for at every mail', async () => {
    const { port } = await server();
    const clock = new ManualClock();
    const zone: Zone = { ...STS };
    let text = policy('enforce')();
    const { deliver, fetched } = courier({ zone, port, clock, policy: () => text });
    expect((await deliver()).kind).toBe('deferred');
    text = policy('none')();
    expect((await deliver()).kind).toBe('deferred');
    zone['_mta-sts.example.com'] = { TXT: ['v=STSv1; id=2;'] };
    expect((await deliver()).kind).toBe('delivered');
    expect(fetched).toHaveLength(2);
    text = 'broken';
    zone['_mta-sts.example.com'] = { TXT: ['v=STSv1; id=3;'] };
    for (let n = 0; n < 3; n += 1) expect((await deliver()).kind).toBe('delivered');
    expect(fetched).toHaveLength(3);
    clock.advance(6 * 60_000);
    await deliver();
    expect(fetched).toHaveLength(4);
  });

  test('two records are none (RFC 8461 section 3.1)', async () => {
    const { port } = await server();
    const zone: Zone = { ...STS, '_mta-sts.example.com': { TXT: ['v=STSv1; id=1;', 'v=STSv1; id=2;'] } };
    const { deliver, fetched } = courier({ zone, port, policy: policy('enforce') });
    expect((await deliver()).kind).toBe('delivered');
    expect(fetched).toEqual([]);
  });
});
