/** Mail that says it is an agent's: what another relay's agent signed comes in, everything else is refused. */
import { createHmac, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decideHold } from '../../../relay/broker/holds.ts';
import { takeEmail } from '../../../relay/broker/intake/intake.ts';
import { loadSigner, makeSigningKey } from '../../../relay/broker/signer.ts';
import type { IncomingEmail } from '../../../relay/mail/contracts.ts';
import { SIGNATURE_PART } from '../../../relay/mail/signature/signature-part.ts';
import type { DeskReply } from '../../../relay/mail/smtp/smtp-desk.ts';
import type { WebFetch } from '../../../relay/mail/web/web-fetch.ts';
import { type Broker, openBroker } from '../../support/broker-fixture.ts';
import { HOUR, MINUTE } from '../../support/manual-clock.ts';
import { byImap, bySmtp, rawEmail } from '../../support/raw-email.ts';
import { ALL } from '../../support/store-fixture.ts';

const A = 'a.example';
const B = 'b.example';

/** Two relays; what one publishes the other can fetch, unless a test has it otherwise. */
async function openTwo(peers: readonly string[] = [A]) {
  const relays = new Map<string, Broker>();
  const publish: WebFetch = async (url) => {
    const keys = relays.get(new URL(url).hostname)?.deps.signer.jwks();
    return { status: keys === undefined ? 404 : 200, body: Buffer.from(JSON.stringify(keys ?? {})) };
  };
  const web = { answer: publish };
  const fetch: WebFetch = (url, limits) => web.answer(url, limits);
  const a = await openBroker({ settings: { domain: A, peers: [B] }, fetch });
  const b = await openBroker({ clock: a.clock, settings: { domain: B, peers }, fetch });
  relays.set(A, a).set(B, b);
  const alice = await a.agent('alice');
  const bob = await b.agent('bob');
  /** The email that alice's message to bob becomes. */
  const write = async (more: Parameters<Broker['send']>[2] = {}, to = bob.address): Promise<Buffer> => {
    await a.send(alice, to, { subject: 'Build', body: 'Is it green?', ...more });
    const { items } = await a.deps.stores.outbox.list(ALL);
    return items.find(({ email }) => email.envelopeTo === to)?.email.raw ?? Buffer.alloc(0);
  };
  const smtp = (raw: Buffer): IncomingEmail => bySmtp(raw, bob.address, `bounce@${A}`);
  const take = (raw: Buffer): Promise<DeskReply> => takeEmail(b.deps, smtp(raw));
  const inbox = async () => (await b.lease(bob)).items.map(({ message }) => message);
  const holds = async () => (await b.deps.stores.holds.list(ALL)).items;
  return { a, b, alice, bob, web, write, smtp, take, inbox, holds };
}

const said = (reply: DeskReply): string => (reply.accepted ? 'accepted' : `${reply.code} ${reply.text}`);

/** What stands in the mail's signature part, changed, and put back. */
function withPart(raw: Buffer, change: (part: Record<string, string>) => Record<string, unknown>): Buffer {
  const text = raw.toString();
  const at = text.indexOf(`filename=${SIGNATURE_PART}`);
  const start = text.indexOf('\r\n\r\n', at) + 4;
  const end = text.indexOf('\r\n--', start);
  const part = JSON.parse(Buffer.from(text.slice(start, end), 'base64').toString());
  const changed = Buffer.from(JSON.stringify(change(part))).toString('base64');
  return Buffer.from(text.slice(0, start) + changed + text.slice(end));
}

const withoutHeader = (raw: Buffer, name: string): Buffer =>
  Buffer.from(raw.toString().replace(new RegExp(`^${name}:.*\\r\\n(?:[ \\t].*\\r\\n)*`, 'im'), ''));

const b64 = (text: string): string => Buffer.from(text).toString('base64url');
const decode = (part: string): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString());

