/** A relay as a process of its own, for tests that kill it: started, waited for by its ready line, ended by signal. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

const MAIN = path.join(import.meta.dirname, '../../relay/main.ts');

export interface RelayProcess {
  readonly pid: number;
  readonly ready: { readonly http: string; readonly smtp: string; readonly socket: string };
  /** Resolves with the exit code; null where a signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Rejects with what it wrote to stderr where it ends before it is ready. */
export async function startRelayProcess(env: Readonly<Record<string, string>>): Promise<RelayProcess> {
  const basics = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    TURNPOST_HTTP_PORT: '0',
    TURNPOST_SMTP_PORT: '0',
  };
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN], {
    env: { ...basics, TURNPOST_LOG_LEVEL: 'error', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ready = await readyLine(child, () => stderr);
  return {
    pid: child.pid ?? 0,
    ready,
    async end(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, 'exit');
      child.kill(signal);
      const [code] = await ended;
      return code;
    },
  };
}

async function readyLine(child: ChildProcess, stderr: () => string): Promise<RelayProcess['ready']> {
  if (child.stdout === null) throw new Error('no stdout');
  for await (const line of createInterface({ input: child.stdout })) {
    const [, http = '', smtp = '', socket = ''] =
      /^turnpost: ready http=(\S+) smtp=(\S+) socket=(\S+)$/.exec(line) ?? [];
    if (http !== '') return { http, smtp, socket };
  }
  throw new Error(`the relay ended before it was ready: ${stderr()}`);
}
