/** Emails as they go out: signed, in their thread, with a way to stop them, and within the size that is allowed. */
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { describe, expect, test } from 'vitest';
import type { BrokerSettings } from '../../../relay/broker/deps.ts';
import { takeEmail } from '../../../relay/broker/intake/intake.ts';
import { openFileLink } from '../../../relay/broker/outbox/file-links.ts';
import { composeWithLinks } from '../../../relay/broker/outbox/outgoing.ts';
import { mailauthResolver } from '../../../relay/mail/dns.ts';
import { parseEmail } from '../../../relay/mail/parse/parse-email.ts';
import { type Broker, openBroker } from '../../support/broker-fixture.ts';
import { DAY } from '../../support/manual-clock.ts';
import { bySmtp, rawEmail } from '../../support/raw-email.ts';
import { ALL } from '../../support/store-fixture.ts';
import { zoneResolver } from '../../support/zone-resolver.ts';

const DOMAIN = 'agents.example.com';
const PERSON = 'person@example.com';
const PUBLIC = 'https://relay.example.com';
const MIB = 1024 * 1024;

async function open(settings: Partial<BrokerSettings> = {}) {
  const broker = await openBroker({ settings: { domain: DOMAIN, ...settings } });
  const agent = await broker.agent('asker');
  return { broker, agent };
}

const outbound = (changes: Partial<BrokerSettings['outbound']> = {}): Pick<BrokerSettings, 'outbound'> => ({
  outbound: {
    publicUrl: PUBLIC,
    maxEmail: 20 * MIB,
    mailHost: 'relay.example.com',
    through: null,
    takesMail: true,
    certified: false,
    ...changes,
  },
});

async function newest({ deps }: Broker) {
  const [item] = (await deps.stores.outbox.list(ALL)).items;
  if (item === undefined) throw new Error('nothing went out');
  return { item, raw: item.email.raw, email: await parseEmail(item.email.raw) };
}

async function verdicts({ deps }: Broker, raw: Buffer): Promise<string[]> {
  const keys = deps.dkim.published(deps.clock.now());
  const zone = Object.fromEntries(
    keys.map(({ selector, record }) => [`${selector}._domainkey.${DOMAIN}`, { TXT: [record] }]),
  );
  const resolver = mailauthResolver(zoneResolver(zone).resolve);
  const { results } = await dkimVerify(raw, { resolver, strict: true, curTime: new Date(deps.clock.now()) });
  return results.map(({ algo, status }) => `${algo} ${status.result} ${status.aligned || 'stranger'}`);
}

describe('DKIM', () => {
  test("signed twice in the name of the relay's domain, which verifies against the records it publishes", async () => {
    const { broker, agent } = await open(outbound());
    await broker.send(agent, PERSON, { body: 'ü\n.\n  spaces \n', subject: 'Größe' });
    const { raw } = await newest(broker);
    expect(await verdicts(broker, raw)).toEqual([`rsa-sha256 pass ${DOMAIN}`, `ed25519-sha256 pass ${DOMAIN}`]);
    const [signature = ''] = raw.toString('latin1').split('\r\nDKIM-Signature', 2);
    const signed =
      signature
        .replace(/\s+/g, '')
        .match(/h=([^;]+)/)?.[1]
        ?.split(':') ?? [];
    const times = (name: string) => signed.filter((one) => one === name).length;
    for (const name of ['From', 'Reply-To', 'Subject', 'To', 'Date', 'Message-ID', 'Auto-Submitted'])
      expect(times(name)).toBe(2);
    for (const name of ['List-Unsubscribe', 'List-Unsubscribe-Post']) expect(times(name)).toBe(2);
    expect(times('Cc')).toBe(1);
  });

  test('mail under the address of a mailbox elsewhere is signed by whoever sends it there', async () => {
    const broker = await openBroker({ settings: { mailboxAddresses: ['box@example.net'] } });
    await broker.send(await broker.agent('asker'), PERSON);
    const { raw, email } = await newest(broker);
    expect(email.from[0]?.address).toBe('box+asker@example.net');
    expect(raw.toString()).not.toContain('DKIM-Signature');
    expect(broker.deps.dkim.published(0)).toEqual([]);
  });

  test('a new pair of keys is published before it signs, and the old one stays for what is on its way', async () => {
    const { broker, agent } = await open();
    const { dkim, clock } = broker.deps;
    const uses = () => dkim.published(clock.now()).map(({ selector, use }) => `${selector} ${use}`);
    expect(await dkim.switchToNext(clock.now())).toBe(false);
    expect(await dkim.makeNext(clock.now())).toBe(true);
    expect(await dkim.makeNext(clock.now())).toBe(false);
    expect(uses()).toEqual(['tp1r signing', 'tp1e signing', 'tp2r next', 'tp2e next']);
    await broker.send(agent, PERSON);
    const old = await newest(broker);
    expect(old.raw.toString()).toMatch(/s=tp1r;[\s\S]*s=tp1e;/);
    expect(old.raw.toString()).not.toContain('s=tp2');
    await dkim.switchToNext(clock.now());
    await broker.send(agent, PERSON);
    const { raw } = await newest(broker);
    expect(raw.toString()).toMatch(/s=tp2r;[\s\S]*s=tp2e;/);
    expect(uses()).toEqual(['tp1r retired', 'tp1e retired', 'tp2r signing', 'tp2e signing']);
    for (const one of [old.raw, raw])
      expect((await verdicts(broker, one)).map((v) => v.includes('pass'))).toEqual([true, true]);
    broker.clock.advance(15 * DAY);
    expect(uses()).toEqual(['tp2r signing', 'tp2e signing']);
  });
});

