/** Logins by token to SMTP servers that offer what Postfix does not: one mechanism only, a refusal told in a challenge. */
import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../relay/clock.ts';
import { silentLog } from '../../../relay/log.ts';
import { smtpCourier } from '../../../relay/mail/courier/courier.ts';
import type { AccessTokens } from '../../../relay/mail/oauth/oauth-tokens.ts';

const servers: net.Server[] = [];
const sockets = new Set<net.Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** Takes the token `good`; refuses another with RFC 7628's challenge. */
async function server(mechanisms: string) {
  const said: string[] = [];
  const listening = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.write('220 hi\r\n');
    socket.on('data', (chunk) => {
      const line = chunk.toString().trimEnd();
      said.push(line);
      const [verb, , blob] = line.split(' ');
      const token = Buffer.from(blob ?? '', 'base64').toString();
      if (verb === 'EHLO') socket.write(`250-me\r\n250 AUTH ${mechanisms}\r\n`);
      else if (verb === 'AUTH')
        socket.write(token.includes('Bearer good') ? '235 welcome\r\n' : '334 eyJzdGF0dXMiOiI0MDEifQ==\r\n');
      else if (line === '' || line === 'AQ==') socket.write('535 5.7.8 no\r\n');
      else if (verb === 'DATA') socket.write('354 go\r\n');
      else socket.write('250 ok\r\n');
    });
  });
  servers.push(listening);
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return { port: address.port, said };
}

function tokens(...values: string[]): AccessTokens & { dropped: string[] } {
  const dropped: string[] = [];
  return {
    dropped,
    get: async () => ({ value: values[0] ?? 'none', closeAt: Number.MAX_SAFE_INTEGER }),
    drop: (value) => {
      dropped.push(value);
      if (values[0] === value && values.length > 1) values.shift();
    },
    changed: () => false,
  };
}

async function deliver(port: number, mine: AccessTokens) {
  const url = `smtp://a%2Cb%3D@127.0.0.1:${port}`;
  const courier = smtpCourier({ url, tokens: () => mine, clock: systemClock, log: silentLog });
  const email = { deliveryId: 'dlv_1', envelopeFrom: 'a@example.com', envelopeTo: 'b@example.com', envid: 'dlv_1' };
  const outcome = await courier.deliver({ ...email, raw: Buffer.from('Subject: x\r\n\r\nhi\r\n') });
  courier.close();
  return outcome;
}

describe('a login by token', () => {
  test('is by XOAUTH2 where it is offered, also beside PLAIN', async () => {
    const { port, said } = await server('PLAIN LOGIN OAUTHBEARER XOAUTH2');
    await deliver(port, tokens('good'));
    const line = said.find((one) => one.startsWith('AUTH')) ?? '';
    expect(line).toMatch(/^AUTH XOAUTH2 /);
    expect(Buffer.from(line.split(' ')[2] ?? '', 'base64').toString()).toBe('user=a,b=\x01auth=Bearer good\x01\x01');
  });

  test('is by OAUTHBEARER elsewhere (RFC 7628 section 3.1), with its separators written as RFC 5801 wants', async () => {
    const { port, said } = await server('OAUTHBEARER');
    await deliver(port, tokens('good'));
    const line = said.find((one) => one.startsWith('AUTH')) ?? '';
    const payload = `n,a=a=2Cb=3D,\x01host=127.0.0.1\x01port=${port}\x01auth=Bearer good\x01\x01`;
    expect(line).toBe(`AUTH OAUTHBEARER ${Buffer.from(payload).toString('base64')}`);
  });

  test.each(['XOAUTH2', 'OAUTHBEARER'])(
    '%s: a refusal in a challenge is answered, and another token tried once',
    async (mechanism) => {
      const { port, said } = await server(mechanism);
      const mine = tokens('stale', 'good');
      await deliver(port, mine);
      expect(mine.dropped).toEqual(['stale']);
      expect(said.filter((line) => line.startsWith('AUTH'))).toHaveLength(2);
    },
  );

  test('refused twice: deferred, without the token in the reason', async () => {
    const { port } = await server('XOAUTH2');
    const outcome = await deliver(port, tokens('sesame'));
    expect(outcome).toMatchObject({ kind: 'deferred', code: 535 });
    expect(JSON.stringify(outcome)).not.toContain('sesame');
  });
});
