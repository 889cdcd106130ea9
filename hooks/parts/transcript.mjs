/** Reads the end of a session's transcript, and only where it lies inside the host's own folder. */
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, sep } from 'node:path';

/** The folder a host keeps its transcripts in; its own variable moves it. */
const FOLDERS = {
  claude: (env) => env.CLAUDE_CONFIG_DIR || join(homedir(), '.claude'),
  gemini: (env) => join(env.GEMINI_CLI_HOME || homedir(), '.gemini'),
  codex: (env) => env.CODEX_HOME || join(homedir(), '.codex'),
};

/** At most `most` bytes, the last ones. Throws when it is missing, not a plain file, or links lead out of the folder. */
export function readTail(host, path, env, most) {
  const real = realpathSync.native(path);
  if (!real.startsWith(realpathSync.native(FOLDERS[host](env)) + sep)) throw new Error('outside the host folder');
  // Neither follow a link put there since, nor wait for the writer of a named pipe.
  const file = openSync(real, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    const { size } = fstatSync(file);
    const tail = Buffer.allocUnsafe(Math.min(size, most));
    return tail.subarray(0, readSync(file, tail, 0, tail.length, size - tail.length));
  } finally {
    closeSync(file);
  }
}
