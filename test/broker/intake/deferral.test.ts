/** A DNS that does not answer: the mail is put off while an answer could change its fate, and held in the end. */
import { expect, test } from 'vitest';
import { takeEmail } from '../../../relay/broker/intake/intake.ts';
import type { IncomingEmail } from '../../../relay/mail/contracts.ts';
import { openBroker } from '../../support/broker-fixture.ts';
import { signDkim, trustZone } from '../../support/mail-signing.ts';
import { HOUR, MINUTE } from '../../support/manual-clock.ts';
import { byImap, rawEmail } from '../../support/raw-email.ts';
import { ALL, START } from '../../support/store-fixture.ts';
import type { ZoneName } from '../../support/zone-resolver.ts';

const KEY = 's1._domainkey.example.com';
const PUT_OFF = { code: 'unavailable', message: expect.stringContaining('DNS') };

/** From a server that SPF does not know, so that all hangs on the signature. */
function byForwarder(raw: Buffer, to: string): IncomingEmail {
  const source = {
    kind: 'smtp',
    envelopeFrom: 'me@nowhere.example',
    envelopeTo: [to],
    remote: '198.51.100.7',
    hello: 'mx.nowhere.example',
  } as const;
  return { source, raw, receivedAt: START };
}

async function openDeaf(settings: { readonly token?: boolean } = {}) {
  const letsIn = settings.token === true;
  const records = trustZone();
  const key: ZoneName = records[KEY] ?? {};
  records[KEY] = { fails: 'ETIMEOUT' };
  const broker = await openBroker({
    settings: { tokenLetsIn: { smtp: letsIn, imap: letsIn, http: letsIn } },
    zone: records,
  });
  const agent = await broker.agent('asker');
  const write = (author: string) =>
    signDkim(
      rawEmail({ from: author, to: agent.address }).toString('latin1'),
      [{ as: 'example.com' }],
      broker.clock.now(),
    );
  return {
    broker,
    agent,
    write: async (author: string) => Buffer.from(await write(author), 'latin1'),
    answer: () => {
      records[KEY] = key;
    },
    held: async () => (await broker.deps.stores.holds.list(ALL)).items.map(({ hold }) => hold.reason),
    waiting: () => broker.deps.stores.deliveries.countAvailable(agent.id),
  };
}

test('put off, then let in when the DNS answers', async () => {
  const { broker, agent, write, answer, held, waiting } = await openDeaf();
  const email = byForwarder(await write('you@example.com'), agent.address);
  await expect(takeEmail(broker.deps, email)).rejects.toMatchObject(PUT_OFF);
  expect([await held(), await waiting()]).toEqual([[], 0]);
  answer();
  await takeEmail(broker.deps, email);
  expect([await held(), await waiting()]).toEqual([[], 1]);
});

test('four tries and ten minutes, then it is held with the reason', async () => {
  const { broker, agent, write, held } = await openDeaf();
  const email = byForwarder(await write('you@example.com'), agent.address);
  for (let tries = 0; tries < 6; tries += 1) {
    await expect(takeEmail(broker.deps, email)).rejects.toMatchObject(PUT_OFF);
    broker.clock.advance(MINUTE);
  }
  broker.clock.advance(4 * MINUTE);
  await takeEmail(broker.deps, email);
  expect(await held()).toEqual([expect.stringContaining('the DNS did not tell whether example.com sent it')]);
});

test('a server that comes again after a day only has its mail held at the second try', async () => {
  const { broker, agent, write, held } = await openDeaf();
  const email = byForwarder(await write('you@example.com'), agent.address);
  await expect(takeEmail(broker.deps, email)).rejects.toMatchObject(PUT_OFF);
  broker.clock.advance(24 * HOUR);
  await takeEmail(broker.deps, email);
  expect(await held()).toHaveLength(1);
});

test('over IMAP the cursor stays until the mail is taken or held', async () => {
  const { broker, agent, write } = await openDeaf();
  const raw = Buffer.concat([Buffer.from(`Delivered-To: ${agent.address}\r\n`), await write('you@example.com')]);
  await expect(takeEmail(broker.deps, byImap(raw))).rejects.toMatchObject(PUT_OFF);
  expect(await broker.deps.stores.mailboxes.find('box@example.com', 'INBOX')).toBeUndefined();
  broker.clock.advance(24 * HOUR);
  await takeEmail(broker.deps, byImap(raw));
  expect(await broker.deps.stores.mailboxes.find('box@example.com', 'INBOX')).toMatchObject({ lastUid: 7 });
});

test('a stranger’s mail is held at once: no answer would let it in', async () => {
  const { broker, agent, write, held } = await openDeaf();
  await takeEmail(broker.deps, byForwarder(await write('stranger@example.com'), agent.address));
  expect(await held()).toHaveLength(1);
});

test('a token that lets in is not made to wait', async () => {
  const { broker, agent, write, waiting } = await openDeaf({ token: true });
  await broker.send(agent, 'person@example.com', { subject: 'Question' });
  const [item] = (await broker.deps.stores.outbox.list(ALL)).items;
  const head = item?.email.raw.toString().replace(/\r\n[ \t]/g, ' ') ?? '';
  const reply = /^Reply-To: .*<(.+)>/m.exec(head)?.[1] ?? '';
  await takeEmail(broker.deps, byForwarder(await write('person@example.com'), reply));
  expect(await waiting()).toBe(1);
});
