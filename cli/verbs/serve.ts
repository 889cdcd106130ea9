/** turnpost serve: the relay in the foreground, as `npm start` runs it. */
import type { Command } from 'commander';

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('run the relay; settings come from TURNPOST_... (docs/configuration.md)')
    // Loaded only here: no other verb should wait for the relay's parts.
    .action(async () => {
      const { runRelay } = await import('../../relay/main.ts');
      await runRelay();
    });
}
