#!/usr/bin/env node
/**
 * The command `turnpost`. Looks at the Node version before anything else is loaded, because an old one fails in the
 * middle of a dependency with a message that helps nobody.
 */
import process from 'node:process';

const NEEDED = [20, 19] as const;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  process.stderr.write(
    `turnpost: needs Node ${NEEDED.join('.')} or newer, this is ${process.version}. Install a newer one from https://nodejs.org.\n`,
  );
  process.exitCode = 1;
} else {
  const { runProcess } = await import('./run-process.ts');
  await runProcess();
}
