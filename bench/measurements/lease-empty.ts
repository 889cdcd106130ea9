/** A lease where nothing waits: a relay with many stored messages (ours) against one with a thousand (its floor). */
import { HttpConnection } from '../load/http-connection.ts';
import { pressed } from '../load/http-load.ts';
import { type Bench, compare, interleave, type Line, type Measurement } from '../measurement.ts';
import { type BenchRelay, registerAgents, startRelay } from '../setup/relay.ts';
import { storeMessages } from '../setup/stored-messages.ts';

const FEW = 1_000;
const AGENTS = 20;

export const leaseEmpty: Measurement = {
  name: 'lease-empty',
  title: 'a lease with nothing there, with many stored messages, against the same with 1,000',
  run,
};

interface Side {
  readonly relay: BenchRelay;
  readonly connection: HttpConnection;
  readonly key: string;
}

async function run(bench: Bench): Promise<Line[]> {
  const many = bench.quick ? 100_000 : 1_000_000;
  const [few, full] = [await filled(bench, 'few', FEW), await filled(bench, 'many', many)];
  const seconds = bench.quick ? 1 : 3;
  const side = ({ connection, key }: Side) => {
    const request = { path: '/v1/agents/me/leases', key, body: '{"session_id":"bench"}' };
    return () => pressed([connection], { next: () => request, status: 200, seconds });
  };
  for (const one of [few, full]) await side(one)();
  const rounds = await interleave(bench.quick ? 4 : 15, { floor: side(few), ours: side(full) });
  for (const { connection, relay } of [few, full]) {
    connection.close();
    await relay.stop();
  }
  const stored = many.toLocaleString('en-US');
  return [
    compare(rounds, 'p50', { what: `${stored} stored, p50`, unit: 'ms' }),
    compare(rounds, 'p99', { what: `${stored} stored, p99`, unit: 'ms', goal: '<= 1.2 x floor' }),
  ];
}

/** The relay makes its database and agents, the messages are put in while it is stopped. */
async function filled(bench: Bench, name: string, messages: number): Promise<Side> {
  const first = await startRelay(bench, name);
  const [asking] = await registerAgents(first, 'agent', AGENTS);
  await first.stop();
  bench.say(`storing ${messages.toLocaleString('en-US')} messages`);
  storeMessages(first.dataFolder, messages);
  const relay = await startRelay(bench, name);
  return { relay, connection: await HttpConnection.open(relay.http), key: asking?.key ?? '' };
}
