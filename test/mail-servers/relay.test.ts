/** The relay between real mail servers: Postfix sends and takes, Dovecot keeps, people answer with their own account. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ImapFlow } from 'imapflow';
import { simpleParser } from 'mailparser';
import nodemailer from 'nodemailer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TurnpostClient } from '../../client/turnpost-client.ts';
import type { WireMessage } from '../../relay/wire.ts';
import { type MailPeer, mailPeerAvailable, startMailPeer } from '../support/mail-peer.ts';
import { type RelayInProcess, relayInProcess } from '../support/relay-in-process.ts';

const INBOX = 'inbox@agents.test';
const PERSON = 'alice@human.test';
const SOON = { timeout: 20_000, interval: 50 };

const available = mailPeerAvailable();
const folder = mkdtempSync(path.join(tmpdir(), 'turnpost-servers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!available)('with Postfix and Dovecot', () => {
  let peer: MailPeer;
  let env: Record<string, string>;

  beforeAll(async () => {
    peer = await startMailPeer();
    const caFile = path.join(folder, 'ca.pem');
    writeFileSync(caFile, peer.ca);
    env = {
      TURNPOST_TLS_CA: caFile,
      TURNPOST_IMAP_URL: peer.imapUrl(INBOX),
      TURNPOST_SMTP_URL: `smtp://localhost:${peer.smtpPort}`,
      TURNPOST_INBOUND_AUTH: 'token',
    };
  });
  afterAll(() => peer?.stop());

  const ready = (relay: RelayInProcess) =>
    expect.poll(async () => (await relay.admin.ready()).not_ready, SOON).toEqual([]);
  const inbound = async (client: TurnpostClient, thread_id: string) => (await client.listMessages({ thread_id })).items;

  /** Looks into the person's own mailbox for the mail with this subject. */
  async function mailOf(user: string, subject: string) {
    const imap = new ImapFlow({
      host: 'localhost',
      port: peer.imapPort,
      auth: { user, pass: 'secret' },
      tls: { ca: peer.ca },
      logger: false,
    });
    await imap.connect();
    try {
      await imap.mailboxOpen('INBOX', { readOnly: true });
      for await (const { source } of imap.fetch('1:*', { source: true })) {
        const mail = await simpleParser(source ?? Buffer.alloc(0));
        if (mail.subject === subject) return mail;
      }
      return undefined;
    } finally {
      await imap.logout();
    }
  }

  const postfix = () =>
    nodemailer.createTransport({ host: 'localhost', port: peer.smtpPort, pool: true, tls: { ca: peer.ca } });

  test('a question goes out through Postfix, the answer comes back through Dovecot IDLE, only its new words are injected', async () => {
    const relay = await relayInProcess(env);
    const { client, key } = await relay.agent('worker');
    await ready(relay);
    const question = await client.sendMessage({ to: PERSON, subject: 'Deploy now?', body: 'May I deploy?' });
    await expect.poll(() => mailOf(PERSON, 'Deploy now?'), SOON).toBeDefined();
    const mail = await mailOf(PERSON, 'Deploy now?');
    expect(mail?.from?.value[0]?.address).toBe('inbox+worker@agents.test');

    const replyTo = mail?.replyTo?.value[0]?.address ?? '';
    const quoted = (mail?.text ?? '').trimEnd().replaceAll(/^/gm, '> ');
    const transport = postfix();
    await transport.sendMail({
      from: PERSON,
      to: replyTo,
      subject: 'Re: Deploy now?',
      inReplyTo: mail?.messageId ?? '',
      text: `Yes, go ahead.\n\nOn Friday Worker wrote:\n${quoted}\n`,
    });
    transport.close();
    await expect.poll(() => inbound(client, question.thread_id), SOON).toHaveLength(1);
    const [answer] = await inbound(client, question.thread_id);
    expect(answer).toMatchObject({
      body: 'Yes, go ahead.',
      trust: 'known',
      verified_by: 'token',
      in_reply_to: question.id,
    });

    const hook = await fetch(`${relay.httpUrl}/v1/hooks/claude/Stop`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-turnpost-seen': '' },
      body: JSON.stringify({ session_id: 's', prompt_id: 'p', stop_hook_active: false }),
    });
    const injected = await hook.text();
    expect(injected).toContain(`Turnpost message ${answer?.id}`);
    expect(injected).not.toContain('May I deploy?');
    await relay.close();
  });

  test('a refusal in the dialogue and a bounce that comes later both return to the agent', async () => {
    const relay = await relayInProcess(env);
    const { client } = await relay.agent('worker');
    await ready(relay);
    const refused = await client.sendMessage({ to: 'nobody@human.test', body: 'hello' });
    const bounced = await client.sendMessage({ to: 'gone@human.test', body: 'hello' });
    const stateOf = async ({ id }: WireMessage) => (await client.getMessage(id)).deliveries?.[0];
    for (const message of [refused, bounced]) {
      await expect.poll(async () => (await stateOf(message))?.state, SOON).toBe('bounced');
      await expect.poll(() => inbound(client, message.thread_id), SOON).toHaveLength(1);
      const [notice] = await inbound(client, message.thread_id);
      expect(notice).toMatchObject({ type: 'bounce', from: { kind: 'machine' }, in_reply_to: message.id });
      expect(notice?.body).toMatch(/5\.1\.1/);
      // Both servers said that there is no such mailbox: nothing more goes there, until an admin knows better.
      const again = { to: message.to, body: 'hello again' };
      await expect(client.sendMessage(again)).rejects.toMatchObject({ code: 'suppressed' });
      await relay.admin.removeSuppressions(message.to[0] ?? '');
      expect((await client.sendMessage(again)).id).toMatch(/^msg_/);
    }
    await relay.close();
  });

  test('an IMAP server that cannot be reached is said by /v1/ready and stops nothing else', async () => {
    const relay = await relayInProcess({
      ...env,
      TURNPOST_IMAP_URL: 'imap://nobody%40human.test:wrong@localhost:1/INBOX',
    });
    const { client } = await relay.agent('worker');
    expect((await relay.admin.ready()).not_ready).toEqual(['imap:nobody@human.test@localhost/INBOX']);
    const message = await client.sendMessage({ to: PERSON, body: 'still here' });
    await expect.poll(async () => (await client.getMessage(message.id)).deliveries?.[0]?.state, SOON).toBe('delivered');
    await relay.close();
  });

  test('two mailboxes are read, each under its own address; mail that nobody asked for is held', async () => {
    const urls = `${peer.imapUrl(INBOX)},${peer.imapUrl('bob@human.test')}`;
    const relay = await relayInProcess({ ...env, TURNPOST_IMAP_URL: urls });
    const { client } = await relay.agent('worker');
    await ready(relay);
    const transport = postfix();
    for (const to of ['inbox+worker@agents.test', 'bob+worker@human.test', 'bob@human.test']) {
      await transport.sendMail({ from: PERSON, to, subject: `To ${to}`, text: 'hello' });
    }
    transport.close();
    const subjects = async () => (await relay.admin.listHolds()).items.map(({ message }) => message.subject).toSorted();
    await expect.poll(subjects, SOON).toEqual(['To bob+worker@human.test', 'To inbox+worker@agents.test']);
    expect((await client.listMessages({})).items).toEqual([]);
    await relay.close();
  });

  test('no body of an agent becomes two mails in a Postfix that ends mails at bare line feeds', async () => {
    const relay = await relayInProcess(env);
    const { client } = await relay.agent('worker');
    const ends = ['\n.\n', '\n.\r\n', '\r\n.\n', '\r.\r', '\r.\r\n', '\r\n.\r', '\r\n.\r\n'];
    const second = `MAIL FROM:<boss@human.test>\r\nRCPT TO:<carol@human.test>\r\nDATA\r\nSubject: Smuggled\r\n\r\nobey`;
    const body = ends.map((end) => `first${end}${second}`).join('\r\n');
    await client.sendMessage({ to: PERSON, subject: 'Harmless', body });
    await client.sendMessage({ to: 'carol@human.test', subject: 'The only one', body });
    await expect.poll(() => mailOf('carol@human.test', 'The only one'), SOON).toBeDefined();
    await expect.poll(() => mailOf(PERSON, 'Harmless'), SOON).toBeDefined();
    expect(await mailOf('carol@human.test', 'Smuggled')).toBeUndefined();
    expect((await mailOf(PERSON, 'Harmless'))?.text?.match(/obey/g)).toHaveLength(ends.length);
    await relay.close();
  });
});
