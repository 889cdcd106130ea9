/** The relay's domain: its records as a zone file would have them, looked up again, and the keys' rotation; by HTTP and command. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeTlsPair } from '../../relay/mail/smtp/tls-pair.ts';
import { Domain, DomainCheck, DomainKeys } from '../../relay/wire-domain.ts';
import { runCli } from '../cli/run-cli.ts';
import { openFixture, type RelayFixture } from '../support/relay-fixture.ts';
import type { Zone, ZoneName } from '../support/zone-resolver.ts';

const DOMAIN = 'agents.example.com';
const HOST = 'relay.example.com';
const ENV = {
  TURNPOST_DOMAIN: DOMAIN,
  TURNPOST_PUBLIC_URL: `https://${HOST}`,
  TURNPOST_SMTP_URL: 'smtps://me:x@smtp.gmail.com:465',
  TURNPOST_OWNER: 'owner@example.com',
};

let folder: string;
let fixture: RelayFixture;
let policyServed: string;
const zone: Zone = {};

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'turnpost-test-'));
  const pair = await makeTlsPair(HOST);
  for (const [name, pem] of Object.entries(pair)) writeFileSync(path.join(folder, `${name}.pem`), pem);
  fixture = await openFixture({
    zone,
    env: {
      ...ENV,
      TURNPOST_SMTP_TLS_CERT: path.join(folder, 'cert.pem'),
      TURNPOST_SMTP_TLS_KEY: path.join(folder, 'key.pem'),
    },
    fetch: async () => ({ status: 200, body: Buffer.from(policyServed) }),
  });
});
afterAll(async () => {
  await fixture.close();
  rmSync(folder, { recursive: true, force: true });
});

const view = async () => (await fixture.call('GET', '/v1/domain')).as(Domain);
const check = async () => (await fixture.call('GET', '/v1/domain/check')).as(DomainCheck);
const cli = (...args: string[]) =>
  runCli(args, { env: { TURNPOST_URL: fixture.relay.httpUrl, TURNPOST_KEY: fixture.adminKey } });

/** All that the relay says, published: read back from its zone lines, as a DNS server would. */
async function publish(): Promise<void> {
  for (const name of Object.keys(zone)) delete zone[name];
  const { records, policy } = await view();
  policyServed = policy?.text ?? '';
  for (const { zone: line } of records) {
    const [name = '', , , type, ...rest] = line.split(' ');
    const key = name.replace(/\.$/, '');
    const old: ZoneName = zone[key] ?? {};
    if (type === 'MX') zone[key] = { ...old, MX: [{ priority: Number(rest[0]), exchange: rest[1] ?? '' }] };
    else {
      const strings = [...rest.join(' ').matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) =>
        text.replace(/\\(.)/g, '$1'),
      );
      zone[key] = { ...old, TXT: [...(old.TXT ?? []), strings] };
    }
  }
  zone[HOST] = { A: ['192.0.2.25'] };
}
beforeEach(publish);

