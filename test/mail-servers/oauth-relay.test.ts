/** A relay as a process, with logins by token only: what is replaced survives kill -9, and both ways of mail work. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TurnpostClient } from '../../client/turnpost-client.ts';
import { type AuthorisationServer, CLIENT, startAuthorisationServer } from '../support/authorisation-server.ts';
import { type MailPeer, mailPeerAvailable, startMailPeer } from '../support/mail-peer.ts';
import { type RelayProcess, startRelayProcess } from '../support/relay-process.ts';

const USER = 'inbox@agents.test';
const SOON = { timeout: 20_000, interval: 50 };

describe.skipIf(!mailPeerAvailable())('a relay that logs in by OAuth2', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'turnpost-oauth-relay-'));
  let auth: AuthorisationServer;
  let peer: MailPeer;
  let relay: RelayProcess;
  let env: Record<string, string>;

  beforeAll(async () => {
    auth = await startAuthorisationServer();
    peer = await startMailPeer({ oauthPort: auth.port });
    const entry = {
      token_url: auth.tokenUrl,
      client_id: CLIENT.id,
      client_secret: CLIENT.secret,
      refresh_token: auth.login(USER),
    };
    const file = (name: string, text: string) => {
      writeFileSync(path.join(folder, name), text, { mode: 0o600 });
      return path.join(folder, name);
    };
    const user = encodeURIComponent(USER);
    env = {
      TURNPOST_DATA_DIR: path.join(folder, 'data'),
      TURNPOST_TLS_CA: file('ca.pem', peer.ca),
      TURNPOST_OAUTH: file('logins.json', JSON.stringify({ [USER]: entry })),
      TURNPOST_IMAP_URL: `imap://${user}@localhost:${peer.imapPort}/INBOX?auth=oauth2`,
      TURNPOST_SMTP_URL: `smtp://${user}@localhost:${peer.smtpPort}?auth=oauth2`,
      TURNPOST_LOG_LEVEL: 'debug',
    };
  });
  afterAll(async () => {
    await relay?.end('SIGKILL');
    await peer?.stop();
    await auth?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const admin = () => new TurnpostClient({ relay: { socketPath: relay.ready.socket }, key: undefined });
  const start = async () => {
    relay = await startRelayProcess(env);
    await expect.poll(async () => (await admin().ready()).not_ready, SOON).toEqual([]);
  };

  const PATIENT = { timeout: 120_000 };

  test(
    'killed again and again after its refresh token was replaced, it logs in with the new one',
    PATIENT,
    async () => {
      for (let kills = 0; kills < 3; kills += 1) {
        await start();
        await relay.end('SIGKILL');
      }
      await start();
      expect(auth.asked).toHaveLength(4);
      expect(auth.reused).toEqual([]);
    },
  );

  test('a question goes out by SMTP with the token', async () => {
    const key = readFileSync(path.join(folder, 'data/admin.key'), 'utf8').trim();
    const { key: secret } = await admin().as({ key }).registerAgent({ name: 'worker' });
    const worker = admin().as({ key: secret.secret });
    const message = await worker.sendMessage({ to: 'alice@human.test', body: 'May I?' });
    await expect.poll(async () => (await worker.getMessage(message.id)).deliveries?.[0]?.state, SOON).toBe('delivered');
  });

  test('a mistake in the file is told at the start, with the file and without a secret', async () => {
    const bad = path.join(folder, 'bad.json');
    writeFileSync(
      bad,
      JSON.stringify({ [USER]: { client_id: 'app', token_url: 'http://example.com/', refresh_token: 'sesame' } }),
      { mode: 0o600 },
    );
    const data = { TURNPOST_DATA_DIR: path.join(folder, 'other') };
    const starting = startRelayProcess({ ...env, ...data, TURNPOST_OAUTH: bad });
    await expect(starting).rejects.toThrow(`${bad}: ${USER}.token_url: want an https URL`);
    await expect(starting).rejects.toThrow(expect.not.stringContaining('sesame'));
  });
});
