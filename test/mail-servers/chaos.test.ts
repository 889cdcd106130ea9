/**
 * Everything goes wrong at once: 1,500 answers come in through Postfix and Dovecot and straight by SMTP, some both ways,
 * while the relay is killed, Dovecot is restarted, the mailbox gets a new UIDVALIDITY and the disk is full for a while.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import nodemailer from 'nodemailer';
import { afterAll, describe, expect, test } from 'vitest';
import { TurnpostClient } from '../../client/turnpost-client.ts';
import type { TurnpostError } from '../../client/turnpost-error.ts';
import { freePort } from '../support/free-port.ts';
import { type MailPeer, mailPeerAvailable, startMailPeer } from '../support/mail-peer.ts';
import { type RelayProcess, startRelayProcess } from '../support/relay-process.ts';
import { seededChance } from '../support/seeded-chance.ts';

const BY_IMAP = 650;
const BY_SMTP = 650;
const BOTH_WAYS = 200;
const MAILS = BY_IMAP + BY_SMTP + BOTH_WAYS;
const KILLS = 25;
/** Mails on their way at the same time, by each way. */
const LANES = 3;
const PERSON = 'alice@human.test';
const INBOX = 'inbox@agents.test';

const folder = mkdtempSync(path.join(tmpdir(), 'turnpost-chaos-'));
const disk = mountDisk();
afterAll(() => {
  if (disk !== undefined) execFileSync('umount', ['-l', disk]);
  rmSync(folder, { recursive: true, force: true });
});

/** A small disk of its own, so that filling it harms nobody. */
function mountDisk(): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', folder], { stdio: 'pipe' });
    return folder;
  } catch {
    console.log('skipped: the chaos of mail servers needs to mount a tmpfs (root)');
    return undefined;
  }
}

describe.skipIf(!mailPeerAvailable() || disk === undefined)('chaos', () => {
  test(`${MAILS} mails by IMAP and SMTP: 0 lost, 0 double`, { timeout: 400_000 }, async () => {
    const peer = await startMailPeer();
    const world = await startWorld(peer);
    const replyTo = await world.ask();
    const sending = sendAll(peer, world, replyTo);
    await disturb(peer, world, sending);
    await sending.done;

    await expect.poll(world.countAnswers, { timeout: 120_000, interval: 500 }).toBeGreaterThanOrEqual(MAILS);
    const bodies = await world.bodies();
    const wanted = Array.from({ length: MAILS }, (_, n) => bodyOf(n));
    const lost = wanted.filter((body) => !bodies.includes(body));
    console.log(
      `chaos: ${MAILS} mails, ${world.kills()} kills, ${sending.retries()} retries by SMTP, seed ${world.seed}: ` +
        `${lost.length} lost, ${bodies.length - new Set(bodies).size} double`,
    );
    expect(bodies.toSorted()).toEqual(wanted.toSorted());
    expect((await world.admin().listHolds()).items).toEqual([]);
    await world.end();
    await peer.stop();
  });
});

const bodyOf = (n: number): string => `answer number ${n}.`;

async function startWorld(peer: MailPeer) {
  const caFile = path.join(folder, 'ca.pem');
  writeFileSync(caFile, peer.ca);
  const dataDir = path.join(folder, 'data');
  const smtpPort = await freePort();
  const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(performance.timeOrigin % 1e9));
  const settings = {
    TURNPOST_DATA_DIR: dataDir,
    TURNPOST_SMTP_PORT: String(smtpPort),
    TURNPOST_TLS_CA: caFile,
    TURNPOST_IMAP_URL: peer.imapUrl(INBOX),
    TURNPOST_INBOUND_AUTH: 'token',
    TURNPOST_POLL_INTERVAL: '2s',
    TURNPOST_LOG_LEVEL: 'silent',
  };
  let relay: RelayProcess = await startRelayProcess(settings);
  let up: Promise<unknown> = Promise.resolve();
  let kills = 0;
  let threadId = '';
  const client = () => new TurnpostClient({ relay: { socketPath: relay.ready.socket }, key: undefined });
  const adminKey = readFileSync(path.join(dataDir, 'admin.key'), 'utf8').trim();
  const admin = () => client().as({ key: adminKey });
  const registered = await admin().registerAgent({ name: 'worker' });
  const worker = () => client().as({ key: registered.key.secret });
  return {
    seed,
    smtpPort,
    admin,
    chance: seededChance(seed),
    kills: () => kills,
    /** Where to send the answers. */
    async ask(): Promise<string> {
      await expect.poll(async () => (await admin().ready()).not_ready, { timeout: 20_000 }).toEqual([]);
      threadId = (await worker().sendMessage({ to: PERSON, subject: 'Chaos', body: 'Answer.' })).thread_id;
      const [item] = (await admin().listOutbox({})).items;
      return /<(.*)>/.exec(item?.headers['reply-to'] ?? '')?.[1] ?? '';
    },
    async kill(): Promise<void> {
      const starting = relay.end('SIGKILL').then(() => startRelayProcess(settings));
      up = starting;
      relay = await starting;
      kills += 1;
    },
    /** Resolves when the relay that is being started is ready. */
    up: async () => {
      await up;
    },
    end: () => relay.end('SIGTERM'),
    /** The code with which the relay takes nothing more; null while it does. */
    refusal: () =>
      worker()
        .sendMessage({ to: 'worker', body: 'is there room? '.repeat(1000) })
        .then(
          () => null,
          (error: TurnpostError) => error.code,
        ),
    async bodies(): Promise<string[]> {
      const all: string[] = [];
      let cursor: string | undefined;
      do {
        const query = { thread_id: threadId, limit: 100, ...(cursor !== undefined && { cursor }) };
        const page = await worker().listMessages(query);
        all.push(...page.items.map(({ body }) => body));
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
      return all;
    },
    async countAnswers(): Promise<number> {
      const found = (await worker().listThreads({})).items.find(({ id }) => id === threadId);
      return (found?.message_count ?? 1) - 1;
    },
  };
}

