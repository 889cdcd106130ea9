/**
 * A waiter woken: 1,000 agents wait in a long poll, one of them is written to, and the clock runs from the send going
 * out until that waiter has the message. Floor: Express that holds 1,000 answers and ends one when it is posted to.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { type HttpAnswer, HttpConnection, type HttpRequest, type HttpTarget } from '../load/http-connection.ts';
import { closeConnections, figuresOf, openConnections } from '../load/http-load.ts';
import { type Bench, compare, type Figures, interleave, type Line, type Measurement } from '../measurement.ts';
import { startFloor } from '../setup/floor.ts';
import { type BenchAgent, registerAgents, startRelay } from '../setup/relay.ts';

const WAITERS = 1_000;
/** Without a common factor with the waiters: whoever was woken has long been waiting again when its turn comes. */
const STRIDE = 7;

export const wake: Measurement = {
  name: 'wake',
  title: `a waiter woken after a send, ${WAITERS} waiting, against Express that ends one of as many held answers`,
  run,
};

/** How the waiters of a server wait, how one is written to, and how it is done with what it got. */
interface Verbs {
  readonly wait: (n: number) => HttpRequest;
  readonly send: (n: number) => HttpRequest;
  readonly done: (n: number, answer: string) => HttpRequest | undefined;
  /** A page that holds the number of those who wait. */
  readonly count: HttpRequest;
}

interface Side extends Verbs {
  readonly waiters: readonly HttpConnection[];
  readonly answers: Promise<HttpAnswer>[];
  readonly sender: HttpConnection;
}

async function run(bench: Bench): Promise<Line[]> {
  const [relay, floor] = await Promise.all([startRelay(bench), startFloor(bench, 'express-floor')]);
  const agents = await registerAgents(relay, 'agent', WAITERS);
  const [sender] = await registerAgents(relay, 'sender', 1);
  const theirs = await openSide(floor.target, FLOOR);
  const ours = await openSide(relay.http, relayVerbs(agents, sender?.key ?? ''));
  const sends = bench.quick ? 200 : 500;
  for (const side of [theirs, ours]) await wakeOneByOne(side, sends);
  const rounds = await interleave(bench.quick ? 3 : 7, {
    floor: () => wakeOneByOne(theirs, sends),
    ours: () => wakeOneByOne(ours, sends),
  });
  for (const side of [theirs, ours]) await closeSide(side);
  await Promise.all([relay.stop(), floor.stop()]);
  return [
    compare(rounds, 'p50', { what: 'send to woken, p50', unit: 'ms' }),
    compare(rounds, 'p95', { what: 'send to woken, p95', unit: 'ms', goal: '<= 20 ms' }),
  ];
}

const FLOOR: Verbs = {
  wait: (n) => ({ path: `/wait/agent-${n}` }),
  send: (n) => ({ path: `/send/agent-${n}`, body: letterTo(n) }),
  done: () => undefined,
  count: { method: 'GET', path: '/waiting' },
};

const relayVerbs = (agents: readonly BenchAgent[], senderKey: string): Verbs => ({
  wait: (n) => ({ path: '/v1/agents/me/leases', key: agents[n]?.key ?? '', body: '{"wait":"10m"}' }),
  send: (n) => ({ path: '/v1/agents/me/messages', key: senderKey, body: letterTo(n) }),
  done: (n, answer) => ({
    path: `/v1/agents/me/messages/${JSON.parse(answer).items[0].id}/ack`,
    key: agents[n]?.key ?? '',
  }),
  count: { method: 'GET', path: '/metrics' },
});

const letterTo = (n: number): string => JSON.stringify({ to: `agent-${n}`, body: 'Please look at the failing test.' });

async function openSide(target: HttpTarget, verbs: Verbs): Promise<Side> {
  const [waiters, sender] = await Promise.all([openConnections(target, WAITERS), HttpConnection.open(target)]);
  const answers = waiters.map((connection, n) => connection.request(verbs.wait(n)));
  const allWait = new RegExp(`^(turnpost_waiters )?${WAITERS}$`, 'm');
  while (!allWait.test((await sender.request(verbs.count)).body)) await delay(50);
  return { ...verbs, waiters, answers, sender };
}

async function closeSide({ waiters, answers, sender }: Side): Promise<void> {
  closeConnections([...waiters, sender]);
  await Promise.allSettled(answers);
}

async function wakeOneByOne(side: Side, sends: number): Promise<Figures> {
  const times: number[] = [];
  for (let n = 0; n < sends; n += 1) {
    const who = (n * STRIDE) % WAITERS;
    const start = performance.now();
    const sent = side.sender.request(side.send(who));
    const woken = await side.answers[who];
    times.push(performance.now() - start);
    await sent;
    const done = side.done(who, woken?.body ?? '');
    if (done !== undefined) await side.sender.request(done);
    const again = side.waiters[who]?.request(side.wait(who));
    if (again !== undefined) side.answers[who] = again;
  }
  return figuresOf(times);
}
