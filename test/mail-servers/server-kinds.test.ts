/** Mail services as they are: with limits, without extensions, out of order; Dovecot made to behave so, else a script. */
import { ImapFlow } from 'imapflow';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../relay/clock.ts';
import { silentLog } from '../../relay/log.ts';
import { smtpCourier } from '../../relay/mail/courier/courier.ts';
import { imapLetterBox, type LetterBox, type LetterBoxOptions } from '../../relay/mail/imap/letter-box.ts';
import { imapProxy } from '../support/imap-proxy.ts';
import { type MailPeer, mailPeerAvailable, startMailPeer } from '../support/mail-peer.ts';
import { type ImapScript, type ScriptedImap, scriptedImap } from '../support/scripted-imap.ts';
import { MemoryKeeper } from './memory-keeper.ts';

const USER = 'alice@human.test';
const SOON = { timeout: 15_000, interval: 20 };
const HOUR = 3_600_000;

let keeper: MemoryKeeper;
let stop: AbortController;
let running: Promise<void>[];
let waits: number[];
beforeEach(() => {
  keeper = new MemoryKeeper();
  stop = new AbortController();
  running = [];
  waits = [];
});
afterEach(async () => {
  stop.abort();
  await Promise.all(running);
});

/** Notes the waits after failures, and waits a moment only; an hour it waits. */
const clock: Clock = {
  ...systemClock,
  chance: () => 0.5,
  sleep: (ms, signal) => {
    if (signal !== stop.signal) return systemClock.sleep(ms, signal);
    waits.push(ms);
    return systemClock.sleep(ms >= HOUR ? ms : 10, signal);
  },
};

function letterBox(port: number, options: Partial<LetterBoxOptions> = {}): LetterBox {
  const url = `imap://${encodeURIComponent(USER)}:secret@localhost:${port}/INBOX`;
  const box = imapLetterBox({
    ...{ url, address: USER, pollIntervalMs: 100, keeper, clock, log: silentLog, maxBytes: 100_000 },
    ...options,
  });
  running.push(box.run(stop.signal));
  return box;
}

const isReady = (box: LetterBox) => expect.poll(() => box.state(), SOON).toMatchObject({ ready: true, problem: null });

describe.skipIf(!mailPeerAvailable())('Dovecot with few connections and no extensions, as Exchange', () => {
  let peer: MailPeer;

  beforeAll(async () => {
    peer = await startMailPeer({
      dovecot:
        'mail_max_userip_connections = 1\nimap_capability = IMAP4rev1 SASL-IR LITERAL+ UIDPLUS NAMESPACE CHILDREN',
    });
  });
  afterAll(() => peer?.stop());

  async function send(subject: string): Promise<void> {
    const url = `smtp://localhost:${peer.smtpPort}`;
    const courier = smtpCourier({ url, ca: peer.ca, clock: systemClock, log: silentLog });
    const raw = Buffer.from(
      `From: person@example.com\r\nTo: ${USER}\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@kinds>\r\n\r\nhi\r\n`,
    );
    const email = { deliveryId: 'dlv_1', envelopeFrom: 'person@human.test', envelopeTo: USER, envid: 'dlv_1', raw };
    expect(await courier.deliver(email)).toMatchObject({ kind: 'delivered' });
    courier.close();
  }

  test('without IDLE, CONDSTORE, QRESYNC and SPECIAL-USE it reads by cursor, and finds mail by looking', async () => {
    const proxy = await imapProxy(peer.imapPort);
    await isReady(letterBox(proxy.port));
    await send('polled');
    await expect.poll(() => keeper.subjects(), SOON).toEqual(['polled']);
    await send('polled-again');
    await expect.poll(() => keeper.subjects(), SOON).toEqual(['polled', 'polled-again']);
    expect(proxy.idles()).toBe(0);
    expect(proxy.said()).not.toMatch(/CONDSTORE|QRESYNC|MODSEQ|ENABLE/);
    proxy.close();
  });

  test('one connection too many (LIMIT) is no wrong password: it goes on trying, and comes in when there is room', async () => {
    const auth = { user: USER, pass: 'secret' };
    const phone = new ImapFlow({ host: 'localhost', port: peer.imapPort, auth, tls: { ca: peer.ca }, logger: false });
    // The connection of the test before may not be gone yet.
    await expect
      .poll(
        async () =>
          phone.usable ||
          (await phone.connect().then(
            () => true,
            () => false,
          )),
        SOON,
      )
      .toBe(true);
    const box = letterBox(peer.imapPort);
    await expect.poll(() => waits.length, SOON).toBeGreaterThanOrEqual(5);
    expect(box.state().problem).toBe(
      'The account has too many connections open. Close other mail programs, or give them fewer connections. It is tried again.',
    );
    expect(waits).not.toContain(HOUR);
    await phone.logout();
    await isReady(box);
  });
});