/** An email of alice's to bob that a test signs by hand: what a relay that is not ours might send. */
async function forge(
  { a, write }: Awaited<ReturnType<typeof openTwo>>,
  changes: {
    claims?: (claims: Record<string, unknown>) => Record<string, unknown>;
    header?: Record<string, unknown>;
    payload?: (text: string) => string;
    sign?: (input: string) => string;
    from?: string;
  },
): Promise<Buffer> {
  const raw = await write();
  const row = (await a.deps.stores.signingKeys.list())[0];
  const [header = '', claims = ''] = jwsOf(raw).split('.');
  const text = JSON.stringify({ ...decode(claims), ...changes.claims?.(decode(claims)) });
  const input = `${b64(JSON.stringify({ ...decode(header), ...changes.header }))}.${b64(changes.payload?.(text) ?? text)}`;
  const jws = `${input}.${(changes.sign ?? ((data) => signWith(row?.privatePem ?? '', data)))(input)}`;
  return withFrom(withJws(raw, jws), changes.from);
}

const signWith = (pem: string, data: string): string =>
  sign('sha256', Buffer.from(data), { key: createPrivateKey(pem), dsaEncoding: 'ieee-p1363' }).toString('base64url');

const SIGNATURE_FIELD = /^X-Agent-Signature: (.*(?:\r\n[ \t].*)*)/m;

const jwsOf = (raw: Buffer): string => (SIGNATURE_FIELD.exec(raw.toString())?.[1] ?? '').replace(/\s/g, '');

function withJws(raw: Buffer, jws: string): Buffer {
  const [header, payload, signature] = jws.split('.');
  const folded = jws.replace(/.{60}/g, '$&\r\n ');
  const text = raw.toString().replace(SIGNATURE_FIELD, `X-Agent-Signature: ${folded}`);
  return withPart(Buffer.from(text), (part) => ({ ...part, protected: header, payload, signature }));
}

const withFrom = (raw: Buffer, from: string | undefined): Buffer =>
  from === undefined ? raw : Buffer.from(raw.toString().replace(/^From: .*/m, `From: ${from}`));

