/** What is asked of the DNS, when, and for how long; and what a failing DNS comes to. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { silentLog } from '../../../relay/log.ts';
import { DNS_LIMITS, startAuthenticator } from '../../../relay/mail/auth/authenticator.ts';
import { checkDkim } from '../../../relay/mail/auth/dkim-check.ts';
import { limitDns, withoutSpecialNames } from '../../../relay/mail/auth/dns-limits.ts';
import type { IncomingEmail, SenderProof } from '../../../relay/mail/contracts.ts';
import type { Resolver } from '../../../relay/mail/dns.ts';
import { readHeaderSection } from '../../../relay/mail/parse/header-section.ts';
import { parseEmail } from '../../../relay/mail/parse/parse-email.ts';
import { signDkim, trustZone } from '../../support/mail-signing.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { byImap, bySmtp } from '../../support/raw-email.ts';
import { type Zone, zoneResolver } from '../../support/zone-resolver.ts';

const MAIL = 'From: person@example.com\r\nTo: agent@turnpost.localhost\r\nSubject: Yes\r\n\r\nGo on.\r\n';
const HERE = 'agent@turnpost.localhost';
const from = (raw: string, remote: string): IncomingEmail => {
  const email = bySmtp(Buffer.from(raw, 'latin1'), HERE);
  return {
    ...email,
    source: {
      ...email.source,
      kind: 'smtp',
      envelopeFrom: 'person@example.com',
      envelopeTo: [HERE],
      remote,
      hello: 'mx.example.com',
    },
  };
};

interface Asked {
  readonly proof: SenderProof;
  readonly asked: readonly string[];
}

async function authenticate(email: IncomingEmail, zone: Zone = trustZone(), token = false): Promise<Asked> {
  const dns = zoneResolver(zone);
  const clock = new ManualClock();
  const authenticator = startAuthenticator({
    resolver: dns.resolve,
    tokenLetsIn: { smtp: token, imap: token, http: token },
    authservIdOf: () => undefined,
    forwarders: [],
    clock,
    log: silentLog,
  });
  const proof = await authenticator.authenticate(email, await parseEmail(email.raw));
  expect(clock.sleeping).toBe(0);
  return { proof, asked: dns.asked };
}

describe('nothing is asked where no answer could prove anything', () => {
  test.each([
    ['an unsigned mail handed in on this machine', from(MAIL, '127.0.0.1')],
    ['the same over IPv6', from(MAIL, '::1')],
    ['an unsigned mail in a mailbox', byImap(Buffer.from(MAIL))],
    ['a mail without an author', from(MAIL.replace('From:', 'X-From:'), '192.0.2.1')],
  ])('%s', async (_, email) => {
    const { proof, asked } = await authenticate(email);
    expect(proof).toMatchObject({ authorProven: false, forged: false, temporary: false });
    expect(asked).toEqual([]);
  });

  test('a signed mail handed in on this machine is proven by its signature, and never said to fail', async () => {
    const raw = await signDkim(MAIL, [{ as: 'example.com' }], new ManualClock().now());
    expect((await authenticate(from(raw, '127.0.0.1'))).proof).toMatchObject({ authorProven: true });
    const broken = await authenticate(from(raw.replace('Go on', 'Stop'), '127.0.0.1'));
    expect(broken.proof).toMatchObject({ authorProven: false, forged: false, auth: { dkim: 'fail', dmarc: 'none' } });
  });
});

test('a question is asked once a mail', async () => {
  const raw = await signDkim(MAIL, [{ as: 'example.com' }, { as: 'example.com' }], new ManualClock().now());
  const { asked } = await authenticate(from(raw, '192.0.2.1'));
  expect(asked.filter((question) => question === 'TXT s1._domainkey.example.com')).toHaveLength(1);
  expect(new Set(asked).size).toBe(asked.length);
});

describe('a DNS that fails for now', () => {
  const failing = (...names: string[]): Zone => ({
    ...trustZone(),
    ...Object.fromEntries(names.map((name) => [name, { fails: 'ESERVFAIL' }])),
  });

  test.each([
    ['SPF of the author’s domain', '192.0.2.1', false, ['example.com']],
    ['the key of the author’s domain', '198.51.100.7', true, ['s1._domainkey.example.com']],
    ['the DMARC record, where SPF passes', '192.0.2.1', false, ['_dmarc.example.com']],
  ])('%s: worth another try, and no pass', async (_, remote, signed, names) => {
    const raw = signed ? await signDkim(MAIL, [{ as: 'example.com' }], new ManualClock().now()) : MAIL;
    const { proof } = await authenticate(from(raw, remote), failing(...names));
    expect(proof).toMatchObject({ authorProven: false, temporary: true, forged: false, auth: { dmarc: 'temperror' } });
    expect(proof.reason).toContain('the DNS did not tell');
  });

  test('of somebody else’s domain it matters to nobody: a forger cannot have a mail put off', async () => {
    const raw = await signDkim(MAIL, [{ as: 'evil.example' }], new ManualClock().now());
    const { proof } = await authenticate(from(raw, '198.51.100.7'), failing('s1._domainkey.evil.example'));
    expect(proof).toMatchObject({ temporary: false, forged: true, auth: { dkim: 'temperror', dmarc: 'fail' } });
  });

  test('nor by a signature that is sound and somebody else’s', async () => {
    const raw = await signDkim(MAIL, [{ as: 'evil.example' }], new ManualClock().now());
    const { proof } = await authenticate(from(raw, '198.51.100.7'), failing('_dmarc.example.com'));
    expect(proof).toMatchObject({ temporary: false, authorProven: false, auth: { dmarc: 'temperror' } });
  });

  test('where nothing passed, an answer could only say that it fails', async () => {
    const { proof } = await authenticate(from(MAIL, '198.51.100.7'), failing('_dmarc.example.com'));
    expect(proof).toMatchObject({ temporary: false, authorProven: false, auth: { dmarc: 'temperror' } });
  });
});

describe('limits', () => {
  const silent: Resolver = () => new Promise(() => {});

  test.each([
    [false, DNS_LIMITS.thorough.ms],
    [true, DNS_LIMITS.quick.ms],
  ])('a silent DNS ends in temperror in time; where a token lets in (%s), after %i ms', async (token, ms) => {
    const clock = new ManualClock();
    const authenticator = startAuthenticator({
      resolver: silent,
      tokenLetsIn: { smtp: token, imap: token, http: token },
      authservIdOf: () => undefined,
      forwarders: [],
      clock,
      log: silentLog,
    });
    const email = from(MAIL, '192.0.2.1');
    const proving = authenticator.authenticate(email, await parseEmail(email.raw));
    while (clock.sleeping === 0) await Promise.resolve();
    clock.advance(ms - 1);
    expect(clock.sleeping).toBe(1);
    clock.advance(1);
    expect(await proving).toMatchObject({ auth: { spf: 'temperror', dmarc: 'temperror' }, authorProven: false });
  });

  test('so many questions and no more, each once', async () => {
    const { resolve, asked } = zoneResolver({ 'a.example.com': { TXT: ['x'] } });
    const dns = limitDns(resolve, { questions: 2, ms: 1000 }, new ManualClock());
    expect(await dns.resolve('a.example.com', 'TXT')).toEqual([['x']]);
    expect(await dns.resolve('A.example.com', 'TXT')).toEqual([['x']]);
    await expect(dns.resolve('b.example.com', 'TXT')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(dns.resolve('c.example.com', 'TXT')).rejects.toMatchObject({ code: 'ETIMEOUT' });
    expect(asked).toEqual(['TXT a.example.com', 'TXT b.example.com']);
    dns.close();
  });

  test('names that nobody elsewhere can know are not asked for', async () => {
    const { resolve, asked } = zoneResolver({ 'example.com': { TXT: ['x'] } });
    const outside = withoutSpecialNames(resolve);
    for (const name of ['turnpost.localhost', 'localhost', '_dmarc.a.test', 'x.example', 'y.invalid.']) {
      await expect(outside(name, 'TXT')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    }
    expect(await outside('example.com', 'TXT')).toEqual([['x']]);
    expect(asked).toEqual(['TXT example.com']);
  });

  test('while a large body is hashed others have their turn, and one that takes too long proves nothing', async () => {
    const raw = await signDkim(`${MAIL}${'\n'.repeat(500_000)}`, [{ as: 'example.com' }], new ManualClock().now());
    const clock = new ManualClock();
    const { resolve } = zoneResolver(trustZone());
    const section = readHeaderSection(Buffer.from(raw, 'latin1'));
    let turns = 0;
    let checking = true;
    const others = (async () => {
      for (; checking; turns += 1) await setImmediate();
    })();
    expect(await checkDkim(Buffer.from(raw, 'latin1'), section, { resolver: resolve, clock })).toMatchObject({
      result: 'pass',
    });
    checking = false;
    await others;
    expect(turns).toBeGreaterThan(20);
    const hurried = {
      now: () => {
        clock.advance(1000);
        return clock.now();
      },
    };
    expect(await checkDkim(Buffer.from(raw, 'latin1'), section, { resolver: resolve, clock: hurried })).toMatchObject({
      result: 'policy',
      passed: [],
    });
  });

  test('a header section of a million folds is read in time, and proves nothing', async () => {
    const raw = Buffer.from(`From: person@example.com\r\nX: y${'\r\n '.repeat(80_000)}\r\n\r\nbody`);
    const started = performance.now();
    expect(readHeaderSection(raw).flaw).toContain('too many lines');
    expect(performance.now() - started).toBeLessThan(200);
  });
});
