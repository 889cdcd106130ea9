/**
 * End of turn without mail, as a command hook: the drop-in file as its own process, against `node -e 0`. Its
 * transcript is as long as the part that the hook reads.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { PACKAGE_ROOT } from '../../relay/package-info.ts';
import { type Bench, compare, type Figures, interleave, type Line, type Measurement } from '../measurement.ts';
import { registerAgents, startRelay } from '../setup/relay.ts';

const HOOK = path.join(PACKAGE_ROOT, 'hooks', 'end-of-turn.mjs');
const TRANSCRIPT_BYTES = 1024 * 1024;
const GOAL = '<= 1.6 x floor';

export const hookCommand: Measurement = {
  name: 'hook-command',
  title: 'end of turn without mail by command hook (hooks/end-of-turn.mjs), against node -e 0',
  run,
};

async function run(bench: Bench): Promise<Line[]> {
  const relay = await startRelay(bench);
  const [agent] = await registerAgents(relay, 'agent', 1);
  const home = path.join(bench.folder, 'claude');
  const transcript = writeTranscript(home);
  const hook = (socket: string): (() => Promise<Figures>) => {
    const env = { CLAUDE_CONFIG_DIR: home, TURNPOST_SOCKET: socket, TURNPOST_KEY: agent?.key ?? '' };
    return async () => ({ ms: runOnce([HOOK, 'claude'], env, endOfTurn(transcript)) });
  };
  const floor = async (): Promise<Figures> => ({ ms: runOnce(['-e', '0'], {}, '') });
  const count = bench.quick ? 15 : 41;

  const up = hook(relay.socket.path);
  await up();
  const noMail = await interleave(count, { floor, ours: up });
  await relay.stop('SIGKILL');
  // A killed relay leaves its socket file: the connection is refused.
  const refused = await interleave(count, { floor, ours: up });
  const absent = await interleave(count, { floor, ours: hook(path.join(bench.folder, 'no-relay.sock')) });
  return [
    compare(noMail, 'ms', { what: 'no mail, median', unit: 'ms', goal: GOAL }),
    compare(refused, 'ms', { what: 'relay was killed, median', unit: 'ms', goal: GOAL }),
    compare(absent, 'ms', { what: 'relay not there, median', unit: 'ms', goal: GOAL }),
  ];
}

/** Milliseconds from start to exit. A hook that prints or fails would not be the case that is measured. */
function runOnce(args: readonly string[], env: Readonly<Record<string, string>>, input: string): number {
  const start = performance.now();
  const { status, stdout } = spawnSync(process.execPath, args, { env: { PATH: process.env['PATH'], ...env }, input });
  const time = performance.now() - start;
  if (status !== 0 || stdout.length > 0)
    throw new Error(`node ${args.join(' ')} ended with ${status} and printed ${stdout}`);
  return time;
}

function writeTranscript(home: string): string {
  const line = JSON.stringify({
    type: 'user',
    message: { role: 'user', content: [{ type: 'tool_result', content: 'line of a file that was read\n'.repeat(60) }] },
  });
  const file = path.join(home, 'projects', 'session.jsonl');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${line}\n`.repeat(Math.ceil(TRANSCRIPT_BYTES / line.length)));
  return file;
}

function endOfTurn(transcript: string): string {
  return JSON.stringify({
    session_id: '5e551011-0000-4000-8000-000000000000',
    transcript_path: transcript,
    prompt_id: 'prompt',
    hook_event_name: 'Stop',
    stop_hook_active: false,
  });
}
