/** turnpost outbox: email on its way out, and how far it is; without a mail server it stays readable here. */
import type { Command } from 'commander';
import type { WireOutboxItem } from '../../relay/wire.ts';
import type { Cli } from '../cli.ts';
import { CliError } from '../exit-code.ts';
import { count } from '../options.ts';
import { card, printable, shortTime, table } from '../table.ts';

export function addOutbox(program: Command, cli: Cli): void {
  program
    .command('outbox')
    .description('email on its way out; with an id: that one in full')
    .argument('[id]', 'of the outbox or of the message')
    .option('--limit <n>', 'at most this many', count(100), 50)
    .action((id: string | undefined, { limit }: { limit: number }) =>
      cli.withAdmin(async (client) => {
        const page = await client.listOutbox({ limit });
        if (id === undefined) return cli.answer(page, () => outboxTable(page.items));
        const item = page.items.find((candidate) => candidate.id === id || candidate.message_id === id);
        if (item === undefined) {
          throw new CliError(
            'notFound',
            `${id} is not among the newest ${limit} of the outbox. --limit looks further back.`,
          );
        }
        return cli.answer(item, () => itemText(item));
      }),
    );
}

function outboxTable(items: readonly WireOutboxItem[]): string {
  const rows = items.map((item) => [
    item.id,
    item.state,
    String(item.attempt),
    shortTime(item.next_attempt_at),
    item.envelope.to,
    item.headers['subject'] ?? item.headers['Subject'] ?? '-',
    item.last_error ?? '-',
  ]);
  return rows.length === 0
    ? 'The outbox is empty.'
    : table(['ID', 'STATE', 'TRIES', 'NEXT', 'TO', 'SUBJECT', 'LAST ERROR'], rows);
}

function itemText(item: WireOutboxItem): string {
  const head = card([
    ['state', item.state],
    ['envelope', `${item.envelope.from} -> ${item.envelope.to}`],
    ...Object.entries(item.headers),
  ]);
  return `${head}\n\n${printable(item.text)}`;
}