describe('a thread', () => {
  /** Agent asks, person answers by this mail, agent answers that. */
  async function conversation(answer: Partial<Parameters<typeof rawEmail>[0]>, body = 'Shall I?') {
    const { broker, agent } = await open();
    await broker.send(agent, PERSON, { subject: 'Deploy', body });
    const first = await newest(broker);
    const replyTo = /^Reply-To: .*<(.+)>/m.exec(first.raw.toString().replace(/\r\n[ \t]/g, ' '))?.[1] ?? '';
    await takeEmail(broker.deps, bySmtp(rawEmail({ to: replyTo, subject: 'RE: Deploy', ...answer }), replyTo));
    const [seen] = (await broker.lease(agent)).items;
    await broker.send(agent, PERSON, { body: 'Done.', inReplyTo: seen?.message.id });
    return { broker, agent, first: first.email, second: (await newest(broker)).email };
  }

  test('that begins has neither In-Reply-To nor References, and its subject as topic', async () => {
    const { first } = await conversation({});
    expect([first.inReplyTo, first.references]).toEqual([[], []]);
    expect(first.headers.get('thread-topic')).toEqual(['Deploy']);
  });

  test('goes on: In-Reply-To is the mail answered, References are its own and it, one "Re:", the same topic', async () => {
    const { first, second } = await conversation({
      messageId: '<answer@example.com>',
      subject: 'RE: AW: Deploy',
    });
    expect(second.inReplyTo).toEqual(['<answer@example.com>']);
    expect(second.references).toEqual([first.messageId, '<answer@example.com>']);
    expect(second.subject).toBe('Re: Deploy');
    expect(second.headers.get('thread-topic')).toEqual(['Deploy']);
    expect(second.headers.get('auto-submitted')).toEqual(['auto-replied']);
  });

  test("has the chain as the person's program gave it, which may begin before us", async () => {
    const { first, second } = await conversation({
      messageId: '<answer@example.com>',
      headers: [`References: <root@example.com>`, ` <tp.other@example.com>`, 'In-Reply-To: <tp.other@example.com>'],
    });
    expect(second.references).toEqual([
      '<root@example.com>',
      '<tp.other@example.com>',
      first.messageId,
      '<answer@example.com>',
    ]);
  });

  test("goes on where the person's mail had no Message-ID: it hangs on ours", async () => {
    const { first, second } = await conversation({ messageId: '' });
    expect(second.inReplyTo).toEqual([first.messageId]);
    expect(second.references).toEqual([first.messageId]);
    expect(second.subject).toBe('Re: Deploy');
  });

  test('keeps its subject where an agent goes on without one, and takes another when told', async () => {
    const { broker, agent } = await open();
    const { message } = await broker.send(agent, PERSON, { subject: 'Deploy', body: 'one' });
    await broker.send(agent, PERSON, { threadId: message.threadId, body: 'two' });
    const { email } = await newest(broker);
    expect(email.subject).toBe('Re: Deploy');
    expect(email.references).toHaveLength(1);
    await broker.send(agent, PERSON, { threadId: message.threadId, subject: 'Other', body: 'three' });
    expect((await newest(broker)).email.subject).toBe('Other');
  });
});

