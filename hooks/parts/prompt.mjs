/**
 * A prompt begins (Claude Code and Codex: UserPromptSubmit; Gemini CLI: BeforeAgent): reports what the session has. What
 * stands in the conversation is carried by this very prompt.
 */
import { seenIds } from './evidence.mjs';
import { WRITTEN } from './lines.mjs';
import { pipe } from './pipe.mjs';

pipe({ budgetMs: 1500, seenIn: (host, call, env) => seenIds(host, call, WRITTEN, env) });
