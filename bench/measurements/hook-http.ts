/** End of turn without mail, as Claude Code's `type: http` hook asks: 1,000 agents, each ending a turn every two seconds. */
import type { HttpRequest } from '../load/http-connection.ts';
import { ConnectionPool, paced } from '../load/http-load.ts';
import { type Bench, compare, interleave, type Line, type Measurement } from '../measurement.ts';
import { startFloor } from '../setup/floor.ts';
import { registerAgents, startRelay } from '../setup/relay.ts';

const AGENTS = 1_000;
const PER_SECOND = 500;

export const hookHttp: Measurement = {
  name: 'hook-http',
  title: `end of turn without mail by http hook, ${AGENTS} agents, ${PER_SECOND}/s, against a bare Express route`,
  run,
};

async function run(bench: Bench): Promise<Line[]> {
  const [relay, floor] = await Promise.all([startRelay(bench), startFloor(bench, 'express-floor')]);
  const agents = await registerAgents(relay, 'agent', AGENTS);
  const next = (n: number): HttpRequest => {
    const who = n % AGENTS;
    return { path: '/v1/hooks/claude/Stop', key: agents[who]?.key ?? '', body: endOfTurn(who) };
  };
  const [ours, theirs] = [new ConnectionPool(relay.http), new ConnectionPool(floor.target)];
  const load = { next, status: 200, perSecond: PER_SECOND };
  // The first call of a session makes its row; the floor gets its compiled code.
  for (const pool of [ours, theirs]) await paced(pool, { ...load, seconds: AGENTS / PER_SECOND });
  const seconds = bench.quick ? 1 : 4;
  const rounds = await interleave(bench.quick ? 3 : 7, {
    floor: () => paced(theirs, { ...load, seconds }),
    ours: () => paced(ours, { ...load, seconds }),
  });
  for (const pool of [ours, theirs]) pool.close();
  await Promise.all([relay.stop(), floor.stop()]);
  return [
    compare(rounds, 'p50', { what: 'answer, p50', unit: 'ms', goal: '<= 2 ms' }),
    compare(rounds, 'p99', { what: 'answer, p99', unit: 'ms', goal: '<= 10 ms' }),
  ];
}

function endOfTurn(who: number): string {
  return JSON.stringify({
    session_id: `5e551011-0000-4000-8000-${String(who).padStart(12, '0')}`,
    transcript_path: `/home/you/.claude/projects/project/${who}.jsonl`,
    cwd: '/home/you/project',
    prompt_id: `prompt-${who}`,
    permission_mode: 'default',
    hook_event_name: 'Stop',
    stop_hook_active: false,
    last_assistant_message: 'Done. The tests are green and the change is committed.',
  });
}