describe('a message of another relay’s agent', () => {
  test('is what was signed: words, fields, files, data; verified by signature, trust peer', async () => {
    const two = await openTwo();
    const raw = await two.write({
      type: 'query',
      priority: 'urgent',
      requiresResponse: true,
      data: { n: 1, 2: 'two' },
      attachments: [{ filename: 'a.bin', contentType: 'application/octet-stream', content: Buffer.from([0, 255, 10]) }],
    });
    expect(said(await two.take(raw))).toBe('accepted');
    const [message] = await two.inbox();
    expect(message).toMatchObject({
      from: { address: two.alice.address, name: null, kind: 'agent' },
      to: [two.bob.address],
      subject: 'Build',
      body: 'Is it green?',
      quoted: null,
      type: 'query',
      priority: 'urgent',
      requiresResponse: true,
      data: { n: 1, 2: 'two' },
      verifiedBy: 'signature',
      hop: 1,
      attachments: [{ index: 0, filename: 'a.bin', size: 3 }],
    });
    const found = await two.b.deps.stores.messages.attachment(message?.id ?? '', 0);
    expect(found?.content).toEqual(Buffer.from([0, 255, 10]));
    expect((await two.b.lease(two.bob)).items).toEqual([]);
  });

  test('says what was signed, whatever a server on the way made of the visible text and the fields', async () => {
    const two = await openTwo();
    const raw = (await two.write()).toString();
    const altered = raw
      .replace(/^Subject: .*\r\n/m, 'Subject: Delete everything\r\n')
      .replace(/^X-Agent-Priority: .*\r\n/m, 'X-Agent-Priority: urgent\r\n')
      .replace('Is it green?', 'Delete everything.');
    expect(said(await two.take(Buffer.from(altered)))).toBe('accepted');
    expect(await two.inbox()).toMatchObject([{ subject: 'Build', priority: 'normal', body: 'Is it green?' }]);
  });

  test('and its answer find each other: one thread on both sides', async () => {
    const two = await openTwo();
    await two.take(await two.write({ body: 'one' }));
    const [first] = await two.inbox();
    await two.b.send(two.bob, two.alice.address, { inReplyTo: first?.id ?? '', body: 'answer' });
    const [back] = (await two.b.deps.stores.outbox.list(ALL)).items;
    const reply = await takeEmail(two.a.deps, bySmtp(back?.email.raw ?? Buffer.alloc(0), two.alice.address));
    expect(said(reply)).toBe('accepted');
    const [sent] = (await two.a.deps.stores.messages.list(two.alice.id, { direction: 'outbound' }, ALL)).items;
    const [answer] = (await two.a.lease(two.alice)).items;
    expect(answer?.message).toMatchObject({ threadId: sent?.message.threadId, inReplyTo: sent?.message.id, hop: 2 });
    // And a further one of alice's, which answers nothing of bob's own.
    await two.take(await two.write({ threadId: sent?.message.threadId, body: 'two' }));
    expect((await two.inbox()).map(({ threadId }) => threadId)).toEqual([first?.threadId]);
  });

  test('comes once, however often it is sent, and by whatever way', async () => {
    const two = await openTwo();
    const raw = await two.write();
    await two.take(raw);
    const again = Buffer.from(raw.toString().replace(/^Message-ID: .*\r\n/m, 'Message-ID: <other@a.example>\r\n'));
    expect([said(await two.take(raw)), said(await two.take(again))]).toEqual(['accepted', 'accepted']);
    await takeEmail(two.b.deps, byImap(raw));
    expect(await two.inbox()).toHaveLength(1);
    const carol = await two.b.agent('carol');
    expect(said(await takeEmail(two.b.deps, bySmtp(raw, carol.address)))).toMatch(/^550 .*not signed for/);
  });

  test('is sent to one who is named to nobody as well', async () => {
    const two = await openTwo();
    const raw = await two.write({ to: [], bcc: [two.bob.address] });
    expect(said(await two.take(raw))).toBe('accepted');
    expect(await two.inbox()).toHaveLength(1);
  });

  test('of a relay that the settings do not name is held, and a person lets it in', async () => {
    const two = await openTwo(['c.example']);
    await two.take(await two.write());
    expect(await two.inbox()).toEqual([]);
    const [held] = await two.holds();
    expect(held?.hold.reason).toMatch(/its signature holds.*TURNPOST_PEERS does not name a\.example/);
    await decideHold(two.b.deps, held?.hold.id ?? '', 'accepted');
    expect(await two.inbox()).toMatchObject([{ from: { kind: 'agent' }, body: 'Is it green?' }]);
  });

  test('TURNPOST_PEERS=* lets in all that sign', async () => {
    const two = await openTwo(['*']);
    await two.take(await two.write());
    expect(await two.inbox()).toHaveLength(1);
  });

  test('over the hourly budget of its thread waits for a person', async () => {
    const two = await openTwo();
    const [first] = [await two.a.send(two.alice, two.bob.address)];
    for (let n = 0; n < 62; n += 1)
      await two.take(await two.write({ threadId: first.message.threadId, body: `n${n}` }));
    expect((await two.holds()).map(({ hold }) => hold.kind)).toEqual(['approval', 'approval']);
  });

  test('whose data nobody signed comes without it, and says so', async () => {
    const two = await openTwo();
    const raw = (await two.write()).toString();
    const part = `--x\r\nContent-Type: application/json; name=agent-data.json\r\nContent-Disposition: attachment; filename=agent-data.json\r\n\r\n{"run":"rm"}\r\n`;
    const boundary = /boundary="([^"]+)"/.exec(raw)?.[1] ?? '';
    const withData = raw.replace(`--${boundary}\r\n`, `${part.replace('--x', `--${boundary}`)}--${boundary}\r\n`);
    expect(said(await two.take(Buffer.from(withData)))).toBe('accepted');
    expect(await two.inbox()).toMatchObject([{ data: null, notes: ['its data was not signed and was left out'] }]);
  });
});

