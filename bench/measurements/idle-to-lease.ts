/**
 * An email comes by Postfix into a mailbox of Dovecot: from the moment IDLE says so until a waiting agent has it. Beside
 * it, on the same mails, a bare IMAP client that hears of the mail and fetches it. Needs the real servers and root.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { ImapFlow } from 'imapflow';
import { type MailPeer, mailPeerAvailable, startMailPeer } from '../../test/support/mail-peer.ts';
import { HttpConnection } from '../load/http-connection.ts';
import { figuresOf } from '../load/http-load.ts';
import { type Mail, SmtpConnection } from '../load/smtp-connection.ts';
import { type Bench, compare, type Figures, type Line, type Measurement } from '../measurement.ts';
import { ownerAnswers } from '../setup/owner-mail.ts';
import { type BenchAgent, registerAgents, startRelay } from '../setup/relay.ts';

export const idleToLease: Measurement = {
  name: 'idle-to-lease',
  title: "from Dovecot's IDLE event until a waiting agent has the email, against a bare client that fetches it",
  run,
};

const MAILBOX = 'inbox@agents.test';

async function run(bench: Bench): Promise<Line[]> {
  if (!mailPeerAvailable()) return [];
  const peer = await startMailPeer();
  try {
    return await measure(bench, peer);
  } finally {
    await peer.stop();
  }
}

async function measure(bench: Bench, peer: MailPeer): Promise<Line[]> {
  const ca = path.join(bench.folder, 'ca.pem');
  writeFileSync(ca, peer.ca);
  const relay = await startRelay(bench, 'relay', [], {
    TURNPOST_IMAP_URL: peer.imapUrl(MAILBOX),
    TURNPOST_TLS_CA: ca,
    TURNPOST_INBOUND_AUTH: 'token',
  });
  const [agent] = await registerAgents(relay, 'agent', 1);
  if (agent === undefined) throw new Error('no agent');
  const http = await HttpConnection.open(relay.http);
  await untilReady(http);
  const watcher = await watch(peer);
  const smtp = await SmtpConnection.open(peer.smtpPort);
  const nextMail = await ownerAnswers(relay, agent);
  const parts = { http, watcher, smtp, nextMail, agent };
  await oneRound(parts, 1); // warm-up
  const rounds: { ours: Figures[]; floor: Figures[] } = { ours: [], floor: [] };
  for (let round = 0; round < 3; round += 1) {
    const { ours, floor } = await oneRound(parts, bench.quick ? 8 : 20);
    rounds.ours.push(ours);
    rounds.floor.push(floor);
  }
  for (const connection of [http, smtp]) connection.close();
  await watcher.close();
  await relay.stop();
  return [
    compare(rounds, 'p50', { what: 'IDLE event to leased, p50', unit: 'ms' }),
    compare(rounds, 'p95', { what: 'IDLE event to leased, p95', unit: 'ms', goal: '<= 30 ms' }),
  ];
}

interface Parts {
  readonly http: HttpConnection;
  readonly watcher: Watcher;
  readonly smtp: SmtpConnection;
  readonly nextMail: () => Mail;
  readonly agent: BenchAgent;
}

/** One mail at a time, with the agent waiting for it; both clients see the same mail. */
async function oneRound({ http, watcher, smtp, nextMail, agent }: Parts, mails: number) {
  const [leased, fetched]: [number[], number[]] = [[], []];
  for (let n = 0; n < mails; n += 1) {
    const seen = watcher.next();
    const lease = { path: '/v1/agents/me/leases', key: agent.key, body: '{"wait":"20s"}' };
    const waiting = http.request(lease).then((answer) => ({ answer, at: performance.now() }));
    await smtp.send(nextMail());
    const [{ eventAt, fetchedAt }, { answer, at }] = await Promise.all([seen, waiting]);
    const { items } = JSON.parse(answer.body);
    if (items.length !== 1) throw new Error(`the email did not reach the agent: ${answer.body}`);
    await http.request({ path: `/v1/agents/me/messages/${items[0].id}/ack`, key: agent.key });
    leased.push(at - eventAt);
    fetched.push(fetchedAt - eventAt);
  }
  return { ours: figuresOf(leased), floor: figuresOf(fetched) };
}

interface Watcher {
  /** The next mail: when IDLE said so, and when this client had its source. */
  next(): Promise<{ readonly eventAt: number; readonly fetchedAt: number }>;
  close(): Promise<void>;
}

async function watch(peer: MailPeer): Promise<Watcher> {
  const imap = new ImapFlow({
    host: 'localhost',
    port: peer.imapPort,
    auth: { user: MAILBOX, pass: 'secret' },
    tls: { ca: peer.ca },
    logger: false,
  });
  await imap.connect();
  await imap.mailboxOpen('INBOX', { readOnly: true });
  return {
    next: () =>
      new Promise((resolve, reject) => {
        imap.once('exists', ({ count }: { count: number }) => {
          const eventAt = performance.now();
          imap
            .fetchOne(String(count), { source: true })
            .then(() => resolve({ eventAt, fetchedAt: performance.now() }), reject);
        });
        // By itself it would begin to IDLE only after a while; the fetch above ends it.
        imap.idle().catch(reject);
      }),
    close: () => imap.logout(),
  };
}

async function untilReady(http: HttpConnection): Promise<void> {
  const until = performance.now() + 20_000;
  while ((await http.request({ method: 'GET', path: '/v1/ready' })).status !== 200) {
    if (performance.now() > until) throw new Error('the relay does not get into its mailbox');
  }
}