describe('List-Unsubscribe', () => {
  const field = (raw: Buffer) =>
    /^List-Unsubscribe: ([\s\S]*?)\r\n(?!\s)/m.exec(raw.toString())?.[1]?.replace(/\s+/g, '');

  test('on the first mail to somebody who did not ask: one field with both ways', async () => {
    const { broker, agent } = await open(outbound());
    await broker.send(agent, PERSON);
    const { raw, email } = await newest(broker);
    expect(field(raw)).toMatch(
      /^<https:\/\/relay\.example\.com\/u\/(u1[a-z2-7]{32})>,<mailto:asker\+\1@agents\.example\.com\?subject=unsubscribe>$/,
    );
    expect(email.headers.get('list-unsubscribe-post')).toEqual(['List-Unsubscribe=One-Click']);
    expect(raw.toString().match(/^List-Unsubscribe:/gm)).toHaveLength(1);
  });

  test.each([
    ['to the owner', async (broker: Broker) => broker.send(await broker.agent('other', PERSON), PERSON)],
    [
      'in a running thread',
      async (broker: Broker) => {
        const agent = await broker.agent('other');
        const { message } = await broker.send(agent, PERSON);
        return broker.send(agent, PERSON, { threadId: message.threadId });
      },
    ],
  ])('not %s', async (_, send) => {
    const { broker } = await open(outbound());
    await send(broker);
    expect(field((await newest(broker)).raw)).toBeUndefined();
  });

  test.each([null, 'http://relay.example.com'])('not without https (%s)', async (publicUrl) => {
    const { broker, agent } = await open(outbound({ publicUrl }));
    await broker.send(agent, PERSON);
    const { raw } = await newest(broker);
    expect(field(raw)).toBeUndefined();
    expect(raw.toString()).not.toContain('No more mail');
  });

  test("a mail to its address stops that agent's mail to that person, and reaches nobody", async () => {
    const { broker, agent } = await open(outbound());
    await broker.send(agent, PERSON);
    const to = /<mailto:([^?]+)/.exec(field((await newest(broker)).raw) ?? '')?.[1] ?? '';
    await takeEmail(broker.deps, bySmtp(rawEmail({ to, from: 'robot@provider.example', text: '' }), to));
    const { suppressions, deliveries, holds } = broker.deps.stores;
    const now = broker.clock.now();
    expect(await suppressions.find(PERSON, agent.id, now)).toMatchObject({ reason: 'unsubscribe', agentId: agent.id });
    expect(await suppressions.find('robot@provider.example', agent.id, now)).toBeUndefined();
    expect(await suppressions.find(PERSON, (await broker.agent('other')).id, now)).toBeUndefined();
    expect(await deliveries.countAvailable(agent.id)).toBe(0);
    expect((await holds.list(ALL)).items).toEqual([]);
  });
});