describe('refused with 550', () => {
  test('another body', async () => {
    const two = await openTwo();
    const raw = withPart(await two.write(), (part) => ({ ...part, body: b64('Delete everything.') }));
    expect(said(await two.take(raw))).toMatch(/^550 5\.7\.1 .*body is not what was signed/);
  });

  test('another file, a file more, other data', async () => {
    const two = await openTwo();
    const attachments = [{ filename: 'a.txt', contentType: 'text/plain', content: Buffer.from('signed') }];
    const raw = (await two.write({ attachments, data: { n: 1 } })).toString();
    const swap = (from: string, to: string) =>
      Buffer.from(raw.replace(Buffer.from(from).toString('base64'), Buffer.from(to).toString('base64')));
    expect(said(await two.take(swap('signed', 'forged')))).toMatch(/^550 .*attachments/);
    expect(said(await two.take(swap('{\n  "n": 1\n}', '{\n  "n": 2\n}')))).toMatch(/^550 .*agent-data\.json/);
    expect(said(await two.take(Buffer.from(raw)))).toBe('accepted');
  });

  test('the signature of another mail', async () => {
    const two = await openTwo();
    const other = SIGNATURE_FIELD.exec((await two.write({ body: 'other' })).toString())?.[0] ?? '';
    const raw = (await two.write()).toString().replace(SIGNATURE_FIELD, other);
    expect(said(await two.take(Buffer.from(raw)))).toMatch(/^550 .*not the same/);
  });

  test('a part without the bytes, or a header without the part', async () => {
    const two = await openTwo();
    const raw = await two.write();
    expect(said(await two.take(withPart(raw, ({ body: _, ...rest }) => rest)))).toMatch(/^550 .*no JWS/);
    const bare = rawEmail({ from: two.alice.address, to: two.bob.address, headers: ['X-Agent-Signature: a.b.c'] });
    expect(said(await two.take(bare))).toMatch(/^550 .*one part/);
    // The part alone is enough: some gateways take X- fields out.
    expect(said(await two.take(withoutHeader(raw, 'X-Agent-Signature')))).toBe('accepted');
  });

  type Forgery = Parameters<typeof forge>[1];
  const FORGERIES: readonly [string, Forgery, RegExp][] = [
    ['alg none', { header: { alg: 'none' }, sign: () => 'AA' }, /not signed by ES256/],
    ['alg HS256', { header: { alg: 'HS256' } }, /not signed by ES256/],
    ['another typ', { header: { typ: 'JWT' } }, /not signed by ES256/],
    ['crit', { header: { crit: ['b64'], b64: false } }, /not signed by ES256/],
    ['a wrong kid with the right key', { header: { kid: 'wrong' } }, /does not publish/],
    ['a signature of zeros', { sign: () => Buffer.alloc(64).toString('base64url') }, /not one of a\.example/],
    ['a short signature', { sign: () => 'AAAA' }, /not one of a\.example/],
    [
      'claims written anew after signing',
      { payload: (text) => text.replace('{', '{ '), sign: () => 'x'.repeat(86) },
      /not one of/,
    ],
    ['a member twice', { payload: (text) => text.replace('{', '{"aud":["mallory@c.example"],') }, /claims/],
    ['another audience', { claims: () => ({ aud: ['bob@c.example'] }) }, /not signed for bob@b\.example/],
    ['no audience', { claims: () => ({ aud: [] }) }, /not signed for/],
    ['another issuer', { claims: () => ({ iss: 'c.example' }) }, /c\.example cannot sign for alice@a\.example/],
    ['another subject', { claims: () => ({ sub: 'mallory@a.example' }) }, /From must name/],
    ['a subject of another relay', { claims: () => ({ sub: 'alice@c.example' }) }, /From must name/],
    ['From somebody else', { from: 'mallory@a.example' }, /From must name/],
    ['signed 6 minutes from now', { claims: (claims) => ({ iat: Number(claims['iat']) + 360 }) }, /in the future/],
    ['signed 5 days and a minute ago', { claims: (claims) => ({ iat: Number(claims['iat']) - 432_060 }) }, /five days/],
    ['expired', { claims: (claims) => ({ exp: Number(claims['iat']) }) }, /expired/],
    ['after 9 hops', { claims: () => ({ hop: 9 }) }, /passed on too often/],
    ['claims that are none', { claims: () => ({ hop: '1' }) }, /claims/],
    ['a time that is no number', { claims: () => ({ iat: null }) }, /claims/],
  ];

  test('what is signed for another purpose, by another key, for another time or reader', async () => {
    const two = await openTwo();
    for (const [name, forgery, reason] of FORGERIES) {
      const reply = said(await two.take(await forge(two, forgery)));
      expect(reply, name).toMatch(/^550 5\.7\.1 /);
      expect(reply, name).toMatch(reason);
    }
    expect([await two.inbox(), await two.holds()]).toEqual([[], []]);
  });

  test('but what is signed by hand as it should be comes in, within the limits of clocks and hops', async () => {
    const two = await openTwo();
    const claims = (all: Record<string, unknown>) => ({ iat: Number(all['iat']) + 299, hop: 8 });
    expect(said(await two.take(await forge(two, { claims })))).toBe('accepted');
    const early = (all: Record<string, unknown>) => ({ iat: Number(all['iat']) - 431_900, jti: 'other' });
    expect(said(await two.take(await forge(two, { claims: early })))).toBe('accepted');
    expect(await two.inbox()).toHaveLength(2);
  });

  test('HS256 with the published key as its secret', async () => {
    const two = await openTwo();
    const [jwk] = two.a.deps.signer.jwks().keys;
    const pem = createPublicKey({ key: { ...jwk }, format: 'jwk' }).export({ format: 'pem', type: 'spki' });
    const raw = await forge(two, {
      header: { alg: 'HS256' },
      sign: (input) => createHmac('sha256', pem).update(input).digest('base64url'),
    });
    expect(said(await two.take(raw))).toMatch(/^550/);
  });

  test('a key of its own that it brings along', async () => {
    const two = await openTwo();
    const key = makeSigningKey(0);
    const raw = await forge(two, {
      header: { kid: key.kid, jwk: key.publicJwk, jku: 'https://evil.example/jwks.json' },
      sign: (input) => signWith(key.privatePem, input),
    });
    expect(said(await two.take(raw))).toMatch(/^550 .*does not publish/);
  });

  test('an address of ours without our signature, in From or X-Agent-ID; over IMAP it is held', async () => {
    const two = await openTwo();
    const claims = [
      rawEmail({ from: two.bob.address, to: two.bob.address }),
      rawEmail({ from: `Bob <${two.bob.address.toUpperCase()}>`, to: two.bob.address }),
      rawEmail({ from: 'person@example.com', to: two.bob.address, headers: [`X-Agent-ID: ${two.bob.address}`] }),
    ];
    for (const raw of claims) expect(said(await two.take(raw))).toMatch(/^550 5\.7\.1 .*an agent here/);
    await takeEmail(two.b.deps, byImap(claims[0] ?? Buffer.alloc(0)));
    expect((await two.holds()).map(({ hold }) => hold.reason)).toEqual([expect.stringContaining('is not signed')]);
    expect(await two.inbox()).toEqual([]);
  });

  test('an address of ours with the signature of another relay', async () => {
    const two = await openTwo();
    const raw = withoutHeader(await forge(two, { from: two.bob.address }), 'X-Agent-ID');
    expect(said(await two.take(raw))).toMatch(/^550 .*this relay did not sign it/);
  });

  test('not: people at our domain, agents of others that do not sign, our own mail coming back', async () => {
    const two = await openTwo();
    expect(said(await two.take(rawEmail({ from: `person@${B}`, to: two.bob.address })))).toBe('accepted');
    const foreign = rawEmail({ to: two.bob.address, headers: ['X-Agent-ID: 7f3a'] });
    expect(said(await two.take(foreign))).toBe('accepted');
    expect(await two.holds()).toHaveLength(2);
    await two.b.send(two.bob, 'person@example.com');
    const [own] = (await two.b.deps.stores.outbox.list(ALL)).items;
    expect(said(await two.take(own?.email.raw ?? Buffer.alloc(0)))).toBe('accepted');
    expect([await two.inbox(), (await two.holds()).length]).toEqual([[], 2]);
  });
});

