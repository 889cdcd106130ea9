/** turnpost demo: the whole story in a minute, on free ports and temporary data. */
import type { Command } from 'commander';

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('the whole story in a minute: free ports, temporary data, no account')
    .action(async () => {
      const { runDemo } = await import('../demo/demo.ts');
      await runDemo();
    });
}
