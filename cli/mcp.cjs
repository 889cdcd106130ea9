/**
 * `turnpost mcp` from a checkout: no build, and still soon there, since Codex 0.169.0 goes on without the tools of a
 * server that takes more than a second. CommonJS on purpose: tsx then translates inside this thread, while for ES modules
 * every module, those of packages too, goes through a second one (median of 9 starts: 0.50 s and not 0.77 s).
 * Where node itself reads TypeScript, tsx is not loaded at all.
 */
'use strict';
const { enableCompileCache } = require('node:module');
const path = require('node:path');

enableCompileCache?.(path.join(__dirname, '../node_modules/.cache/turnpost'));
if (!process.features.typescript) require('tsx/cjs');
// Required and not imported: under tsx's CommonJS hook an `import()` would not be translated.
const { addMcp } = require('./verbs/mcp.ts');
const { runProcess } = require('./run-process.ts');

runProcess({ mcp: async () => addMcp });
