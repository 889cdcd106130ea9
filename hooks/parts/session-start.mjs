/** A session starts: says how much mail waits. */
import { pipe } from './pipe.mjs';

pipe({ budgetMs: 1500, seenIn: () => [] });
