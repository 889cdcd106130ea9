/** Encrypted answers: the agent learns that it cannot be read, the person what to do, a stranger nothing. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { takeEmail } from '../../../relay/broker/intake/intake.ts';
import { parseEmail } from '../../../relay/mail/parse/parse-email.ts';
import { openBroker } from '../../support/broker-fixture.ts';
import { bySmtp } from '../../support/raw-email.ts';
import { ALL } from '../../support/store-fixture.ts';

const CASES = path.join(import.meta.dirname, '../../cases/sealed');
const sealed = (name: string): Buffer => readFileSync(path.join(CASES, `${name}.eml`));

async function openAsked() {
  const broker = await openBroker();
  const agent = await broker.agent('builder');
  await broker.send(agent, 'person@example.com', { subject: 'Deploy?' });
  const sent = async () => (await broker.deps.stores.outbox.list(ALL)).items.toReversed();
  const [question] = await sent();
  const replyTo = (await parseEmail(question?.email.raw ?? Buffer.alloc(0))).headers.get('reply-to')?.[0] ?? '';
  const to = /<(.+)>/.exec(replyTo)?.[1] ?? '';
  const take = (raw: Buffer, rcpt = to) => takeEmail(broker.deps, bySmtp(raw, rcpt, 'person@example.com'));
  return { broker, agent, sent, take };
}

test.each(['smime-encrypted', 'openpgp-mime-encrypted', 'openpgp-inline-encrypted'])(
  '%s: the agent has a note, the person is told once a day what to do',
  async (name) => {
    const { broker, agent, sent, take } = await openAsked();
    await take(sealed(name));
    const { items } = await broker.lease(agent);
    expect(items[0]?.message.notes).toEqual([
      expect.stringMatching(/^the email is encrypted \(.+\) and cannot be read/),
    ]);
    const [, answer] = await sent();
    expect(answer?.email).toMatchObject({ envelopeFrom: '', envelopeTo: 'person@example.com' });
    const { text, subject } = await parseEmail(answer?.email.raw ?? Buffer.alloc(0));
    expect(subject).toBe('Auto: Re: Deploy?');
    expect(text).toContain('send it again without encryption');

    await take(Buffer.from(sealed(name).toString().replace('<s1@', '<s2@')));
    expect(await sent()).toHaveLength(2);
  },
);

test('a stranger hears nothing, and what is only signed is answered by nobody', async () => {
  const { broker, sent, take } = await openAsked();
  await take(sealed('smime-encrypted'), 'builder@turnpost.localhost');
  await take(sealed('smime-opaque'));
  expect(await sent()).toHaveLength(1);
  expect((await broker.deps.stores.holds.list(ALL)).items).toHaveLength(1);
});
