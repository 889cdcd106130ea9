/** A floor in its own process, as the relay is. */
import path from 'node:path';
import type { Bench } from '../measurement.ts';
import { startNode } from './child.ts';

export interface Floor {
  readonly target: { readonly host: string; readonly port: number };
  stop(): Promise<void>;
}

export async function startFloor(bench: Bench, name: 'express-floor' | 'smtp-floor'): Promise<Floor> {
  const file = path.join(import.meta.dirname, '..', 'floors', `${name}.ts`);
  const child = startNode(['--import', 'tsx', file], { log: path.join(bench.folder, `${name}.log`) });
  const port = Number(await child.nextLine());
  return { target: { host: '127.0.0.1', port }, stop: () => child.end('SIGKILL') };
}
