/** The relay in its own process, with its default settings, on free ports and its own data folder. */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type HttpTarget, request } from '../load/http-connection.ts';
import type { Bench } from '../measurement.ts';
import { type Child, startNode } from './child.ts';

export const OWNER = 'you@example.com';

export interface BenchRelay {
  readonly http: HttpTarget;
  readonly socket: HttpTarget & { readonly path: string };
  readonly smtpPort: number;
  readonly dataFolder: string;
  readonly adminKey: string;
  readonly child: Child;
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export interface BenchAgent {
  readonly name: string;
  readonly address: string;
  readonly key: string;
}

/** Loaded, but not yet started: `start` costs only what the relay itself does. */
export interface LoadedRelay {
  readonly child: Child;
  /** Resolves when it is ready. */
  start(): Promise<BenchRelay>;
}

/** `node [flags] -e` that loads the relay, says so, and runs it at the first byte on stdin; ends when the bench does. */
const LOAD = (main: string): string => `
  const { runRelay } = await import(${JSON.stringify(main)});
  console.log('loaded');
  process.stdin.once('data', () => runRelay()).on('end', () => process.exit());`;

export async function loadRelay(
  bench: Bench,
  name: string,
  nodeFlags: readonly string[] = [],
  settings: Readonly<Record<string, string>> = {},
): Promise<LoadedRelay> {
  const dataFolder = path.join(bench.folder, name);
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const main = pathToFileURL(path.join(bench.program, 'relay', 'main.js')).href;
  const child = startNode([...nodeFlags, '--input-type=module', '-e', LOAD(main)], {
    log: path.join(bench.folder, `${name}.log`),
    env: {
      TURNPOST_DATA_DIR: dataFolder,
      TURNPOST_HTTP_PORT: '0',
      TURNPOST_SMTP_PORT: '0',
      TURNPOST_OWNER: OWNER,
      ...settings,
    },
  });
  await child.nextLine();
  return {
    child,
    async start() {
      child.process.stdin?.write('\n');
      return running(child, dataFolder, await child.nextLine());
    },
  };
}

export async function startRelay(
  bench: Bench,
  name = 'relay',
  nodeFlags: readonly string[] = [],
  settings: Readonly<Record<string, string>> = {},
): Promise<BenchRelay> {
  const loaded = await loadRelay(bench, name, nodeFlags, settings);
  return loaded.start();
}

function running(child: Child, dataFolder: string, readyLine: string): BenchRelay {
  const [, httpPort, smtpPort] = /http=http:\/\/127\.0\.0\.1:(\d+) smtp=127\.0\.0\.1:(\d+)/.exec(readyLine) ?? [];
  return {
    http: { host: '127.0.0.1', port: Number(httpPort) },
    socket: { path: path.join(dataFolder, 'relay.sock') },
    smtpPort: Number(smtpPort),
    dataFolder,
    adminKey: readFileSync(path.join(dataFolder, 'admin.key'), 'utf8').trim(),
    child,
    stop: (signal) => child.end(signal),
  };
}

/** `name-0`, `name-1`, ... each with its key. */
export async function registerAgents(relay: BenchRelay, name: string, count: number): Promise<BenchAgent[]> {
  const agents: BenchAgent[] = [];
  for (let start = 0; start < count; start += 50) {
    const some = Array.from({ length: Math.min(50, count - start) }, (_, n) =>
      registerAgent(relay, `${name}-${start + n}`),
    );
    agents.push(...(await Promise.all(some)));
  }
  return agents;
}

async function registerAgent(relay: BenchRelay, name: string): Promise<BenchAgent> {
  const answer = await request(relay.socket, {
    path: '/v1/agents',
    key: relay.adminKey,
    body: JSON.stringify({ name }),
  });
  if (answer.status !== 201) throw new Error(`the relay did not register ${name}: ${answer.status} ${answer.body}`);
  const { address, key } = JSON.parse(answer.body);
  return { name, address, key: key.secret };
}
