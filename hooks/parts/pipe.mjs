/** The hook itself: stdin to the relay, the relay's answer to stdout. Whatever goes wrong: nothing, and exit code 0. */
import { hostOf } from './host.mjs';
import { post } from './relay.mjs';
import { readSettings } from './settings.mjs';

const quit = () => process.exit(0);

/** `seenIn(host, call, env)` gives the message ids to report. The budget counts from the start of the process. */
export function pipe({ budgetMs, seenIn }) {
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
