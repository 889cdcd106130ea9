/** Which host is calling. The second argument says so; where it is missing the input tells, never the environment alone. */
import { basename } from 'node:path';

/** `claude`, `gemini`, `codex`, or undefined. A host started by another inherits its variables, so their id must match. */
export function hostOf(named, call, env) {
  if (named) return named;
  if (/^(Before|After)Agent$/.test(call.hook_event_name)) return 'gemini';
  const file = basename(call.transcript_path ?? '');
  if (file.startsWith('rollout-')) return 'codex';
  if (file.startsWith('session-')) return 'gemini';
  if (env.GEMINI_SESSION_ID === call.session_id) return 'gemini';
  if (env.CLAUDE_CODE_SESSION_ID === call.session_id) return 'claude';
  return call.turn_id ? 'codex' : undefined;
}
