/** Real mail clients as agents, against a whole relay over SMTP: nodemailer, swaks and Python's smtplib. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import nodemailer from 'nodemailer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as wire from '../../relay/wire.ts';
import { openFixture, type RelayFixture, type TestAgent } from '../support/relay-fixture.ts';

const run = promisify(execFile);

let fixture: RelayFixture;
let alice: TestAgent;
let bob: TestAgent;
let port: string;
let tlsPort: string;

beforeAll(async () => {
  fixture = await openFixture({ env: { TURNPOST_SMTPS_PORT: '0' } });
  alice = await fixture.agent('alice');
  bob = await fixture.agent('bob');
  port = String(fixture.relay.smtpPort);
  tlsPort = String(fixture.relay.smtpsPort);
});
afterAll(() => fixture.close());

async function inboxOf(agent: TestAgent, subject: string): Promise<wire.WireMessage[]> {
  const reply = await fixture.call('GET', '/v1/agents/me/messages?limit=100', { key: agent.key });
  return reply.as(wire.page(wire.Message)).items.filter((message) => message.subject === subject);
}

/** False, with a line that says why, where the program is not there. */
async function isThere(program: string, ...args: string[]): Promise<boolean> {
  try {
    await run(program, args);
    return true;
  } catch {
    console.log(`skipped: ${program} is not installed here`);
    return false;
  }
}

const [hasSwaks, hasPython] = await Promise.all([isThere('swaks', '--version'), isThere('python3', '--version')]);

describe('nodemailer', () => {
  const ways = {
    'STARTTLS and PLAIN': () => ({ port: Number(port), requireTLS: true, auth: { user: 'alice', pass: alice.key } }),
    'implicit TLS and LOGIN': () => ({
      port: Number(tlsPort),
      secure: true,
      authMethod: 'LOGIN',
      auth: { user: alice.address, pass: alice.key },
    }),
    XOAUTH2: () => ({
      port: Number(port),
      auth: { type: 'OAuth2' as const, user: alice.address, accessToken: alice.key },
    }),
  };

  test.each(Object.entries(ways))('%s: a letter with a file reaches the other agent', async (subject, options) => {
    const transport = nodemailer.createTransport({
      host: '127.0.0.1',
      tls: { rejectUnauthorized: false },
      ...options(),
    });
    const info = await transport.sendMail({
      from: alice.address,
      to: bob.address,
      subject,
      text: 'Grüße, all green.',
      attachments: [{ filename: 'log.txt', content: 'ok' }],
    });
    expect(info.response).toMatch(/^250 2\.0\.0 Taken as msg_/);
    const [message, ...others] = await inboxOf(bob, subject);
    expect(others).toEqual([]);
    expect(message).toMatchObject({
      from: { address: alice.address, kind: 'agent' },
      verified_by: 'key',
      trust: 'peer',
      body: 'Grüße, all green.',
      attachments: [{ filename: 'log.txt', size: 2 }],
    });
  });

  test('a wrong key fails as a login does', async () => {
    const auth = { user: 'alice', pass: bob.key };
    const transport = nodemailer.createTransport({ port: Number(port), tls: { rejectUnauthorized: false }, auth });
    await expect(transport.verify()).rejects.toMatchObject({ code: 'EAUTH', responseCode: 535 });
  });

  test('a pooled connection whose key is revoked sends nothing more', async () => {
    const eve = await fixture.agent('eve');
    const transport = nodemailer.createTransport({
      pool: true,
      maxConnections: 1,
      port: Number(port),
      tls: { rejectUnauthorized: false },
      auth: { user: 'eve', pass: eve.key },
    });
    const mail = { from: eve.address, to: bob.address, subject: 'pooled', text: 'one' };
    await transport.sendMail(mail);
    await fixture.call('DELETE', `/v1/agents/eve/keys/${eve.keyId}`);
    await expect(transport.sendMail({ ...mail, text: 'two' })).rejects.toMatchObject({ responseCode: 535 });
    transport.close();
    expect(await inboxOf(bob, 'pooled')).toHaveLength(1);
  });
});

describe('swaks', () => {
  const swaks = (...args: string[]) =>
    run('swaks', ['--server', `127.0.0.1:${port}`, '--from', alice.address, '--to', bob.address, ...args]);

  test.skipIf(!hasSwaks)('from this machine, without TLS, by LOGIN; another sender is refused', async () => {
    const login = ['--auth', 'LOGIN', '--auth-user', 'alice', '--auth-password', alice.key];
    await swaks(...login, '--header', 'Subject: swaks', '--body', 'hello');
    expect(await inboxOf(bob, 'swaks')).toMatchObject([{ body: 'hello', verified_by: 'key' }]);
    // Exit code 23: MAIL FROM refused.
    await expect(swaks(...login, '--from', bob.address)).rejects.toMatchObject({ code: 23 });
  });
});

const PYTHON = `
import smtplib, ssl, sys
from email.message import EmailMessage
port, user, key, to, mechanism = sys.argv[1:]
context = ssl._create_unverified_context()
client = smtplib.SMTP('127.0.0.1', int(port))
client.starttls(context=context)
client.ehlo()
if mechanism == 'OAUTHBEARER':
    client.auth('OAUTHBEARER', lambda challenge=None: 'n,a=%s,\\x01auth=Bearer %s\\x01\\x01' % (user, key))
else:
    client.login(user, key)
mail = EmailMessage()
mail['From'], mail['To'], mail['Subject'] = user, to, 'smtplib ' + mechanism
mail.set_content('hello from python')
client.send_message(mail)
client.quit()
`;

describe('smtplib', () => {
  test.skipIf(!hasPython).each(['PLAIN', 'OAUTHBEARER'])('%s', async (mechanism) => {
    await run('python3', ['-c', PYTHON, port, alice.address, alice.key, bob.address, mechanism]);
    expect(await inboxOf(bob, `smtplib ${mechanism}`)).toMatchObject([{ body: 'hello from python' }]);
  });
});
