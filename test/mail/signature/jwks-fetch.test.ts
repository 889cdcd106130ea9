/** Keys of other relays: what is fetched, how often, how long it is believed, and what is never asked. */
import { generateKeyPairSync } from 'node:crypto';
import https from 'node:https';
import { describe, expect, test } from 'vitest';
import { makeSigningKey } from '../../../relay/broker/signer.ts';
import { keyDirectory, readPeerKey } from '../../../relay/mail/signature/jwks-fetch.ts';
import { makeTlsPair } from '../../../relay/mail/smtp/tls-pair.ts';
import { isPublicAddress, publicFetch, type WebAnswer } from '../../../relay/mail/web/web-fetch.ts';
import { HOUR, ManualClock, MINUTE } from '../../support/manual-clock.ts';

const jwkOf = () => {
  const { kid, publicJwk } = makeSigningKey(0);
  return { ...publicJwk, kid, use: 'sig', alg: 'ES256' };
};

const keySet = (...keys: readonly unknown[]): WebAnswer => ({
  status: 200,
  body: Buffer.from(JSON.stringify({ keys })),
});

/** A directory over a web in which `answer` is all there is. */
function open(answer: () => WebAnswer | Promise<WebAnswer>) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const seen: string[][] = [];
  const directory = keyDirectory({
    clock,
    fetch: async (url) => {
      asked.push(url);
      return answer();
    },
    onKeys: async (_, kids) => {
      seen.push([...kids]);
    },
  });
  const find = async (kid: string, domain = 'a.example') => (await directory.find(domain, kid)).kind;
  return { clock, asked, seen, find, directory };
}

const failing = (): WebAnswer => {
  throw new Error('connection refused');
};

describe('the key set of a relay', () => {
  test('is fetched from its well-known place once an hour, however many ask at once', async () => {
    const key = jwkOf();
    const { clock, asked, seen, find } = open(() => keySet(key));
    expect(await Promise.all([find(key.kid), find(key.kid)])).toEqual(['found', 'found']);
    clock.advance(HOUR - 1);
    await find(key.kid);
    expect(asked).toEqual(['https://a.example/.well-known/jwks.json']);
    clock.advance(1);
    await find(key.kid);
    expect(asked).toHaveLength(2);
    expect(seen).toEqual([[key.kid], [key.kid]]);
  });

  test('a key that is not there: looked for again after five minutes, and found then', async () => {
    const [old, next] = [jwkOf(), jwkOf()];
    let keys = [old];
    const { clock, asked, find } = open(() => keySet(...keys));
    expect(await find(next.kid)).toBe('absent');
    keys = [old, next];
    clock.advance(5 * MINUTE - 1);
    expect(await find(next.kid)).toBe('absent');
    expect(asked).toHaveLength(1);
    clock.advance(1);
    expect(await find(next.kid)).toBe('found');
    expect(asked).toHaveLength(2);
  });

  test('a host that does not answer: unreachable, asked once a minute, and what is known counts for a day', async () => {
    const key = jwkOf();
    let answer: () => WebAnswer = failing;
    const { clock, asked, find } = open(() => answer());
    expect(await find(key.kid)).toBe('unreachable');
    clock.advance(MINUTE - 1);
    expect(await find(key.kid)).toBe('unreachable');
    expect(asked).toHaveLength(1);
    clock.advance(1);
    answer = () => keySet(key);
    expect(await find(key.kid)).toBe('found');
    answer = failing;
    clock.advance(HOUR);
    expect(await find(key.kid)).toBe('found');
    expect(await find('another')).toBe('unreachable');
    clock.advance(23 * HOUR - 1);
    expect(await find(key.kid)).toBe('found');
    clock.advance(MINUTE);
    expect(await find(key.kid)).toBe('unreachable');
  });

  test.each<[string, WebAnswer]>([
    ['a redirect', { status: 302, body: Buffer.alloc(0) }],
    ['not found', { status: 404, body: Buffer.alloc(0) }],
    ['no JSON', { status: 200, body: Buffer.from('<html>') }],
    ['no set', { status: 200, body: Buffer.from('[]') }],
    ['too much', { status: 200, body: Buffer.alloc(64 * 1024 + 1, ' ') }],
  ])('%s is no key set', async (_, answer) => {
    const { find } = open(() => answer);
    expect(await find('x')).toBe('unreachable');
  });

  test.each(['localhost', '127.0.0.1', '[::1]', 'a.example:8443', 'a.example/x', 'a..example', '', 'user@a.example'])(
    'nothing is asked of %j',
    async (domain) => {
      const { asked, find } = open(() => keySet());
      expect(await find('x', domain)).toBe('absent');
      expect(asked).toEqual([]);
    },
  );
});

describe('a key that is not for this', () => {
  const good = jwkOf();
  const other = jwkOf();
  test.each<[string, unknown]>([
    ['under the name of another', { ...good, kid: other.kid }],
    ['without a name', { ...good, kid: undefined }],
    ['for encryption', { ...good, use: 'enc' }],
    ['of another algorithm', { ...good, alg: 'ES384' }],
    ['symmetric', { kty: 'oct', k: 'AAAA', kid: 'x' }],
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })],
    ['no point on the curve', { ...good, y: good.kid }],
    ['nothing', null],
  ])('%s', (_, jwk) => {
    expect(readPeerKey(jwk)).toBeUndefined();
  });

  test('one that is', () => {
    expect(readPeerKey(good)?.kid).toBe(good.kid);
  });
});

describe('the web as strangers may make us ask it', () => {
  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '172.31.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    '2001:db8::1',
    'nonsense',
  ])('%s is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(['8.8.8.8', '172.32.0.1', '2606:4700::1111', '2a00:1450::1'])('%s is', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  test.each([
    ['http://a.example/', 'want an https URL'],
    ['https://user@a.example/', 'want an https URL'],
    ['https://127.0.0.1/', 'not on the public internet'],
    ['https://2130706433/', 'not on the public internet'],
    ['https://[::1]/', 'not on the public internet'],
    ['https://[::ffff:127.0.0.1]/', 'not on the public internet'],
    ['https://localhost/', 'not on the public internet'],
  ])('%s is not asked', async (url, why) => {
    await expect(publicFetch(url, { maxBytes: 1000 })).rejects.toThrow(why);
  });

  test('a name that leads to this machine is not connected to', async () => {
    const { key, cert } = await makeTlsPair('localhost', Date.now());
    let connections = 0;
    const server = https.createServer({ key, cert }).on('connection', () => {
      connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    await expect(publicFetch(`https://localhost:${port}/`, { maxBytes: 1000 })).rejects.toThrow('public internet');
    server.close();
    expect(connections).toBe(0);
  });
});
