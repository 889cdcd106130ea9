/** turnpost suppressions list | remove: addresses that get no email from here. */
import type { Command } from 'commander';
import type { WireSuppression } from '../../relay/wire.ts';
import type { Cli } from '../cli.ts';
import { count } from '../options.ts';
import { shortTime, table } from '../table.ts';

export function addSuppressions(program: Command, cli: Cli): void {
  const suppressions = program.command('suppressions').description('addresses that get no email from here');
  suppressions
    .command('list', { isDefault: true })
    .description('which, since when, and why')
    .option('--limit <n>', 'at most this many', count(100), 50)
    .action((query: { limit: number }) =>
      cli.withAdmin(async (client) => {
        const page = await client.listSuppressions(query);
        await cli.answer(page, () => suppressionTable(page.items));
      }),
    );
  suppressions
    .command('remove')
    .description('let email go there again')
    .argument('<address>', 'email address')
    .action((address: string) =>
      cli.withAdmin(async (client) => {
        const removed = await client.removeSuppressions(address);
        await cli.answer(removed, () => `Email may go to ${removed.address} again.`);
      }),
    );
}

function suppressionTable(suppressions: readonly WireSuppression[]): string {
  const rows = suppressions.map(({ address, agent_id, reason, code, created_at, expires_at, source }) => [
    address,
    agent_id ?? 'all agents',
    code === null ? reason : `${reason} ${code}`,
    shortTime(created_at),
    expires_at === null ? 'taken back' : shortTime(expires_at),
    source,
  ]);
  if (rows.length === 0) return 'No address is suppressed.';
  return table(['ADDRESS', 'MAIL OF', 'REASON', 'SINCE', 'UNTIL', 'SOURCE'], rows);
}