describe('a message too large for an email', () => {
  const file = (size: number, filename = 'größe.bin') => ({
    filename,
    contentType: 'application/octet-stream',
    content: Buffer.alloc(size, 'x'),
  });

  test('goes with links to its files, which open for 14 days without a key', async () => {
    const { broker, agent } = await open({ ...outbound({ maxEmail: MIB }), maxMessage: 10 * MIB });
    await broker.send(agent, PERSON, { body: 'see files', attachments: [file(2 * MIB), file(10, 'b.txt')] });
    const { raw, email } = await newest(broker);
    expect(raw.length).toBeLessThan(20_000);
    expect(email.attachments.map(({ filename }) => filename)).toEqual(['agent-message.jws.json']);
    const [first = '', second = ''] = email.text.match(/https:\/\/relay\.example\.com\/f\/\S+/g) ?? [];
    expect(email.text).toContain('* größe.bin (2.0 MiB)\n  https://');
    expect(email.text).toContain(
      `Until ${new Date(broker.clock.now() + 14 * DAY).toISOString().slice(0, 10)} they are here`,
    );
    const opened = await openFileLink(broker.deps, first.slice(`${PUBLIC}/f/`.length));
    expect(opened).toMatchObject({ kind: 'file', file: { filename: 'größe.bin', size: 2 * MIB } });
    expect(await openFileLink(broker.deps, second.slice(`${PUBLIC}/f/`.length))).toMatchObject({ kind: 'file' });
    broker.clock.advance(14 * DAY);
    expect(await openFileLink(broker.deps, first.slice(`${PUBLIC}/f/`.length))).toMatchObject({ kind: 'over' });
    expect(await verdicts(broker, raw)).toEqual([`rsa-sha256 pass ${DOMAIN}`, `ed25519-sha256 pass ${DOMAIN}`]);
  });

  test('a link that was changed anywhere opens nothing', async () => {
    const { broker, agent } = await open({ ...outbound({ maxEmail: 64 * 1024 }), maxMessage: MIB });
    await broker.send(agent, PERSON, { attachments: [file(100_000), file(10)] });
    const token = /\/f\/(\S+)/.exec((await newest(broker)).email.text)?.[1] ?? '';
    expect((await openFileLink(broker.deps, token)).kind).toBe('file');
    const [id = '', index = '', until = '', seal = ''] = token.split('.');
    const later = (Number.parseInt(until, 36) + 1).toString(36);
    const others = [
      [id, '1', until, seal],
      [id, index, later, seal],
      [id.toUpperCase(), index, until, seal],
      [id, `0${index}`, until, seal],
      [id, index, until.toUpperCase(), seal],
      [id, index, until, `${seal.slice(0, -1)}${seal.endsWith('A') ? 'B' : 'A'}`],
      [id, index, until, ''],
    ];
    for (const parts of others) expect(await openFileLink(broker.deps, parts.join('.'))).toEqual({ kind: 'unknown' });
    expect(await openFileLink(broker.deps, '')).toEqual({ kind: 'unknown' });
  });

  test('is refused, saying what would help, where nobody said how people reach the relay', async () => {
    const { broker, agent } = await open({ ...outbound({ maxEmail: MIB, publicUrl: null }), maxMessage: 10 * MIB });
    const sending = broker.send(agent, PERSON, { attachments: [file(2 * MIB)] });
    await expect(sending).rejects.toMatchObject({
      code: 'too_large',
      message: expect.stringContaining('TURNPOST_PUBLIC_URL'),
    });
    expect((await broker.deps.stores.outbox.list(ALL)).items).toEqual([]);
  });

  test('is refused where its words alone are too many', async () => {
    const { broker, agent } = await open({ ...outbound({ maxEmail: 64 * 1024 }), maxMessage: MIB });
    await expect(broker.send(agent, PERSON, { body: 'x'.repeat(200_000) })).rejects.toMatchObject({
      code: 'too_large',
      message: expect.stringContaining('Send less'),
    });
  });

  test('is composed again with links when a server says so: the same mail, only smaller', async () => {
    const { broker, agent } = await open({ ...outbound(), maxMessage: 10 * MIB });
    await broker.send(agent, PERSON, { body: 'see file', attachments: [file(MIB)] });
    const { item, email } = await newest(broker);
    const smaller = await composeWithLinks(broker.deps, item);
    const again = await parseEmail(smaller ?? Buffer.alloc(0));
    expect(smaller?.length).toBeLessThan(20_000);
    for (const name of ['message-id', 'reply-to', 'date', 'subject', 'from'])
      expect(again.headers.get(name)).toEqual(email.headers.get(name));
    expect(again.text).toContain('/f/msg_');
    expect(
      await composeWithLinks(broker.deps, { ...item, email: { ...item.email, raw: smaller ?? item.email.raw } }),
    ).toBeUndefined();
  });
});
