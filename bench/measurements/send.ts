/** Durable signed send: 64 at once on kept-alive connections, against Express that parses the same JSON and answers. */
import type { HttpRequest } from '../load/http-connection.ts';
import { closeConnections, openConnections, pressed } from '../load/http-load.ts';
import { type Bench, compare, interleave, type Line, type Measurement } from '../measurement.ts';
import { startFloor } from '../setup/floor.ts';
import { registerAgents, startRelay } from '../setup/relay.ts';

const IN_FLIGHT = 64;
const AGENTS = 8;
const WARM_UP_SECONDS = 1;

/** With its envelope a request of about 500 bytes. */
const WORDS = 'The tests are green. Please deploy release 1.4 to staging first. '.repeat(6);

export const send: Measurement = {
  name: 'send',
  title: `durable signed send over HTTP, ${IN_FLIGHT} in flight, against Express that parses the same JSON`,
  run,
};

async function run(bench: Bench): Promise<Line[]> {
  const [relay, floor] = await Promise.all([startRelay(bench), startFloor(bench, 'express-floor')]);
  const agents = await registerAgents(relay, 'agent', AGENTS);
  const next = (n: number): HttpRequest => ({
    path: '/v1/agents/me/messages',
    key: agents[n % AGENTS]?.key ?? '',
    body: JSON.stringify({ to: `agent-${(n + 1) % AGENTS}`, subject: `Release ${n}`, body: WORDS, type: 'task' }),
  });
  const [ours, theirs] = await Promise.all([
    openConnections(relay.http, IN_FLIGHT),
    openConnections(floor.target, IN_FLIGHT),
  ]);
  const load = { next, status: 201 };
  for (const connections of [theirs, ours]) await pressed(connections, { ...load, seconds: WARM_UP_SECONDS });
  const seconds = bench.quick ? 1 : 3;
  const rounds = await interleave(bench.quick ? 3 : 9, {
    floor: () => pressed(theirs, { ...load, seconds }),
    ours: () => pressed(ours, { ...load, seconds }),
  });
  closeConnections([...ours, ...theirs]);
  await Promise.all([relay.stop(), floor.stop()]);
  return [
    compare(rounds, 'perSecond', { what: 'sends', unit: '/s', goal: '>= 0.6 x floor' }),
    compare(rounds, 'p50', { what: 'until the 201, p50', unit: 'ms' }),
    compare(rounds, 'p99', { what: 'until the 201, p99', unit: 'ms' }),
  ];
}