describe('servers that Dovecot cannot be', () => {
  const servers: ScriptedImap[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function server(script: ImapScript): Promise<ScriptedImap> {
    const made = await scriptedImap(script);
    servers.push(made);
    return made;
  }

  const mail = (subject: string, id = subject) =>
    `From: person@example.com\r\nTo: ${USER}\r\nSubject: ${subject}\r\nMessage-ID: <${id}@gmail>\r\n\r\nhello\r\n`;

  test.each([
    ['NO [INUSE] mailbox is locked', /Another program has the mailbox for itself\. It is tried again\./],
    ['NO [OVERQUOTA] full', /The mailbox is full\. It is tried again\./],
    ['NO [UNAVAILABLE] later', /A part of the mail service is down\. It is tried again\./],
    ['NO [CONTACTADMIN] call us', /support\. It is tried again\./],
    ['NO [ALERT] Too many simultaneous connections. (Failure)', /too many connections open.*It is tried again\./],
  ])('a login refused with %s is tried again and again', async (answer, problem) => {
    const { port } = await server({ answers: { LOGIN: [answer, answer, answer, answer] } });
    const box = letterBox(port);
    await expect.poll(() => waits.length, SOON).toBe(4);
    expect(waits).toEqual([500, 1000, 2000, 4000]);
    await isReady(box);
    expect(await problemOf(answer)).toMatch(problem);
  });

  /** What is said after one such answer. */
  async function problemOf(answer: string): Promise<string> {
    const { port } = await server({ answers: { LOGIN: Array.from({ length: 50 }, () => answer) } });
    const box = letterBox(port);
    await expect.poll(() => box.state().problem, SOON).not.toBe('not connected yet');
    return box.state().problem ?? '';
  }

  test.each([
    ['NO [AUTHENTICATIONFAILED] no', /refuses the login.*TURNPOST_IMAP_URL.*in an hour/s],
    ['NO [EXPIRED] password', /password has run out.*TURNPOST_IMAP_URL.*in an hour/s],
    ['NO [PRIVACYREQUIRED] TLS', /wants TLS.*imaps.*in an hour/s],
    ['NO no reason', /refuses the login.*in an hour/s],
  ])('a login refused with %s three times is parked for an hour and says what to do', async (answer, problem) => {
    const { port, said } = await server({ answers: { LOGIN: [answer, answer, answer] } });
    const box = letterBox(port);
    await expect.poll(() => waits, SOON).toEqual([500, 1000, HOUR]);
    expect(box.state().problem).toMatch(problem);
    expect(said.filter((line) => line.startsWith('LOGIN'))).toHaveLength(3);
  });

  test('"Suggested Backoff Time" of Exchange is waited out before anything else is said', async () => {
    const throttled = 'BAD Request is throttled. Suggested Backoff Time: 700 milliseconds';
    const { port, said } = await server({ answers: { EXAMINE: [throttled] } });
    const startedAt = performance.now();
    const box = letterBox(port);
    await isReady(box);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(690);
    expect(said.filter((line) => line.startsWith('EXAMINE'))).toHaveLength(2);
    expect(waits[0]).toBe(500);
  });

  test('a goodbye in the middle is no reason to stop', async () => {
    const { port } = await server({ answers: { SEARCH: ['BYE'], LOGIN: ['BYE'] } });
    const box = letterBox(port);
    await isReady(box);
    expect(waits.filter((ms) => ms < HOUR)).toHaveLength(2);
  });

  test('a server that does not list its folders is read all the same', async () => {
    const { port } = await server({ answers: { LIST: ['NO not allowed'] } });
    await isReady(letterBox(port));
    expect([keeper.cursors.size, waits]).toEqual([1, []]);
  });

  test('ID is not sent to who did not ask for it: some servers end the session there', async () => {
    const { port, said } = await server({ capability: 'ID', answers: { ID: ['BYE', 'BYE', 'BYE'] } });
    await isReady(letterBox(port));
    expect(said.filter((line) => line.startsWith('ID'))).toEqual([]);
    expect(waits).toEqual([]);
  });

  test.each([
    ['offers no STARTTLS', {}],
    ['says that everybody is logged in already', { greeting: 'PREAUTH welcome' }],
  ])('over a network a server that %s gets neither name nor password', async (_, script) => {
    const { port, said } = await server(script);
    // The way to this machine that does not look like one.
    const box = letterBox(port, { url: `imap://you:sesame@[::ffff:127.0.0.1]:${port}/INBOX` });
    await expect.poll(() => waits.length, SOON).toBeGreaterThanOrEqual(2);
    expect(box.state().problem).toMatch(/TLS/);
    expect(said.filter((line) => /LOGIN|AUTHENTICATE|EXAMINE|sesame/.test(line))).toEqual([]);
  });

  const GMAIL = 'X-GM-EXT-1 UIDPLUS SPECIAL-USE CHILDREN NAMESPACE ID';
  const gmail = (uid: number, subject: string) => ({ uid, raw: mail(subject), more: `X-GM-MSGID 17${subject.length}` });
  const gmailFolders = {
    INBOX: { attributes: '\\HasNoChildren', mails: [gmail(1, 'in two labels')] },
    Work: { attributes: '\\HasNoChildren', mails: [gmail(9, 'in two labels')] },
    '[Gmail]/Alle Nachrichten': { attributes: '\\All \\HasNoChildren', mails: [gmail(40, 'in two labels')] },
    '[Gmail]/Spam': { attributes: '\\HasNoChildren \\Junk', mails: [gmail(3, 'taken for spam')] },
  };
  const fromStart = () => {
    for (const folder of Object.keys(gmailFolders))
      keeper.cursors.set(folder, { uidValidity: '1', firstUid: 1, lastUid: 0 });
  };

  test('Gmail: INBOX and Spam are read, a mail with two labels in two folders is one', async () => {
    fromStart();
    const { port } = await server({ capability: GMAIL, folders: gmailFolders });
    await isReady(letterBox(port));
    await isReady(letterBox(port, { url: `imap://${encodeURIComponent(USER)}:secret@localhost:${port}/Work` }));
    expect(keeper.subjects()).toEqual(['in two labels', 'taken for spam']);
    expect(keeper.taken[1]?.source).toMatchObject({ folder: '[Gmail]/Spam', junk: true });
  });

  test('Gmail: All Mail is refused in the language of the account', async () => {
    const { port, said } = await server({ capability: GMAIL, folders: gmailFolders });
    const folder = encodeURIComponent('[Gmail]/Alle Nachrichten');
    const box = letterBox(port, { url: `imap://${encodeURIComponent(USER)}:secret@localhost:${port}/${folder}` });
    await expect.poll(() => box.state().problem, SOON).toMatch(/copy of every mail.*Name INBOX/s);
    expect(said.some((line) => line.startsWith('EXAMINE'))).toBe(false);
  });

  test('Gmail: a mail archived between finding and reading is passed', async () => {
    fromStart();
    const { port } = await server({
      capability: GMAIL,
      folders: gmailFolders,
      answers: { FETCH: ['OK nothing there'] },
    });
    await isReady(letterBox(port));
    expect(keeper.subjects()).toEqual(['taken for spam']);
    expect(keeper.cursor?.lastUid).toBe(1);
  });
});
