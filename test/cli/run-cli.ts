/** The command line in this process: its own streams, folder and environment; nothing of the machine's is seen. */
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runCommandLine } from '../../cli/program.ts';

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Of stdout; throws where it is none. */
  json(): Record<string, unknown>;
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  readonly signal?: AbortSignal;
  readonly onLine?: (line: string) => void;
  /** What comes on stderr. */
  readonly onNote?: (note: string) => void;
}

export async function runCli(args: readonly string[], options: RunOptions = {}): Promise<CliRun> {
  const { env = {}, cwd = '/nonexistent', input = '', signal = new AbortController().signal, onLine, onNote } = options;
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  streams.stdin.end(input);
  if (onLine) streams.stdout.on('data', (chunk: Buffer) => onLine(chunk.toString()));
  if (onNote) streams.stderr.on('data', (chunk: Buffer) => onNote(chunk.toString()));
  const [out, err] = [text(streams.stdout), text(streams.stderr)];
  const code = await runCommandLine(args, { ...streams, env, cwd, signal });
  streams.stdout.end();
  streams.stderr.end();
  const [stdout, stderr] = await Promise.all([out, err]);
  return { code, stdout, stderr, json: () => JSON.parse(stdout) as Record<string, unknown> }; // verbs answer objects
}
