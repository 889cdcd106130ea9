/** Two folders on one connection, INBOX and Junk, with real Dovecot. */
import { ImapFlow } from 'imapflow';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '../../relay/clock.ts';
import { RelayError } from '../../relay/errors.ts';
import { silentLog } from '../../relay/log.ts';
import type { LetterBox, LetterBoxOptions } from '../../relay/mail/imap/letter-box.ts';
import { imapLetterBoxes } from '../../relay/mail/imap/letter-boxes.ts';
import { type ImapProxy, imapProxy } from '../support/imap-proxy.ts';
import { type MailPeer, mailPeerAvailable, startMailPeer } from '../support/mail-peer.ts';
import { MemoryKeeper } from './memory-keeper.ts';

const USER = 'alice@human.test';
const SOON = { timeout: 15_000, interval: 20 };
/** Retries almost without a wait. */
const clock: Clock = { ...systemClock, chance: () => 0.02 };

describe.skipIf(!mailPeerAvailable())('INBOX and Junk with Dovecot', () => {
  let peer: MailPeer;
  let proxy: ImapProxy;
  let keeper: MemoryKeeper;
  let stop: AbortController;
  let running: Promise<void>[];
  let count = 0;

  beforeAll(async () => {
    peer = await startMailPeer();
    await asPerson(async (imap) => {
      await imap.mailboxCreate('Junk');
      await imap.mailboxCreate('All Mail');
    });
  });
  afterAll(() => peer?.stop());
  beforeEach(async () => {
    proxy = await imapProxy(peer.imapPort);
    keeper = new MemoryKeeper();
    stop = new AbortController();
    running = [];
  });
  afterEach(async () => {
    await halt();
    proxy.close();
  });

  async function asPerson<T>(act: (imap: ImapFlow) => Promise<T>): Promise<T> {
    const auth = { user: USER, pass: 'secret' };
    const person = new ImapFlow({ host: 'localhost', port: peer.imapPort, auth, tls: { ca: peer.ca }, logger: false });
    await person.connect();
    try {
      return await act(person);
    } finally {
      await person.logout();
    }
  }

  /** As the server's filter does it. */
  async function put(folder: string, subject: string): Promise<void> {
    count += 1;
    const raw = `From: person@example.com\r\nTo: ${USER}\r\nSubject: ${subject}\r\nMessage-ID: <${count}@junk>\r\n\r\nhello\r\n`;
    await asPerson((imap) => imap.append(folder, raw));
  }

  function letterBoxes(folders: readonly string[], options: Partial<LetterBoxOptions> = {}): LetterBox[] {
    const url = (folder: string) =>
      `imap://${encodeURIComponent(USER)}:secret@localhost:${proxy.port}/${encodeURIComponent(folder)}`;
    const mailboxes = folders.map((folder) => ({ url: url(folder), address: USER }));
    const shared = { keeper, clock, log: silentLog, maxBytes: 100_000, pollIntervalMs: 100 };
    return imapLetterBoxes(mailboxes, { ...shared, ...options });
  }

  async function watch(options: Partial<LetterBoxOptions> = {}, folders = ['INBOX']): Promise<LetterBox[]> {
    const boxes = letterBoxes(folders, options);
    running.push(...boxes.map((box) => box.run(stop.signal)));
    for (const box of boxes) await expect.poll(() => box.state(), SOON).toMatchObject({ ready: true, problem: null });
    return boxes;
  }

  async function halt(): Promise<void> {
    stop.abort();
    await Promise.all(running);
    stop = new AbortController();
    running = [];
  }

  const places = () =>
    keeper.taken.map(({ source }, at) => {
      const { folder, junk } = source.kind === 'imap' ? source : { folder: '', junk: undefined };
      return `${keeper.subjects()[at]} in ${folder}${junk ? ', junk' : ''}`;
    });

  test('Junk too starts at its end, is read from its own cursor, and what lies there is said to be junk; one connection', async () => {
    await put('INBOX', 'old');
    await put('Junk', 'old junk');
    await watch();
    await put('Junk', 'forgotten');
    await expect.poll(places, SOON).toEqual(['forgotten in Junk, junk']);
    await put('INBOX', 'seen');
    await expect.poll(places, SOON).toEqual(['forgotten in Junk, junk', 'seen in INBOX']);
    expect([...keeper.cursors.keys()].toSorted()).toEqual(['INBOX', 'Junk']);
    expect(proxy.open()).toBe(1);
  });

  test('after a look into Junk INBOX is the open one: mail there is told by IDLE at once', async () => {
    await put('Junk', 'so that the folder is opened');
    await watch({ pollIntervalMs: 3_600_000 });
    await expect.poll(() => proxy.idles(), SOON).toBeGreaterThan(0);
    await put('INBOX', 'at once');
    await expect.poll(places, SOON).toEqual(['at once in INBOX']);
    expect(proxy.said().split('EXAMINE Junk').length - 1).toBe(1);
  });

  test('nobody sees that a mail was read: no flag changes', async () => {
    await watch();
    await put('INBOX', 'unseen');
    await expect.poll(places, SOON).toEqual(['unseen in INBOX']);
    const flags = await asPerson(async (imap) => {
      await imap.mailboxOpen('INBOX', { readOnly: true });
      const mail = await imap.fetchOne('*', { flags: true });
      return mail === false ? undefined : [...(mail.flags ?? [])].filter((flag) => flag !== '\\Recent');
    });
    expect(flags).toEqual([]);
  });

  test('mail is taken whole while somebody deletes other mail between', async () => {
    await watch();
    await asPerson(async (imap) => {
      await imap.mailboxOpen('INBOX');
      for (let n = 0; n < 20; n += 1) {
        const raw = `From: person@example.com\r\nTo: ${USER}\r\nSubject: race ${n}\r\nMessage-ID: <race-${n}@x>\r\n\r\nhi\r\n`;
        await imap.append('INBOX', raw);
        await imap.append('INBOX', raw.replaceAll('race', 'stays'));
        // The sequence numbers of all after it shift.
        await imap.messageDelete({ subject: 'race' });
      }
    });
    const staying = () => keeper.subjects().filter((subject) => subject.startsWith('stays'));
    await expect.poll(() => new Set(staying()).size, SOON).toBe(20);
    expect(staying()).toHaveLength(20);
  });

  test('a folder whose name is not ASCII (RFC 3501 section 5.1.3)', async () => {
    await asPerson((imap) => imap.mailboxCreate('Büro & Post'));
    await watch({}, ['Büro & Post']);
    await put('Büro & Post', 'found');
    await expect.poll(places, SOON).toEqual(['found in Büro & Post']);
  });

  test('a Junk folder in which nothing changes is asked about, not opened', async () => {
    await watch({ pollIntervalMs: 30 });
    await expect.poll(() => proxy.said().split('STATUS Junk').length, SOON).toBeGreaterThan(5);
    expect(proxy.said().split('EXAMINE Junk').length - 1).toBe(1);
  });

  test('after a restart both go on from their cursors', async () => {
    await watch();
    await halt();
    await put('Junk', 'junk meanwhile');
    await put('INBOX', 'mail meanwhile');
    await watch();
    await expect.poll(places, SOON).toEqual(['mail meanwhile in INBOX', 'junk meanwhile in Junk, junk']);
  });

  test('the server is restarted, and what came into both is taken', async () => {
    const [box] = await watch();
    await put('Junk', 'junk before');
    await put('INBOX', 'mail before');
    await peer.stopDovecot();
    await expect.poll(() => box?.state().ready, SOON).toBe(false);
    await peer.startDovecot();
    await put('Junk', 'junk after');
    await put('INBOX', 'mail after');
    await expect
      .poll(() => places().toSorted(), { ...SOON, timeout: 25_000 })
      .toEqual([
        'junk after in Junk, junk',
        'junk before in Junk, junk',
        'mail after in INBOX',
        'mail before in INBOX',
      ]);
  });

  test('a Junk folder made anew is read from 1, and INBOX is not', async () => {
    await put('Junk', 'there before');
    await watch();
    const before = { ...keeper.cursors.get('Junk') };
    const inbox = keeper.cursors.get('INBOX');
    await halt();
    // Dovecot takes the second it is as UIDVALIDITY: a new one needs a new second.
    await vi.waitFor(async () => {
      peer.recreateInbox(USER, 'Junk');
      const status = await asPerson((imap) => imap.status('Junk', { uidValidity: true }));
      expect(status === false ? before.uidValidity : String(status.uidValidity)).not.toBe(before.uidValidity);
    }, SOON);
    await watch();
    expect(places()).toContain('there before in Junk, junk');
    expect(keeper.cursors.get('Junk')).toMatchObject({ firstUid: 1 });
    expect(keeper.cursors.get('INBOX')).toEqual(inbox);
  });

  test('a mail that shows late in Junk, under a UID below others, is taken once', async () => {
    const [box] = letterBoxes(['INBOX']);
    await box?.drainOnce();
    await put('Junk', 'late');
    await put('Junk', 'in time');
    await asPerson((imap) => imap.mailboxOpen('Junk'));
    const show = peer.hideMail(USER, 'Subject: late', 'Junk');
    await box?.drainOnce();
    show();
    await box?.drainOnce();
    await box?.drainOnce();
    expect(places()).toEqual(['in time in Junk, junk', 'late in Junk, junk']);
  });

  test('a full disk loses nothing of either folder, and keeps the connection', async () => {
    const [box] = await watch();
    let full = true;
    keeper.beforeTake = () => {
      if (full) throw new RelayError('unavailable');
    };
    await put('Junk', 'junk on a full disk');
    await expect.poll(() => box?.state().problem, SOON).toMatch(/could not store/);
    await put('INBOX', 'mail on a full disk');
    full = false;
    await expect
      .poll(() => places().toSorted(), SOON)
      .toEqual(['junk on a full disk in Junk, junk', 'mail on a full disk in INBOX']);
    await expect.poll(() => box?.state(), SOON).toMatchObject({ ready: true, problem: null });
    expect(proxy.said().split('AUTHENTICATE PLAIN').length - 1).toBe(1);
    expect(keeper.failures.size).toBe(0);
  });

  test('a Junk folder that goes away does not keep INBOX from being read', async () => {
    const [box] = await watch();
    await asPerson((imap) => imap.mailboxDelete('Junk'));
    const before = proxy.said().length;
    await put('INBOX', 'without Junk');
    await expect.poll(places, SOON).toEqual(['without Junk in INBOX']);
    await expect.poll(() => proxy.said().slice(before), SOON).toContain('STATUS Junk');
    await expect.poll(() => box?.state(), SOON).toMatchObject({ ready: true, problem: null });
    expect(proxy.said().split('AUTHENTICATE PLAIN').length - 1).toBe(1);
    await asPerson((imap) => imap.mailboxCreate('Junk'));
  });

  test('TURNPOST_READ_JUNK=off leaves it alone', async () => {
    await watch({ readJunk: false });
    expect(proxy.said()).not.toMatch(/(EXAMINE|STATUS) Junk/);
    expect([...keeper.cursors.keys()]).toEqual(['INBOX']);
  });

  test('a Junk folder with a URL of its own is read by that one only, as junk', async () => {
    await watch({}, ['INBOX', 'Junk']);
    await put('Junk', 'once');
    await expect.poll(places, SOON).toEqual(['once in Junk, junk']);
    expect(proxy.said()).not.toContain('STATUS Junk');
  });

  test('a folder that holds every mail is refused with what to do, for good', async () => {
    const [box] = letterBoxes(['All Mail']);
    running.push(box?.run(stop.signal) ?? Promise.resolve());
    await expect
      .poll(() => box?.state().problem, SOON)
      .toMatch(/All Mail holds a copy of every mail.*Name INBOX.*in an hour/s);
    expect(proxy.said()).not.toContain('EXAMINE');
  });
});