type World = Awaited<ReturnType<typeof startWorld>>;

/** Mail number n: the first go by IMAP, the next by SMTP, the last by both, as the very same mail. */
function sendAll(peer: MailPeer, { smtpPort, up }: World, replyTo: string) {
  const postfix = nodemailer.createTransport({
    host: 'localhost',
    port: peer.smtpPort,
    pool: true,
    tls: { ca: peer.ca },
  });
  const progress = { sent: 0, retries: 0 };
  const mail = (n: number) => ({
    from: PERSON,
    to: replyTo,
    subject: 'Re: Chaos',
    text: bodyOf(n),
    messageId: `<chaos-${n}@human.test>`,
  });
  /** As any mail server does: what got no 250 is sent again. */
  async function straight(n: number): Promise<void> {
    for (;;) {
      const transport = nodemailer.createTransport({ host: '127.0.0.1', port: smtpPort, ignoreTLS: true });
      try {
        await transport.sendMail(mail(n));
        return;
      } catch {
        progress.retries += 1;
        await up();
      } finally {
        transport.close();
      }
    }
  }
  async function run(from: number, to: number, send: (n: number) => Promise<unknown>): Promise<void> {
    let next = from;
    const lane = async () => {
      for (let n = next++; n < to; n = next++) {
        await send(n);
        progress.sent += 1;
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  }
  const both = BY_IMAP + BY_SMTP;
  const done = Promise.all([
    run(0, BY_IMAP, (n) => postfix.sendMail(mail(n))),
    run(BY_IMAP, both, straight),
    run(both, MAILS, (n) => Promise.all([postfix.sendMail(mail(n)), straight(n)])),
  ]).then(() => postfix.close());
  return { done, sent: () => progress.sent, retries: () => progress.retries };
}

async function disturb(peer: MailPeer, world: World, sending: ReturnType<typeof sendAll>): Promise<void> {
  const events = [
    { at: 0.2, happen: () => restartDovecot(peer, false) },
    { at: 0.4, happen: () => restartDovecot(peer, true) },
    { at: 0.6, happen: () => fillDisk(world) },
    { at: 0.8, happen: () => restartDovecot(peer, true) },
  ];
  while (sending.sent() < MAILS || world.kills() < KILLS || events.length > 0) {
    await work(world, 20 + world.chance() * (world.kills() < KILLS ? 600 : 4000));
    const due = events[0];
    if (due !== undefined && sending.sent() >= due.at * MAILS) {
      events.shift();
      await due.happen();
    }
    await world.kill();
  }
}

/** Lets time pass by asking the relay, so that a kill falls anywhere in what it does. */
async function work(world: World, ms: number): Promise<void> {
  const until = performance.now() + ms;
  while (performance.now() < until)
    await world
      .admin()
      .health()
      .catch(() => undefined);
}

async function restartDovecot(peer: MailPeer, anew: boolean): Promise<void> {
  await peer.stopDovecot();
  if (anew) peer.recreateInbox(INBOX);
  await peer.startDovecot();
}

async function fillDisk(world: World): Promise<void> {
  const ballast = path.join(folder, 'ballast');
  const { bavail, bsize } = statfsSync(folder);
  try {
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - 4096)));
  } catch (error) {
    // The relay may have written meanwhile: then it is full sooner.
    expect(error).toMatchObject({ code: 'ENOSPC' });
  }
  // The log may have some room left in pages that it holds already.
  await expect.poll(world.refusal, { timeout: 20_000, interval: 20 }).toBe('unavailable');
  await work(world, 500);
  rmSync(ballast);
}
