/**
 * A session starts: says how much mail waits.
 *
 * Usage: node FILE claude|gemini|codex, with the host's hook input on stdin. Needs Node 18 and nothing else.
 * Settings: TURNPOST_KEY and TURNPOST_SOCKET or TURNPOST_URL, else turnpost.json beside this file with the same
 * as "key", "socket", "url". Whatever fails: nothing is printed, exit code 0.
 *
 * Written by hooks/build-hooks.ts from hooks/parts: change those, then run npm run hooks.
 */

import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { basename } from 'node:path';

/** Which host is calling. The second argument says so; where it is missing the input tells, never the environment alone. */

/** `claude`, `gemini`, `codex`, or undefined. A host started by another inherits its variables, so their id must match. */
function hostOf(named, call, env) {
  if (named) return named;
  if (/^(Before|After)Agent$/.test(call.hook_event_name)) return 'gemini';
  const file = basename(call.transcript_path ?? '');
  if (file.startsWith('rollout-')) return 'codex';
  if (file.startsWith('session-')) return 'gemini';
  if (env.GEMINI_SESSION_ID === call.session_id) return 'gemini';
  if (env.CLAUDE_CODE_SESSION_ID === call.session_id) return 'claude';
  return call.turn_id ? 'codex' : undefined;
}

/**
 * One POST to the relay's hook route; `done` gets the answer's text at its end, '' for anything but a 200. Whether it is
 * whole shows when it is read as JSON.
 *
 * The relay's own socket is spoken to by hand, in HTTP/1.0: making a node:http request costs 7 ms of the 22 that Node
 * takes to start, and the other end is ours. Anything further away gets the real client.
 */

const LONGEST_ANSWER = 1024 * 1024;

async function post({ key, socketPath, url }, path, body, seen, done) {
  const headers = {
    Authorization: `Bearer ${key}`,
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    'X-Turnpost-Seen': seen.join(','),
  };
  if (socketPath) overSocket(socketPath, path, headers, body, done);
  else await overUrl(new URL(url), path, headers, body, done);
}

/** RFC 1945: no chunks, and the end of the connection is the end of the answer. */
function overSocket(socketPath, path, headers, body, done) {
  const lines = Object.entries({ Host: 'localhost', Connection: 'close', ...headers });
  const head = [`POST ${path} HTTP/1.0`, ...lines.map(([name, value]) => `${name}: ${value}`), '', ''];
  if (head.some((line) => /[\r\n]/.test(line))) return done('');
  const socket = connect(socketPath);
  socket.write(head.join('\r\n'), 'latin1');
  socket.write(body);
  collect(socket, (bytes) => {
    const start = bytes.indexOf('\r\n\r\n') + 4;
    const good = /^HTTP\/1\.[01] 200 /.test(bytes.toString('latin1', 0, start));
    done(good ? bytes.toString('utf8', start) : '');
  });
}

async function overUrl(target, path, headers, body, done) {
  const { request } = target.protocol === 'https:' ? await import('node:https') : await import('node:http');
  target.pathname = target.pathname.replace(/\/$/, '') + path;
  const call = request(target, { method: 'POST', agent: false, headers });
  call.on('response', (response) => {
    const good = response.statusCode === 200;
    collect(response, (bytes) => done(good ? bytes.toString('utf8') : ''));
  });
  call.end(body);
}

/** All bytes of a stream, once it is closed, whole or not; too many: none. */
function collect(stream, done) {
  const chunks = [];
  let size = 0;
  stream.on('data', (chunk) => {
    size += chunk.length;
    if (size <= LONGEST_ANSWER) chunks.push(chunk);
  });
  stream.on('close', () => done(size <= LONGEST_ANSWER ? Buffer.concat(chunks) : Buffer.alloc(0)));
}

/** Where the relay is and with which key: from the environment, else from `turnpost.json` beside the hook file. */

/**
 * `{ key, socketPath }` or `{ key, url }`, or undefined where nothing usable is set. The two sources are never mixed, so
 * that a URL from one place cannot draw out the key of another.
 */
function readSettings(env, directory) {
  const fromEnv = settingsOf({ key: env.TURNPOST_KEY, socket: env.TURNPOST_SOCKET, url: env.TURNPOST_URL });
  return fromEnv ?? settingsOf(JSON.parse(readFileSync(new URL('turnpost.json', directory), 'utf8')));
}

/** A socket that is there wins over a URL. */
function settingsOf({ key, socket, url }) {
  if (!key) return undefined;
  if (socket && (!url || existsSync(socket))) return { key, socketPath: socket };
  return url ? { key, url } : undefined;
}

/** The hook itself: stdin to the relay, the relay's answer to stdout. Whatever goes wrong: nothing, and exit code 0. */

const quit = () => process.exit(0);

/** `seenIn(host, call, env)` gives the message ids to report. The budget counts from the start of the process. */
function pipe({ budgetMs, seenIn }) {
  process.on('uncaughtException', quit);
  process.on('unhandledRejection', quit);
  process.removeAllListeners('warning'); // nothing of Node's own on stderr either
  setTimeout(quit, Math.max(0, budgetMs - process.uptime() * 1000));
  const chunks = [];
  process.stdin.on('data', (chunk) => chunks.push(chunk));
  process.stdin.on('end', () => ask(Buffer.concat(chunks), seenIn));
}

function ask(body, seenIn) {
  const { env } = process;
  const call = JSON.parse(body.toString('utf8'));
  const host = hostOf(process.argv[2], call, env);
  const settings = readSettings(env, import.meta.url);
  if (!host || !settings || !call.session_id || !call.hook_event_name) quit();
  const path = `/v1/hooks/${encodeURIComponent(host)}/${encodeURIComponent(call.hook_event_name)}`;
  post(settings, path, body, seenIn(host, call, env), print).catch(quit);
}

/**
 * Half an answer or a proxy's page would be shown to the person or the model: what is no JSON object is dropped. Leaves
 * only when the text is out: a pipe may take it in pieces.
 */
function print(text) {
  if (!text.startsWith('{') || !JSON.parse(text)) quit();
  process.stdout.on('error', quit);
  process.stdout.write(text, quit);
}

pipe({ budgetMs: 1500, seenIn: () => [] });
