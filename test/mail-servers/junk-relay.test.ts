/** The relay with a real account: what lies in Junk reaches no session by itself, and a mail in two folders is one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type MailPeer, mailPeerAvailable, startMailPeer } from '../support/mail-peer.ts';
import { type RelayInProcess, relayInProcess } from '../support/relay-in-process.ts';

const INBOX = 'inbox@agents.test';
const SOON = { timeout: 20_000, interval: 50 };

describe.skipIf(!mailPeerAvailable())('a relay that reads INBOX and Junk', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'turnpost-junk-relay-'));
  let peer: MailPeer;
  let relay: RelayInProcess;
  let imap: ImapFlow;

  beforeAll(async () => {
    peer = await startMailPeer();
    const auth = { user: INBOX, pass: 'secret' };
    imap = new ImapFlow({ host: 'localhost', port: peer.imapPort, auth, tls: { ca: peer.ca }, logger: false });
    await imap.connect();
    await imap.mailboxCreate('Junk');
    writeFileSync(path.join(folder, 'ca.pem'), peer.ca);
    relay = await relayInProcess({
      TURNPOST_TLS_CA: path.join(folder, 'ca.pem'),
      TURNPOST_IMAP_URL: peer.imapUrl(INBOX),
      TURNPOST_INBOUND_AUTH: 'token',
      TURNPOST_POLL_INTERVAL: '1s',
    });
  });
  afterAll(async () => {
    await imap?.logout();
    await relay?.close();
    await peer?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const mail = (subject: string) =>
    `From: alice@human.test\r\nTo: inbox+worker@agents.test\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@human.test>\r\n\r\nhello\r\n`;
  const held = async () => (await relay.admin.listHolds()).items.map(({ message }) => message.subject);

  test('it is held, once, though it lies in both folders and is moved about; the agent sees none of it', async () => {
    await expect.poll(async () => (await relay.admin.ready()).not_ready, SOON).toEqual([]);
    const { client } = await relay.agent('worker');
    await imap.append('Junk', mail('forgotten'));
    await expect.poll(held, SOON).toEqual(['forgotten']);
    await imap.append('INBOX', mail('forgotten'));
    await imap.append('INBOX', mail('marker'));
    await expect.poll(held, SOON).toContain('marker');
    await imap.mailboxOpen('Junk');
    await imap.messageMove('1:*', 'INBOX');
    await imap.append('INBOX', mail('last'));
    await expect.poll(held, SOON).toContain('last');
    expect((await held()).toSorted()).toEqual(['forgotten', 'last', 'marker']);
    expect((await client.listMessages({})).items).toEqual([]);
  });
});
