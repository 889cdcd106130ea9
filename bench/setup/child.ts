/** Programs beside the bench: started, known to be ready by their first line, ended by the one who started them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface Child {
  readonly process: ChildProcess;
  /** The next line it prints; rejects where it ends before. */
  nextLine(): Promise<string>;
  /** Resolves when it is gone. */
  end(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Where its stderr goes, to be read when it does not start. */
  readonly log: string;
}

const running = new Set<Child>();

/** Also what a measurement that failed has left behind. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map((child) => child.end('SIGKILL')));
}

/** Runs node with these arguments. Only PATH and HOME are handed on: settings of the person must not change the figures. */
export function startNode(args: readonly string[], { env = {}, log }: ChildOptions): Child {
  const stderr = openSync(log, 'a');
  const started = spawn(process.execPath, args, {
    stdio: ['pipe', 'pipe', stderr],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
  });
  closeSync(stderr);
  const gone = once(started, 'exit');
  // stdio above makes it a pipe; the types of spawn do not follow a descriptor in the third place.
  const lines = createInterface({ input: started.stdout as Readable })[Symbol.asyncIterator]();
  const child: Child = {
    process: started,
    async nextLine() {
      const { value, done } = await lines.next();
      if (done) throw new Error(`a program of the bench ended too early: ${readFileSync(log, 'utf8').slice(-500)}`);
      return value;
    },
    async end(signal = 'SIGTERM') {
      started.kill(signal);
      await gone;
      running.delete(child);
    },
  };
  running.add(child);
  return child;
}
