/**
 * A session ends: reports what it has, and gives back the rest. Nothing follows that could carry a text, so only the
 * model's answer is proof. Hosts allow little time here: Codex 1 s, Claude Code 1.5 s for all hooks together.
 *
 * Usage: node FILE claude|gemini|codex, with the host's hook input on stdin. Needs Node 18 and nothing else.
 * Settings: TURNPOST_KEY and TURNPOST_SOCKET or TURNPOST_URL, else turnpost.json beside this file with the same
 * as "key", "socket", "url". Whatever fails: nothing is printed, exit code 0.
 *
 * Written by hooks/build-hooks.ts from hooks/parts: change those, then run npm run hooks.
 */

import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, readSync, realpathSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { basename, join, sep } from 'node:path';

/**
 * What a transcript line proves, per host, as measured (docs/decisions.md). `injected` gives the texts of ours that a line
 * holds, with its proof; `answers` says whether a line was written by the model (all such lines hold `answer`). Neither
 * may take a tool's result or the model's own words for an injection.
 */

/** The text is in the conversation; the next prompt will carry it. */
const WRITTEN = 1;
/** A model request was made that carried the text. */
const REQUESTED = 2;
/** The model has answered since. */
const ANSWERED = 3;

const CLAUDE_LEAD = '<system-reminder>\nStop hook additional context: ';

const CLAUDE = {
  injected(line) {
    const context = line.type === 'attachment' ? line.attachment : undefined;
    if (context?.type === 'hook_additional_context' && context.hookEvent === 'Stop') {
      // Also written at the cap, and when another hook says `continue: false`: no request follows then.
      return { proof: WRITTEN, texts: context.content };
    }
    if (line.type !== 'api-request-blob' || line.message?.role !== 'user') return NOTHING;
    const texts = textsOf(line.message.content).filter((text) => text.startsWith(CLAUDE_LEAD));
    return { proof: REQUESTED, texts: texts.map((text) => text.slice(CLAUDE_LEAD.length)) };
  },
  answer: '"type":"assistant"',
  // `<synthetic>` lines stand where a request failed or none was made.
  answers: (line) =>
    line.type === 'assistant' && !line.isSidechain && !line.isApiErrorMessage && line.message?.model !== '<synthetic>',
};

// Gemini and Codex write the user line only when the turn goes on: not when another hook says `continue: false`.
const GEMINI = {
  injected: (line) => (line.type === 'user' ? { proof: REQUESTED, texts: textsOf(line.content) } : NOTHING),
  answer: '"type":"gemini"',
  answers: (line) => line.type === 'gemini',
};

const CODEX_LEAD = /^<hook_prompt [^>]*>/;

const CODEX = {
  injected(line) {
    if (line.type !== 'response_item' || line.payload?.role !== 'user') return NOTHING;
    const texts = textsOf(line.payload.content).filter((text) => CODEX_LEAD.test(text));
    return { proof: REQUESTED, texts: texts.map((text) => text.replace(CODEX_LEAD, '')) };
  },
  answer: '"type":"response_item"',
  answers: (line) =>
    line.type === 'response_item' &&
    (line.payload?.role === 'assistant' || /_call$|^reasoning$/.test(line.payload?.type)),
};

const NOTHING = { proof: 0, texts: [] };

/** Content is a string, or a list of parts of which some have a text. */
function textsOf(content) {
  if (typeof content === 'string') return [content];
  return (content ?? []).map((part) => part?.text).filter((text) => typeof text === 'string');
}

const LINES = { claude: CLAUDE, gemini: GEMINI, codex: CODEX };

/** Reads the end of a session's transcript, and only where it lies inside the host's own folder. */

/** The folder a host keeps its transcripts in; its own variable moves it. */
const FOLDERS = {
  claude: (env) => env.CLAUDE_CONFIG_DIR || join(homedir(), '.claude'),
  gemini: (env) => join(env.GEMINI_CLI_HOME || homedir(), '.gemini'),
  codex: (env) => env.CODEX_HOME || join(homedir(), '.codex'),
};

/** At most `most` bytes, the last ones. Throws when it is missing, not a plain file, or links lead out of the folder. */
function readTail(host, path, env, most) {
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

/** Message ids of which the transcript proves enough. Never waits: what is not written yet is found by the next call. */

const MARK = 'Turnpost message msg_';
const MARKED = /^Turnpost message (msg_[0-9a-z]{26})(?![0-9a-z])/gm;

/** The first line of an injection names the mark made for it; no sender knows it, and none writes before this line. */
const NAMES_MARK = / arrived by Turnpost\. Text between the marks ([0-9a-f]{16}) was written by /;

/** A header of 200 ids is 6 kB; servers take 16. */
const MOST_IDS = 200;

/**
 * How much is read of a transcript. The first end of a turn has little to find and must cost nothing; where the host says
 * that it went on, and where a prompt or a session end comes to look, all that a long turn's tools wrote may follow the id.
 */
const SHORT_TAIL = 1024 * 1024;
const LONG_TAIL = 8 * SHORT_TAIL;

/** Ids with at least `enough` proof, the latest last. No transcript, or one that cannot be read: none. */
function seenIds(host, call, enough, env) {
  try {
    const most = call.stop_hook_active === false ? SHORT_TAIL : LONG_TAIL;
    const proofs = proofsIn(readTail(host, call.transcript_path, env, most), LINES[host]);
    const ids = [...proofs.keys()].filter((id) => proofs.get(id) >= enough);
    return ids.slice(-MOST_IDS);
  } catch {
    return [];
  }
}

/** Id to proof, in the order in which the ids appear. Searches the bytes, and parses only the lines that can matter. */
function proofsIn(tail, host) {
  const proofs = new Map();
  let answerAt; // sought only when there is an id
  let line = lineAt(tail, tail.indexOf(MARK));
  for (; line; line = lineAt(tail, tail.indexOf(MARK, line.end))) {
    const { proof, texts } = host.injected(line.json);
    for (const [, id] of texts.flatMap(markers)) {
      answerAt ??= lastAnswer(tail, host);
      proofs.set(id, Math.max(answerAt > line.end ? ANSWERED : proof, proofs.get(id) ?? 0));
    }
  }
  return proofs;
}

const markers = (text) => [...withoutSenders(text).matchAll(MARKED)];

/**
 * What a sender wrote stands between the mark alone on its line and the mark again: an id in there is none of ours.
 * Only the named mark opens: a subject can end in one, and a body that closed it would stand outside.
 */
function withoutSenders(text) {
  const [, mark] = NAMES_MARK.exec(text) ?? [];
  if (mark === undefined) return text;
  return text.replaceAll(new RegExp(`^(?:<<|&lt;&lt;)${mark}\\n.*?\\n${mark}(?:>>|&gt;&gt;)`, 'gms'), '');
}

/** Where the model's last answer begins; -1 for none. */
function lastAnswer(tail, { answer, answers }) {
  let at = tail.lastIndexOf(answer);
  while (at >= 0 && !answers(lineAt(tail, at).json)) at = at === 0 ? -1 : tail.lastIndexOf(answer, at - 1);
  return at;
}

/** The line around a byte. The first one can be cut, the last half written: their `json` is empty. */
function lineAt(tail, at) {
  if (at < 0) return undefined;
  const newline = tail.indexOf('\n', at);
  const end = newline < 0 ? tail.length : newline;
  return { end, json: parse(tail.toString('utf8', tail.lastIndexOf('\n', at) + 1, end)) };
}

function parse(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

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

pipe({ budgetMs: 900, seenIn: (host, call, env) => seenIds(host, call, ANSWERED, env) });
