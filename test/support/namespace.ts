/** A network namespace with loopback only, where the machine allows one: what runs in it cannot reach anything else. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BRIDGE = fileURLToPath(new URL('./bridge.mjs', import.meta.url));

/** Root's own, else by a user namespace, else none. */
const UNSHARE = [['-n'], ['-rn']].find(works);

function works(flags: readonly string[]): boolean {
  try {
    execFileSync('unshare', [...flags, 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export interface Forwards {
  /** Port on 127.0.0.1 to Unix socket. */
  readonly [port: number]: string;
}

/** The command line that runs `argv` with these ports, and with nothing else of a network where that can be had. */
export function isolated(argv: readonly string[], forwards: Forwards): string[] {
  const ports = Object.entries(forwards).map(([port, socket]) => `${port}=${socket}`);
  const bridged = [process.execPath, BRIDGE, ...ports, '--', ...argv];
  if (UNSHARE === undefined) return bridged;
  return ['unshare', ...UNSHARE, '--', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...bridged];
}
