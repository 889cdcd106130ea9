/**
 * SIGKILL at random moments, its start included, while agents send, lease, acknowledge and end turns. The next relay is
 * loaded beforehand, so that the time goes into work that can be cut off. This shows what a dead process does to the
 * data; what a dead machine does is up to fsync and the disk, which no kill can show.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { endTurnsOn, leaseOn, listAll, sendOn } from '../kill/clients.ts';
import { Ledger, type StoredMessage } from '../kill/ledger.ts';
import { type Bench, counted, type Line, type Measurement } from '../measurement.ts';
import { type BenchRelay, type LoadedRelay, loadRelay, registerAgents, startRelay } from '../setup/relay.ts';

const SENDERS = 4;
const LOADED = 2;
/** Every fourth is killed while it starts, the others after up to so many answers: on a slow machine, too, amid work. */
const WHILE_STARTING = 0.25;
const LONGEST_START_MS = 200;
const MOST_ANSWERS = 60;
const LONGEST_PAUSE_MS = 10;

export const kill: Measurement = {
  name: 'kill',
  title: 'killed at random with SIGKILL while agents send, lease and end turns: nothing lost, nothing twice',
  run,
};

async function run(bench: Bench): Promise<Line[]> {
  const kills = bench.quick ? 50 : 1_000;
  const first = await startRelay(bench);
  const readers = await registerAgents(first, 'reader', 2);
  const senders = await registerAgents(first, 'sender', SENDERS);
  const [leasing, hooked] = readers;
  if (leasing === undefined || hooked === undefined) throw new Error('no readers');

  const ledger = new Ledger();
  const stop = new AbortController();
  const names = readers.map(({ name }) => name);
  const work = Promise.all([
    ...senders.map((sender) => sendOn(first.socket, sender, names, ledger, stop.signal)),
    leaseOn(first.socket, leasing, ledger, stop.signal),
    endTurnsOn(first.socket, hooked, ledger, stop.signal),
  ]);
  const last = await killAgainAndAgain(bench, { first, kills, ledger, work });
  stop.abort();
  await work;
  const stored = (await Promise.all(readers.map((reader) => listAll(last.socket, reader)))).flat();
  await last.stop();
  return linesOf(ledger, stored, kills);
}

interface Killing {
  readonly first: BenchRelay;
  readonly kills: number;
  readonly ledger: Ledger;
  readonly work: Promise<unknown>;
}

/** Ends with the relay that is left alive. */
async function killAgainAndAgain(bench: Bench, { first, kills, ledger, work }: Killing): Promise<BenchRelay> {
  const loading: Promise<LoadedRelay>[] = Array.from({ length: LOADED }, () => loadRelay(bench, 'relay'));
  let child = first.child;
  let starting: Promise<BenchRelay | undefined> = Promise.resolve(first);
  for (let n = 1; n <= kills; n += 1) {
    // A client that was told something wrong ends the measurement, not the work.
    await Promise.race([randomMoment(starting, ledger), work]);
    await child.end('SIGKILL');
    await starting;
    const next = await loading.shift();
    if (next === undefined) throw new Error('no relay is loaded');
    child = next.child;
    starting = next.start().catch(() => undefined); // killed while it started
    if (n + loading.length < kills) loading.push(loadRelay(bench, 'relay'));
    if (n % 100 === 0) bench.say(`killed ${n} times`);
  }
  const last = await starting;
  if (last === undefined) throw new Error('the relay does not start after the last kill');
  return last;
}

async function randomMoment(starting: Promise<unknown>, ledger: Ledger): Promise<void> {
  if (Math.random() < WHILE_STARTING) return delay(Math.random() * LONGEST_START_MS);
  await starting;
  const enough = ledger.answers + Math.random() * MOST_ANSWERS;
  while (ledger.answers < enough) await delay(1);
  await delay(Math.random() * LONGEST_PAUSE_MS);
}

function linesOf(ledger: Ledger, stored: readonly StoredMessage[], kills: number): Line[] {
  const verdict = ledger.judge(stored);
  const none = (what: string, count: number): Line =>
    counted(what, count, kills, { goal: '0', ...(count > 0 && { broken: true }) });
  return [
    counted('sends answered with 201', verdict.accepted, kills),
    none('of these lost', verdict.lost),
    none('one send, two messages', verdict.doubled),
    none('handed out after its acknowledgement', verdict.afterAck),
    none('injected twice into a transcript with its id', verdict.twiceInTranscript),
    counted('handed out again with the same id', verdict.again, kills),
  ];
}
