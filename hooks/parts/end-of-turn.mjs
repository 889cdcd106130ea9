/**
 * End of turn (Claude Code and Codex: Stop; Gemini CLI: AfterAgent): hands out the mail that waits. The event itself says
 * that the model has answered, so a request that carried the text is proof enough.
 */
import { seenIds } from './evidence.mjs';
import { REQUESTED } from './lines.mjs';
import { pipe } from './pipe.mjs';

pipe({ budgetMs: 1500, seenIn: (host, call, env) => seenIds(host, call, REQUESTED, env) });
