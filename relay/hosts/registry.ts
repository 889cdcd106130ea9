/** The hosts the relay knows. A new one is a file beside this and a row here. */
import type { HostName } from '../types.ts';
import { claude } from './claude.ts';
import { codex } from './codex.ts';
import { gemini } from './gemini.ts';
import type { Host } from './host.ts';

const HOSTS = { claude, gemini, codex } as const satisfies Record<HostName, Host>;

/** The host of that name, in any case of letters; undefined for one we do not know. */
export function findHost(name: string): Host | undefined {
  const key = name.toLowerCase();
  // Checked on the line itself: an own key of the table is a HostName.
  return Object.hasOwn(HOSTS, key) ? HOSTS[key as HostName] : undefined;
}
