/** Where the relay is and with which key: from the environment, else from `turnpost.json` beside the hook file. */
import { existsSync, readFileSync } from 'node:fs';

/**
 * `{ key, socketPath }` or `{ key, url }`, or undefined where nothing usable is set. The two sources are never mixed, so
 * that a URL from one place cannot draw out the key of another.
 */
export function readSettings(env, directory) {
  const fromEnv = settingsOf({ key: env.TURNPOST_KEY, socket: env.TURNPOST_SOCKET, url: env.TURNPOST_URL });
  return fromEnv ?? settingsOf(JSON.parse(readFileSync(new URL('turnpost.json', directory), 'utf8')));
}

/** A socket that is there wins over a URL. */
function settingsOf({ key, socket, url }) {
  if (!key) return undefined;
  if (socket && (!url || existsSync(socket))) return { key, socketPath: socket };
  return url ? { key, url } : undefined;
}
