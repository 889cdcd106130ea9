/** Runs the drop-in hook file as a host does: JSON on stdin, the answer on stdout. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { PACKAGE_ROOT } from '../../relay/package-info.ts';

interface HookRun {
  readonly socketPath: string;
  readonly key: string;
  readonly promptId: string;
}

/** What the hook prints at the end of a Claude Code turn; rejects where it says anything else than exit 0. */
export function runEndOfTurnHook({ socketPath, key, promptId }: HookRun): Promise<string> {
  const file = path.join(PACKAGE_ROOT, 'hooks', 'end-of-turn.mjs');
  const env = { PATH: process.env['PATH'], TURNPOST_SOCKET: socketPath, TURNPOST_KEY: key };
  const hook = spawn(process.execPath, [file, 'claude'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  hook.stdin.end(
    JSON.stringify({ hook_event_name: 'Stop', session_id: 'demo', prompt_id: promptId, stop_hook_active: false }),
  );
  let printed = '';
  hook.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed += chunk;
  });
  return new Promise((resolve, reject) => {
    hook.on('error', reject);
    hook.on('close', (code) => (code === 0 ? resolve(printed) : reject(new Error(`the hook ended with ${code}`))));
  });
}
