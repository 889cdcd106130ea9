/** A relay as a program of its own: started from the sources, known by its ready line, ended by a signal. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

export interface RelayProgram {
  readonly child: ChildProcess;
  readonly readyLine: string;
  readonly httpUrl: string;
  readonly smtpPort: number;
  readonly stderr: () => string;
  /** Resolves with the exit code, null where a signal ended it. */
  stop(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | null>;
}

export interface EndedProcess {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const ROOT = path.resolve(import.meta.dirname, '../..');

function launch(settings: Readonly<Record<string, string>>): {
  child: ChildProcess;
  out: () => string;
  err: () => string;
} {
  // As `npm start` does it, without a process in between that a signal would have to pass.
  const child = spawn(process.execPath, ['--import', 'tsx', path.join(ROOT, 'relay/main.ts')], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { out: '', err: '' };
  child.stdout?.on('data', (chunk: Buffer) => {
    text.out += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    text.err += chunk.toString();
  });
  return { child, out: () => text.out, err: () => text.err };
}

/** Rejects where it ends before it is ready. */
export async function startRelayProgram(settings: Readonly<Record<string, string>>): Promise<RelayProgram> {
  const { child, out, err } = launch(settings);
  const ended = once(child, 'exit');
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', () => out().includes('\n') && resolve());
    child.once('exit', () => reject(new Error(`the relay ended: ${err()}`)));
  });
  const readyLine = out().split('\n')[0] ?? '';
  return {
    child,
    readyLine,
    httpUrl: /http=(\S+)/.exec(readyLine)?.[1] ?? '',
    smtpPort: Number(/smtp=\S+:(\d+)/.exec(readyLine)?.[1]),
    stderr: err,
    async stop(signal) {
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
}

/** For a relay that cannot start: what it said, and its exit code. */
export async function runRelayProgram(settings: Readonly<Record<string, string>>): Promise<EndedProcess> {
  const { child, out, err } = launch(settings);
  await once(child, 'close');
  return { code: child.exitCode, stdout: out(), stderr: err() };
}
