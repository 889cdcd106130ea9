/**
 * Runs a real client once, without a person, in a project, against a model that answers from a script. Each run has a
 * clean environment, an own HOME unless one is handed in, a made-up key, and loopback as its only network.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostName } from '../../relay/types.ts';
import { type ModelRequest, startModel, type Turn } from '../support/model-server.ts';
import { type Forwards, isolated } from '../support/namespace.ts';
import { CLIENTS } from './clients.ts';

export interface ClientOptions {
  readonly project: string;
  /** What the model answers, one item per turn; then plain answers. */
  readonly script?: readonly Turn[];
  readonly prompt?: string;
  /** Added to the client's environment; hooks inherit it. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further arguments of the client, before the prompt. */
  readonly args?: readonly string[];
  /** The client's HOME, to go on with a session of an earlier run. */
  readonly home?: string;
  /** Unix sockets that the client can reach as ports on 127.0.0.1. */
  readonly forwards?: Forwards;
  readonly timeoutMs?: number;
}

export interface ClientRun {
  /** The model requests that are turns; `side` ones (titles and the like) are left out. */
  readonly requests: readonly ModelRequest[];
  readonly stdout: string;
  readonly stderr: string;
  /** Null when it had to be killed. */
  readonly code: number | null;
  readonly ms: number;
}

/** Where the clients are installed. */
const CLIENTS_ROOT = process.env['REAL_CLIENTS'] ?? join(process.env['TMPDIR'] ?? '/tmp', 'turnpost-real-clients');

let said = false;

/** True when the client is there; else says once, in one line, how to get all of them. */
export function isInstalled(host: HostName): boolean {
  if (existsSync(CLIENTS[host].program(CLIENTS_ROOT).at(-1) ?? '')) return true;
  if (!said) process.stderr.write('skipped: real clients are not installed; run test/clients/install-clients.sh\n');
  said = true;
  return false;
}

export const runClaude = (options: ClientOptions) => runClient('claude', options);
export const runGemini = (options: ClientOptions) => runClient('gemini', options);
export const runCodex = (options: ClientOptions) => runClient('codex', options);

export async function runClient(host: HostName, options: ClientOptions): Promise<ClientRun> {
  const place = mkdtempSync(join(tmpdir(), `turnpost-${host}-`));
  try {
    const { argv, env, model } = await prepareClient(host, options, place);
    await using served = await startModel(CLIENTS[host].dialect, options.script ?? [], model);
    const ended = await runToEnd(argv, options.project, env, options.timeoutMs ?? 60_000);
    return { requests: [...served.turns], ...ended };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

export interface PreparedClient {
  /** The whole command, namespace and bridge included. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The socket where the model must listen. */
  readonly model: string;
}

/** Everything but the start: also for a client in a terminal, which takes no prompt here. */
export async function prepareClient(host: HostName, options: ClientOptions, place: string): Promise<PreparedClient> {
  const client = CLIENTS[host];
  const home = options.home ?? join(place, 'home');
  const temporary = join(place, 'tmp');
  for (const folder of [home, temporary]) mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const model = join(place, 'model.sock');
  client.prepareHome({ home, project: options.project, port });
  const basics = { HOME: home, PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', TERM: 'dumb', TMPDIR: temporary };
  const argv = [...client.program(CLIENTS_ROOT), ...client.args(options.args ?? [], options.prompt)];
  return {
    argv: isolated(argv, { ...options.forwards, [port]: model }),
    env: { ...basics, ...client.env({ home, port }), ...options.env },
    model,
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  server.close();
  await once(server, 'close');
  return port;
}

/** The process group is killed when the time is up, so that nothing outlives the test. */
async function runToEnd(
  argv: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
  timeoutMs: number,
) {
  const started = performance.now();
  const [command = '', ...args] = argv;
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const timer = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'), timeoutMs);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  return { code: code as number | null, stdout, stderr, ms: performance.now() - started }; // 'close' gives the exit code
}
