/** The command as this process: its streams, signals that stop it, its exit code. */
import process from 'node:process';
import { runCommandLine, type Verbs } from './program.ts';

/** Sets the exit code when the command is done; never throws, never exits. */
export async function runProcess(verbs?: Verbs): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const { env, stdin, stdout, stderr } = process;
  // A reader that has seen enough (`turnpost inbox | head -1`) is no failure.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    stop.abort();
  });
  const world = { env, stdin, stdout, stderr, cwd: process.cwd(), signal: stop.signal };
  process.exitCode = await runCommandLine(process.argv.slice(2), world, verbs);
}