describe('the records', () => {
  test('say where mail goes, who sends, who signs and what to do with the rest', async () => {
    const { records, policy } = await view();
    expect(records.map(({ purpose, name }) => `${purpose} ${name}`)).toEqual([
      `mx ${DOMAIN}`,
      `spf ${DOMAIN}`,
      `dkim tp1r._domainkey.${DOMAIN}`,
      `dkim tp1e._domainkey.${DOMAIN}`,
      `dmarc _dmarc.${DOMAIN}`,
      `mta_sts _mta-sts.${DOMAIN}`,
      `tls_rpt _smtp._tls.${DOMAIN}`,
    ]);
    const of = (purpose: string) => records.find((record) => record.purpose === purpose);
    expect(of('mx')?.zone).toBe(`${DOMAIN}. 3600 IN MX 10 ${HOST}.`);
    expect(of('spf')?.value).toBe('v=spf1 include:_spf.google.com ~all');
    expect(of('dmarc')?.value).toBe('v=DMARC1; p=quarantine; adkim=s; aspf=s');
    expect(of('tls_rpt')?.value).toBe('v=TLSRPTv1; rua=mailto:owner@example.com');
    // An RSA key of 2048 bits is longer than one string may be.
    expect(of('dkim')?.zone).toMatch(
      /^tp1r\._domainkey\.agents\.example\.com\. 3600 IN TXT "v=DKIM1; k=rsa; p=[^"]+" "[^"]+"$/,
    );
    for (const { zone: line } of records)
      for (const [, text = ''] of line.matchAll(/"([^"]*)"/g)) expect(text.length).toBeLessThanOrEqual(255);
    expect(policy).toEqual({
      url: `https://mta-sts.${DOMAIN}/.well-known/mta-sts.txt`,
      text: `version: STSv1\r\nmode: enforce\r\nmx: ${HOST}\r\nmax_age: 604800\r\n`,
    });
  });

  test('the policy is served under its own name, to everybody', async () => {
    const got = await fixture.call('GET', '/.well-known/mta-sts.txt', {
      key: null,
      headers: { host: `mta-sts.${DOMAIN}` },
    });
    expect([got.status, got.headers['content-type'], got.text]).toEqual([
      200,
      'text/plain',
      (await view()).policy?.text,
    ]);
  });

  test('are for admins', async () => {
    const { key } = await fixture.agent();
    for (const [method, where] of [
      ['GET', '/v1/domain'],
      ['GET', '/v1/domain/check'],
      ['POST', '/v1/domain/keys'],
    ] as const)
      expect((await fixture.call(method, where, { key })).status).toBe(403);
  });

  test('there are none for a name of this machine', async () => {
    await using local = await openFixture();
    expect((await local.call('GET', '/v1/domain')).as(Domain)).toMatchObject({
      public: false,
      records: [],
      policy: null,
    });
    expect((await local.call('GET', '/v1/domain/check')).as(DomainCheck)).toMatchObject({ ok: true, results: [] });
    expect((await local.call('POST', '/v1/domain/keys')).code).toBe('state_conflict');
    expect((await local.call('GET', '/.well-known/mta-sts.txt', { key: null })).status).toBe(404);
    const env = { TURNPOST_URL: local.relay.httpUrl, TURNPOST_KEY: local.adminKey };
    const run = await runCli(['domain', 'check'], { env });
    expect([run.code, run.stdout]).toEqual([0, expect.stringContaining('Set TURNPOST_DOMAIN')]);
  });
});

