/** turnpost inbox: an agent's messages, newest first. Changes nothing. */
import { type Command, Option } from 'commander';
import type { z } from 'zod';
import { DeliveryState } from '../../relay/wire.ts';
import type { Cli } from '../cli.ts';
import { messageTable } from '../message-text.ts';
import { count } from '../options.ts';

interface InboxOptions {
  readonly direction?: 'inbound' | 'outbound' | 'all';
  readonly state?: z.infer<typeof DeliveryState>;
  readonly thread?: string;
  readonly since?: string;
  readonly cursor?: string;
  readonly limit: number;
}

export function addInbox(program: Command, cli: Cli): void {
  program
    .command('inbox')
    .description("an agent's messages, newest first; changes nothing")
    .addOption(new Option('--direction <direction>', 'which way').choices(['inbound', 'outbound', 'all']))
    .addOption(new Option('--state <state>', 'only those in this state').choices(DeliveryState.options))
    .option('--thread <id>', 'only this thread')
    .option('--since <time>', 'RFC 3339, like 2026-01-31T08:00:00Z')
    .option('--cursor <cursor>', 'where the page before ended')
    .option('--limit <n>', 'at most this many', count(100), 50)
    .action(({ thread, ...query }: InboxOptions) =>
      cli.withAgent(async (client) => {
        const page = await client.listMessages({ ...query, ...(thread !== undefined && { thread_id: thread }) });
        await cli.answer(page, () => messageTable(page.items));
        if (page.next_cursor !== null && !cli.shared.json) cli.note(`There are more: --cursor ${page.next_cursor}`);
      }),
    );
}