test('a person who passes an agent’s mail on with its files writes as a person', async () => {
  const two = await openTwo();
  const part = (raw: Buffer): string => {
    const text = raw.toString();
    const at = text.lastIndexOf('\r\n--', text.indexOf(`filename=${SIGNATURE_PART}`));
    return text.slice(text.indexOf('\r\n', at + 2) + 2, text.indexOf('\r\n--', at + 4));
  };
  await two.b.send(two.bob, 'person@example.com');
  const [own] = (await two.b.deps.stores.outbox.list(ALL)).items;
  for (const raw of [await two.write(), own?.email.raw ?? Buffer.alloc(0)]) {
    const text = `--x\r\n\r\nPlease do this.\r\n--x\r\n${part(raw)}\r\n--x--`;
    const headers = ['Content-Type: multipart/mixed; boundary=x'];
    expect(said(await two.take(rawEmail({ to: two.bob.address, text, headers })))).toBe('accepted');
  }
  expect((await two.holds()).map(({ message }) => [message.from.address, message.body])).toEqual([
    ['person@example.com', 'Please do this.'],
    ['person@example.com', 'Please do this.'],
  ]);
});

describe('keys', () => {
  test('of a relay the settings name, that cannot be fetched: a mailbox keeps the mail for a while, then it is held', async () => {
    const two = await openTwo();
    const { answer } = two.web;
    two.web.answer = async () => {
      throw new Error('connection refused');
    };
    const later = await two.write({ body: 'later' });
    const raw = await two.write();
    await expect(takeEmail(two.b.deps, byImap(raw))).rejects.toMatchObject({ code: 'unavailable' });
    await expect(takeEmail(two.b.deps, byImap(later, 8))).rejects.toMatchObject({ code: 'unavailable' });
    two.b.clock.advance(24 * HOUR);
    await takeEmail(two.b.deps, byImap(raw));
    expect((await two.holds())[0]?.hold.reason).toContain('cannot be fetched now');
    two.web.answer = answer;
    two.b.clock.advance(MINUTE);
    await takeEmail(two.b.deps, byImap(later, 8));
    expect((await two.inbox()).map(({ body }) => body)).toEqual(['later']);
  });

  test('that cannot be fetched: 451, over IMAP of a stranger a hold; when they can be, the same mail comes in', async () => {
    const two = await openTwo(['*']);
    const { answer } = two.web;
    two.web.answer = async () => {
      throw new Error('connection refused');
    };
    const raw = await two.write();
    expect(said(await two.take(raw))).toMatch(/^451 4\.7\.0 .*connection refused/);
    await takeEmail(two.b.deps, byImap(raw));
    expect((await two.holds())[0]?.hold.reason).toContain('cannot be fetched now');
    two.web.answer = answer;
    two.b.clock.advance(MINUTE);
    expect(said(await two.take(raw))).toBe('accepted');
    expect(await two.inbox()).toHaveLength(1);
  });

  test('that are withdrawn: new mail is refused, and what waits is not injected', async () => {
    const two = await openTwo();
    await two.take(await two.write());
    const next = makeSigningKey(0);
    const keys = [{ ...next.publicJwk, kid: next.kid }];
    two.web.answer = async () => ({ status: 200, body: Buffer.from(JSON.stringify({ keys })) });
    two.b.clock.advance(HOUR);
    expect(said(await two.take(await two.write({ body: 'later' })))).toMatch(/^550 .*does not publish/);
    expect(await two.inbox()).toEqual([]);
    const [held] = await two.holds();
    expect(held?.hold.reason).toContain('published by a.example');
    await expect(decideHold(two.b.deps, held?.hold.id ?? '', 'accepted')).rejects.toThrow('cannot be let pass');
  });

  test('are still known after a restart', async () => {
    const two = await openTwo();
    await two.take(await two.write());
    const again = await loadSigner(two.b.deps.stores, two.b.clock.now());
    const [message] = await two.inbox();
    if (message === undefined) throw new Error('no message');
    expect(again.problem(message)).toBeNull();
    for (const change of [{ body: 'x' }, { subject: 'x' }, { priority: 'urgent' as const }, { data: { x: 1 } }]) {
      expect(again.problem({ ...message, ...change })).toBe('it is not what was signed');
    }
    expect(again.problem({ ...message, jws: null })).toBe('it is not signed');
  });
});