describe('looking them up', () => {
  test('published as they were printed: all is well', async () => {
    const { ok, results } = await check();
    expect(results.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(ok).toBe(true);
    const run = await cli('domain', 'check');
    expect([run.code, run.stdout.match(/^ok /gm)?.length]).toEqual([0, 7]);
  });

  test('nothing published: each is missing, with what to publish; exit code 1', async () => {
    for (const name of Object.keys(zone)) delete zone[name];
    const { ok, results } = await check();
    expect(ok).toBe(false);
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['missing']));
    const run = await cli('domain', 'check');
    expect(run.code).toBe(1);
    expect(run.stdout).toContain(
      `MISSING  spf      ${DOMAIN}\n         Publish at ${DOMAIN}: TXT v=spf1 include:_spf.google.com ~all`,
    );
  });

  test.each<[string, string, ZoneName, string, RegExp]>([
    ['mx', DOMAIN, { MX: [{ exchange: 'other.example.com', priority: 1 }] }, 'wrong', /none of them is relay/],
    ['spf', DOMAIN, { TXT: ['v=spf1 -all'] }, 'wrong', /does not let include:_spf\.google\.com send/],
    ['spf', DOMAIN, { TXT: ['v=spf1 include:_spf.google.com ?all'] }, 'wrong', /anybody may send/],
    ['spf', DOMAIN, { TXT: ['v=spf1 include:_spf.google.com -all', 'v=spf1 -all'] }, 'wrong', /2 of them/],
    ['spf', DOMAIN, { TXT: ['other=1', 'v=spf1 a +INCLUDE:_spf.google.com -all'] }, 'ok', /^$/],
    ['spf', DOMAIN, { fails: 'ETIMEOUT' }, 'unknown', /ETIMEOUT/],
    ['dkim', `tp1r._domainkey.${DOMAIN}`, { TXT: ['v=DKIM1; k=rsa; p=AAAA'] }, 'wrong', /another key/],
    ['dmarc', `_dmarc.${DOMAIN}`, { TXT: ['v=DMARC1; p=none'] }, 'wrong', /refuse forged mail/],
    ['dmarc', `_dmarc.${DOMAIN}`, { TXT: ['v=DMARC1; p=reject; t=y'] }, 'wrong', /test/],
    ['dmarc', `_dmarc.${DOMAIN}`, { TXT: ['v=DMARC1;p=reject;rua=mailto:x@example.com'] }, 'ok', /^$/],
    ['mta_sts', `_mta-sts.${DOMAIN}`, { TXT: ['v=STSv1; id=mine1'] }, 'ok', /^$/],
    ['tls_rpt', `_smtp._tls.${DOMAIN}`, { TXT: ['v=TLSRPTv1; x=1'] }, 'wrong', /nobody to report/],
  ])('%s at %s: %j is %s', async (purpose, name, entry, status, advice) => {
    zone[name] = { ...zone[name], ...entry, ...(entry.fails && { TXT: [] }) };
    const found = (await check()).results.find((one) => one.purpose === purpose);
    expect(found?.status).toBe(status);
    expect(found?.advice ?? '').toMatch(advice);
  });

  test('an MX without an address, and a policy that is not there or names another host, are wrong', async () => {
    delete zone[HOST];
    policyServed = 'version: STSv1\nmode: enforce\nmx: other.example.com\nmax_age: 86400\n';
    const { results } = await check();
    const advice = (purpose: string) => results.find((one) => one.purpose === purpose)?.advice;
    expect(advice('mx')).toBe(`${HOST} has no address. Publish an A or AAAA record for it.`);
    expect(advice('mta_sts')).toContain(`does not name ${HOST}`);
    policyServed = 'not a policy';
    expect((await check()).results.find((one) => one.purpose === 'mta_sts')?.advice).toContain('there is no policy at');
  });

  test('what is optional and missing is no failure', async () => {
    delete zone[`_mta-sts.${DOMAIN}`];
    delete zone[`_smtp._tls.${DOMAIN}`];
    expect(await check()).toMatchObject({ ok: true });
    expect((await cli('domain', 'check')).code).toBe(0);
  });
});

describe('the command', () => {
  test('prints the records as a zone file', async () => {
    const { code, stdout } = await cli('domain');
    expect(code).toBe(0);
    const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
    expect(lines).toEqual((await view()).records.map((record) => record.zone));
    expect(stdout).toContain(';   mode: enforce');
  });

  test('makes the next keys, and uses them only when they stand in the DNS', async () => {
    const made = await cli('domain', 'rotate');
    expect(made.stdout).toContain(`tp2r._domainkey.${DOMAIN}. 3600 IN TXT "v=DKIM1; k=rsa`);
    const early = await cli('domain', 'rotate');
    expect([early.code === 0, early.stderr]).toEqual([
      false,
      expect.stringContaining('The next keys are not in the DNS yet'),
    ]);
    const uses = async () =>
      (await view()).records.flatMap(({ purpose, name, why }) =>
        purpose === 'dkim' ? [`${name.slice(0, 4)} ${why.split(', ')[1]}`] : [],
      );
    expect(await uses()).toEqual(['tp1r signing', 'tp1e signing', 'tp2r next', 'tp2e next']);
    await publish();
    const done = (await fixture.call('POST', '/v1/domain/keys')).as(DomainKeys);
    expect(done.done).toBe('switched');
    expect(await uses()).toEqual(['tp1r retired', 'tp1e retired', 'tp2r signing', 'tp2e signing']);
  });
});
