/**
 * A session ends: reports what it has, and gives back the rest. Nothing follows that could carry a text, so only the
 * model's answer is proof. Hosts allow little time here: Codex 1 s, Claude Code 1.5 s for all hooks together.
 */
import { seenIds } from './evidence.mjs';
import { ANSWERED } from './lines.mjs';
import { pipe } from './pipe.mjs';

pipe({ budgetMs: 900, seenIn: (host, call, env) => seenIds(host, call, ANSWERED, env) });
