/** The letter box and the courier against real Postfix and Dovecot. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../relay/clock.ts';
import { silentLog } from '../../relay/log.ts';
import { smtpCourier } from '../../relay/mail/courier/courier.ts';
import { imapLetterBox, type LetterBox, type LetterBoxOptions } from '../../relay/mail/imap/letter-box.ts';
import { imapProxy, withoutIdle } from '../support/imap-proxy.ts';
import { type MailPeer, mailPeerAvailable, startMailPeer } from '../support/mail-peer.ts';
import { MemoryKeeper } from './memory-keeper.ts';

const available = mailPeerAvailable();
const SOON = { timeout: 15_000, interval: 20 };

describe.skipIf(!available)('letter box with Dovecot', () => {
  let peer: MailPeer;
  let keeper: MemoryKeeper;
  let stop: AbortController;
  let running: Promise<void>[];
  let sent = 0;

  beforeAll(async () => {
    peer = await startMailPeer();
  });
  afterAll(async () => {
    await peer.stop();
  });
  beforeEach(() => {
    keeper = new MemoryKeeper();
    stop = new AbortController();
    running = [];
  });
  afterEach(async () => {
    stop.abort();
    await Promise.all(running);
  });

  function letterBox(user: string, options: Partial<LetterBoxOptions> = {}): LetterBox {
    return imapLetterBox({
      url: peer.imapUrl(user),
      address: user,
      ca: peer.ca,
      pollIntervalMs: 60_000,
      keeper,
      // Retries almost without a wait.
      clock: { ...systemClock, chance: () => 0.02 },
      log: silentLog,
      maxBytes: 100_000,
      ...options,
    });
  }

  async function watch(user: string, options: Partial<LetterBoxOptions> = {}): Promise<LetterBox> {
    const box = letterBox(user, options);
    running.push(box.run(stop.signal));
    await expect.poll(() => box.state().ready, SOON).toBe(true);
    return box;
  }

  async function halt(): Promise<void> {
    stop.abort();
    await Promise.all(running);
    stop = new AbortController();
    running = [];
  }

  async function send(to: string, subject: string, size = 0): Promise<void> {
    const courier = smtpCourier({
      url: `smtp://localhost:${peer.smtpPort}`,
      ca: peer.ca,
      clock: systemClock,
      log: silentLog,
    });
    sent += 1;
    const raw = `From: person@example.com\r\nTo: ${to}\r\nSubject: ${subject}\r\nMessage-ID: <${sent}@example.com>\r\n\r\nhello\r\n${'x'.repeat(70).concat('\r\n').repeat(size)}`;
    const email = { deliveryId: 'dlv_1', envelopeFrom: 'person@human.test', envelopeTo: to, envid: 'dlv_1' };
    const outcome = await courier.deliver({ ...email, raw: Buffer.from(raw) });
    courier.close();
    expect(outcome).toMatchObject({ kind: 'delivered' });
  }

  test('a mailbox seen for the first time starts at its end; what arrives during IDLE is taken, tag and all', async () => {
    await send('alice+old@human.test', 'before');
    await expect.poll(() => uidsSeen('alice@human.test'), SOON).toBeGreaterThan(0);
    await watch('alice@human.test');
    await send('alice+r1token@human.test', 'after');
    await expect.poll(() => keeper.subjects(), SOON).toEqual(['after']);
    expect(keeper.asked.at(-1)?.addresses[0]).toBe('alice+r1token@human.test');
    expect(keeper.taken[0]?.raw.toString()).toContain('hello');
    expect(keeper.taken[0]?.source).toMatchObject({
      kind: 'imap',
      account: 'alice@human.test@localhost',
      folder: 'INBOX',
    });
  });

  function acceptAll(): MemoryKeeper {
    const all = new MemoryKeeper();
    all.cursor = { uidValidity: '0', lastUid: 0 };
    return all;
  }

  /** Reads the whole mailbox with a keeper of its own. */
  async function uidsSeen(user: string): Promise<number> {
    const all = acceptAll();
    await letterBox(user, { keeper: all }).drainOnce();
    return all.taken.length;
  }

  test('a burst of 200 mails is taken whole, in order of UID, none twice', async () => {
    await watch('bob@human.test');
    await Promise.all(Array.from({ length: 200 }, (_, n) => send('bob@human.test', `burst ${n}`)));
    await expect.poll(() => keeper.taken.length, SOON).toBe(200);
    expect(new Set(keeper.subjects()).size).toBe(200);
    const uids = keeper.taken.map(({ source }) => (source.kind === 'imap' ? source.uid : 0));
    expect(uids).toEqual([...uids].sort((a, b) => a - b));
  });

  test('after a restart it goes on from the cursor', async () => {
    await watch('carol@human.test');
    await send('carol@human.test', 'one');
    await expect.poll(() => keeper.subjects(), SOON).toEqual(['one']);
    await halt();
    await send('carol@human.test', 'two');
    await watch('carol@human.test');
    await expect.poll(() => keeper.subjects(), SOON).toEqual(['one', 'two']);
  });

  test('another UIDVALIDITY is read anew from 1', async () => {
    await watch('carol@human.test');
    await send('carol@human.test', 'three');
    await expect.poll(() => keeper.subjects(), SOON).toEqual(['three']);
    const before = keeper.cursor?.uidValidity;
    const all = await uidsSeen('carol@human.test');
    await halt();
    peer.recreateInbox('carol@human.test');
    // Dovecot takes the second it is as UIDVALIDITY: a new one needs a new second.
    await vi.waitFor(async () => {
      peer.recreateInbox('carol@human.test');
      const probe = acceptAll();
      await letterBox('carol@human.test', { keeper: probe }).drainOnce();
      expect(probe.cursor?.uidValidity).not.toBe(before);
    }, SOON);
    keeper.taken.length = 0;
    await watch('carol@human.test');
    await expect.poll(() => keeper.taken.length, SOON).toBe(all);
    expect(keeper.cursor?.uidValidity).not.toBe(before);
  });

  test('a mail that shows late, under a UID below others, is taken once all the same, and not what was there at first', async () => {
    const user = 'alice@human.test';
    const box = letterBox(user);
    let count = await uidsSeen(user);
    const arrive = async (subject: string) => {
      await send(user, subject);
      count += 1;
      await expect.poll(() => uidsSeen(user), SOON).toBe(count);
    };
    await arrive('was there');
    await box.drainOnce();
    await arrive('late');
    await arrive('in time');
    const show = peer.hideMail(user, 'Subject: late');
    await box.drainOnce();
    expect(keeper.subjects()).toEqual(['in time']);
    const { cursor } = keeper;
    show();
    await box.drainOnce();
    await box.drainOnce();
    expect(keeper.subjects()).toEqual(['in time', 'late']);
    expect(keeper.cursor).toEqual(cursor);
  });

  test('a mail that is none of ours is not fetched; the cursor passes it', async () => {
    keeper.ours = (addresses) => addresses.some((address) => address.includes('+agent@'));
    await watch('inbox@agents.test');
    await send('inbox@agents.test', 'private');
    await send('inbox+agent@agents.test', 'ours');
    await expect.poll(() => keeper.subjects(), SOON).toEqual(['ours']);
    await send('inbox@agents.test', 'private again');
    await expect.poll(() => keeper.asked.length, SOON).toBe(3);
    await expect.poll(() => keeper.cursor?.lastUid, SOON).toBe(3);
    expect(keeper.quarantined).toEqual([]);
  });

  test('a mail over the limit is put on hold without being fetched', async () => {
    await watch('alice@human.test');
    await send('alice@human.test', 'huge', 3000);
    await expect.poll(() => keeper.quarantined.length, SOON).toBe(1);
    expect(keeper.quarantined[0]).toMatchObject({ raw: null, reason: expect.stringMatching(/2\d{5} bytes/) });
    await send('alice@human.test', 'small');
    await expect.poll(() => keeper.subjects(), SOON).toEqual(['small']);
  });

  test('a mail that cannot be taken in goes to quarantine after three tries, and the next is taken', async () => {
    keeper.beforeTake = ({ raw }) => {
      if (raw.includes('Subject: poison')) throw new Error('cannot be parsed');
    };
    await watch('alice@human.test', { pollIntervalMs: 50 });
    await send('alice@human.test', 'poison');
    await send('alice@human.test', 'healthy');
    await expect.poll(() => keeper.subjects(), SOON).toEqual(['healthy']);
    expect(keeper.quarantined).toMatchObject([{ reason: expect.stringContaining('3 tries') }]);
    expect(keeper.quarantined[0]?.raw?.toString()).toContain('Subject: poison');
  });

  test('a wrong password is tried three times, then the letter box is parked and says what to do', async () => {
    const waits: number[] = [];
    const clock = {
      ...systemClock,
      chance: () => 0.5,
      sleep: (ms: number, signal?: AbortSignal) => {
        if (signal !== stop.signal) return systemClock.sleep(ms, signal);
        waits.push(ms);
        return ms > 1_000_000 ? systemClock.sleep(ms, signal) : Promise.resolve();
      },
    };
    const box = letterBox('alice@human.test', { url: peer.imapUrl('alice@human.test', 'wrong'), clock });
    running.push(box.run(stop.signal));
    await expect.poll(() => waits.length, SOON).toBe(3);
    expect(waits).toEqual([500, 1000, 3_600_000]);
    expect(box.state()).toMatchObject({ account: 'imap:alice@human.test@localhost/INBOX', ready: false });
    expect(box.state().problem).toMatch(/refuses the login.*TURNPOST_IMAP_URL.*in an hour/s);
    expect(box.state().problem).not.toContain('wrong');
  });

  test('it survives the server going away and coming back, and takes what came meanwhile', async () => {
    const box = await watch('bob@human.test');
    await peer.stopDovecot();
    await expect
      .poll(() => box.state(), SOON)
      .toMatchObject({ ready: false, problem: expect.stringContaining('tried again') });
    await send('bob@human.test', 'while down');
    await peer.startDovecot();
    await expect.poll(() => keeper.subjects(), { ...SOON, timeout: 25_000 }).toContain('while down');
    await expect.poll(() => box.state(), SOON).toMatchObject({ ready: true, problem: null });
  });

  test('without IDLE it finds mail by looking every poll interval', async () => {
    const proxy = await imapProxy(peer.imapPort, withoutIdle);
    const url = peer.imapUrl('alice@human.test').replace(String(peer.imapPort), String(proxy.port));
    await watch('alice@human.test', { url, ca: undefined, pollIntervalMs: 300 });
    await send('alice@human.test', 'polled');
    await expect.poll(() => keeper.subjects(), SOON).toContain('polled');
    expect(proxy.idles()).toBe(0);
    await halt();
    proxy.close();
  });

  test('a server that is half dead is given up, and another connection made', async () => {
    const proxy = await imapProxy(peer.imapPort, withoutIdle);
    const url = peer.imapUrl('bob@human.test').replace(String(peer.imapPort), String(proxy.port));
    // The minute that a command may take is cut to a second.
    const sleep = (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 1000), signal);
    const box = await watch('bob@human.test', {
      url,
      ca: undefined,
      clock: { ...systemClock, chance: () => 0.5, sleep },
    });
    proxy.freeze();
    await expect
      .poll(() => box.state(), SOON)
      .toMatchObject({ ready: false, problem: expect.stringContaining('did not answer') });
    await expect.poll(() => box.state(), SOON).toMatchObject({ ready: true, problem: null });
    await send('bob@human.test', 'after the freeze');
    await expect.poll(() => keeper.subjects(), SOON).toEqual(['after the freeze']);
    await halt();
    proxy.close();
  });

  test('a certificate that does not check is refused', async () => {
    const url = peer
      .imapUrl('alice@human.test')
      .replace('imap:', 'imaps:')
      .replace(String(peer.imapPort), String(peer.imapsPort));
    await letterBox('alice@human.test', { url }).drainOnce();
    await expect(letterBox('alice@human.test', { url, ca: undefined }).drainOnce()).rejects.toThrow(
      /self-signed|unable to verify/,
    );
  });
});
