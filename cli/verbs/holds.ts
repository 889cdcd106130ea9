/** turnpost holds list | accept | drop: mail that waits for a person's decision. */
import type { Command } from 'commander';
import type { WireHold } from '../../relay/wire.ts';
import type { Cli } from '../cli.ts';
import { checksText } from '../message-text.ts';
import { count } from '../options.ts';
import { shortTime, table } from '../table.ts';

export function addHolds(program: Command, cli: Cli): void {
  const holds = program.command('holds').description('mail that waits for a decision');
  holds
    .command('list', { isDefault: true })
    .description('what is held, and why')
    .option('--limit <n>', 'at most this many', count(100), 50)
    .action((query: { limit: number }) =>
      cli.withAdmin(async (client) => {
        const page = await client.listHolds(query);
        await cli.answer(page, () => holdTable(page.items));
      }),
    );
  for (const decision of ['accept', 'drop'] as const) {
    holds
      .command(decision)
      .description(decision === 'accept' ? 'hand it to its recipient' : 'throw it away')
      .argument('<id>', 'hld_...')
      .action((id: string) =>
        cli.withAdmin(async (client) => {
          const decided = decision === 'accept' ? await client.acceptHold(id) : await client.dropHold(id);
          await cli.answer(decided, () => `${decided.id} is ${decided.decision}; now ${decided.delivery.state}.`);
        }),
      );
  }
}

function holdTable(holds: readonly WireHold[]): string {
  const rows = holds.map(({ id, created_at, message, to, reason }) => [
    id,
    shortTime(created_at),
    message.from.address,
    to,
    message.subject ?? '-',
    message.auth === null ? '-' : checksText(message.auth),
    reason,
  ]);
  const columns = ['ID', 'TIME', 'FROM', 'TO', 'SUBJECT', 'CHECKS', 'REASON'];
  return rows.length === 0 ? 'Nothing is held.' : table(columns, rows);
}
