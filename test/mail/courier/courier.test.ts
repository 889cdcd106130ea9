import net from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../relay/clock.ts';
import { silentLog } from '../../../relay/log.ts';
import type { Courier } from '../../../relay/mail/contracts.ts';
import { smtpCourier } from '../../../relay/mail/courier/courier.ts';
import { makeTlsPair } from '../../../relay/mail/smtp/tls-pair.ts';

const RAW = Buffer.from('From: bob@turnpost.localhost\r\nX-Odd:  kept  \r\n\r\n.leading dot\r\n\r\nend\r\n');
const EMAIL = {
  deliveryId: 'dlv_1',
  envelopeFrom: 'bounce+b1x@turnpost.localhost',
  envelopeTo: 'person@example.com',
  envid: 'dlv_1',
  raw: RAW,
};

const toClose: (() => void)[] = [];
afterEach(() => {
  for (const close of toClose.splice(0)) close();
});

function courier(url: string, options: { ca?: string; timeoutMs?: number } = {}): Courier {
  const made = smtpCourier({ url, clock: systemClock, log: silentLog, ...options });
  toClose.push(() => made.close());
  return made;
}

async function server(options: SMTPServerOptions): Promise<number> {
  const smtp = new SMTPServer({ authOptional: true, hideSTARTTLS: true, logger: false, ...options });
  smtp.on('error', () => {});
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
  toClose.push(() => smtp.close());
  return portOf(smtp.server);
}

function portOf(listening: net.Server): number {
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address.port;
}

function reply(code: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode: code });
}

/** A server that speaks only the lines it is given, one after each of the client's. */
async function script(lines: readonly string[]): Promise<number> {
  const listening = net.createServer((socket) => {
    let at = 0;
    const say = () => {
      const line = lines[at];
      at += 1;
      if (line === undefined) return;
      if (line === 'DROP') socket.destroy();
      else socket.write(`${line}\r\n`);
    };
    socket.on('error', () => {});
    socket.on('data', say);
    say();
    toClose.push(() => socket.destroy());
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  toClose.push(() => listening.close());
  return portOf(listening);
}

describe('what the server says becomes an outcome', () => {
  test('what nobody is to answer goes out with the null path', async () => {
    let from: string | undefined;
    const port = await server({
      onMailFrom({ address }, _session, callback) {
        from = address;
        callback();
      },
    });
    const sent = await courier(`smtp://127.0.0.1:${port}`).deliver({ ...EMAIL, envelopeFrom: '' });
    expect([sent.kind, from]).toEqual(['delivered', '']);
  });

  test('250: delivered, the bytes as they were composed, ENVID asked to come back', async () => {
    const got: { raw?: Buffer; from?: string; envid?: string | null | undefined; orcpt?: string | undefined } = {};
    const port = await server({
      hideDSN: false,
      onData(stream, session, callback) {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const { mailFrom, rcptTo, dsn } = session.envelope;
          got.raw = Buffer.concat(chunks);
          got.from = mailFrom === false ? '' : mailFrom.address;
          got.envid = dsn?.envid;
          got.orcpt = rcptTo[0]?.dsn?.orcpt;
          callback(null, 'queued as 4711');
        });
      },
    });
    expect(await courier(`smtp://127.0.0.1:${port}`).deliver(EMAIL)).toEqual({
      kind: 'delivered',
      reply: '250 queued as 4711',
    });
    expect(got.raw?.toString()).toBe(RAW.toString());
    expect(got).toMatchObject({ from: EMAIL.envelopeFrom, envid: 'dlv_1', orcpt: 'rfc822;person@example.com' });
  });

  test.each([
    [550, 'refused'],
    [553, 'refused'],
    [450, 'deferred'],
    [451, 'deferred'],
    [421, 'deferred'],
    [530, 'deferred'], // asks for a login or TLS: our settings, not this mail
  ])('%i to RCPT TO: %s', async (code, kind) => {
    const port = await server({
      onRcptTo: (_address, _session, callback) => callback(reply(code, '5.1.1 no such user')),
    });
    expect(await courier(`smtp://127.0.0.1:${port}`).deliver(EMAIL)).toMatchObject({
      kind,
      code,
      reason: `${code} 5.1.1 no such user`,
    });
  });

  test.each([
    [554, 'refused'],
    [452, 'deferred'],
  ])('%i after the data: %s', async (code, kind) => {
    const port = await server({
      onData(stream, _session, callback) {
        stream.on('end', () => callback(reply(code, 'no')));
        stream.resume();
      },
    });
    expect(await courier(`smtp://127.0.0.1:${port}`).deliver(EMAIL)).toMatchObject({ kind, code });
  });

  test('larger than the server said it takes: refused as too large, and not sent', async () => {
    const port = await server({ size: 100 });
    expect(await courier(`smtp://127.0.0.1:${port}`).deliver({ ...EMAIL, raw: Buffer.alloc(200, 'x') })).toMatchObject({
      kind: 'refused',
      code: 552,
      reason: expect.stringContaining('5.3.4'),
    });
  });

  test.each([
    ['421 4.7.0 Try again later', 'all'],
    ['450 4.2.1 The user is receiving mail too quickly', undefined],
    ['451 4.7.1 Greylisting in action', undefined],
    ['451 4.3.0 Mail server temporarily rejected message', undefined],
  ])('"%s" to MAIL FROM: %s waits', async (text, slowDown) => {
    const code = Number(text.slice(0, 3));
    const port = await server({ onMailFrom: (_address, _session, done) => done(reply(code, text.slice(4))) });
    const outcome = await courier(`smtp://127.0.0.1:${port}`).deliver(EMAIL);
    expect([outcome.kind, outcome.kind === 'deferred' ? outcome.slowDown : null]).toEqual(['deferred', slowDown]);
  });

  test('4.7.x to a recipient: its domain waits', async () => {
    const port = await server({ onRcptTo: (_address, _session, done) => done(reply(450, '4.7.28 too many')) });
    expect(await courier(`smtp://127.0.0.1:${port}`).deliver(EMAIL)).toMatchObject({ slowDown: 'domain' });
  });

  test.each([
    '550 5.4.5 Daily user sending limit exceeded',
    '554 5.2.0 SubmissionQuotaExceededException',
    '550 Outbound message quota exceeded',
  ])('the share of our account is sent ("%s"): not bounced, all mail waits', async (text) => {
    const code = Number(text.slice(0, 3));
    const port = await server({ onMailFrom: (_address, _session, done) => done(reply(code, text.slice(4))) });
    expect(await courier(`smtp://127.0.0.1:${port}`).deliver(EMAIL)).toMatchObject({
      kind: 'deferred',
      slowDown: 'all',
    });
  });

  test('550 to MAIL FROM: refused', async () => {
    const port = await server({ onMailFrom: (_address, _session, callback) => callback(reply(550, 'no')) });
    expect(await courier(`smtp://127.0.0.1:${port}`).deliver(EMAIL)).toMatchObject({ kind: 'refused', code: 550 });
  });

  test.each([
    ['554 as greeting: about us, not about this mail', ['554 go away']],
    ['554 to EHLO and HELO', ['220 hi', '554 no', '554 no']],
    ['421 in the middle', ['220 hi', '250 me', '421 bye']],
    ['the connection dropped after the data', ['220 hi', '250 me', '250 ok', '250 ok', '354 go', 'DROP']],
    ['nonsense', ['HTTP/1.1 400 Bad Request']],
  ])('%s: deferred', async (_, lines) => {
    const port = await script(lines);
    expect(await courier(`smtp://127.0.0.1:${port}`, { timeoutMs: 2000 }).deliver(EMAIL)).toMatchObject({
      kind: 'deferred',
    });
  });

  test('a server that says nothing: deferred after the time given', async () => {
    const port = await script([]);
    const startedAt = performance.now();
    const outcome = await courier(`smtp://127.0.0.1:${port}`, { timeoutMs: 200 }).deliver(EMAIL);
    expect(outcome).toMatchObject({ kind: 'deferred', code: null });
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  test('nobody listens: deferred', async () => {
    const port = await script([]);
    for (const close of toClose.splice(0)) close();
    expect(await courier(`smtp://127.0.0.1:${port}`).deliver(EMAIL)).toMatchObject({
      kind: 'deferred',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('a wrong password: deferred, and the reason does not have it', async () => {
    const port = await server({
      allowInsecureAuth: true,
      onAuth: (_auth, _session, callback) => callback(reply(535, '5.7.8 wrong')),
    });
    const outcome = await courier(`smtp://user:sesame@127.0.0.1:${port}`).deliver(EMAIL);
    expect(outcome).toMatchObject({ kind: 'deferred', code: 535 });
    expect(JSON.stringify(outcome)).not.toContain('sesame');
  });

  test('a sender of nobody is sent as the null path', async () => {
    let from: string | undefined;
    const port = await server({
      onMailFrom: ({ address }, _session, callback) => {
        from = address;
        callback();
      },
    });
    await courier(`smtp://127.0.0.1:${port}`).deliver({ ...EMAIL, envelopeFrom: '' });
    expect(from).toBe('');
  });
});

describe('TLS', () => {
  test('a certificate that does not check: deferred; with its authority: delivered, encrypted', async () => {
    const pair = await makeTlsPair('localhost');
    let encrypted = false;
    const port = await server({
      ...pair,
      hideSTARTTLS: false,
      onRcptTo: (_address, session, callback) => {
        encrypted = session.secure;
        callback();
      },
    });
    const strange = await makeTlsPair('localhost');
    expect(await courier(`smtp://localhost:${port}`, { ca: strange.cert }).deliver(EMAIL)).toMatchObject({
      kind: 'deferred',
      reason: expect.stringMatching(/certificate/),
    });
    expect(await courier(`smtp://localhost:${port}`, { ca: pair.cert }).deliver(EMAIL)).toMatchObject({
      kind: 'delivered',
    });
    expect(encrypted).toBe(true);
  });

  test('a URL that is none says how one looks, without the password', () => {
    expect(() => courier('smtp.example.com')).toThrow(/smtp:\/\/user:password@host:port/);
    expect(() => courier('imap://user:sesame@example.com')).toThrow(expect.not.stringContaining('sesame'));
  });
});
