/** turnpost inboxes create | list | messages | read | wait | delete: disposable inboxes of an agent, or of an admin. */
import type { Command } from 'commander';
import type { TurnpostClient } from '../../client/turnpost-client.ts';
import type { WireInbox } from '../../relay/wire-inboxes.ts';
import type { Cli } from '../cli.ts';
import { CliError } from '../exit-code.ts';
import { inboxTable, mailTable, mailText } from '../inbox-text.ts';
import { count, durationMs } from '../options.ts';
import { card, shortTime } from '../table.ts';

/** With `--as` the inboxes are those of a key that ends with the command, so only a lasting key may make any. */
const withOwner = <T>(cli: Cli, use: (client: TurnpostClient) => Promise<T>): Promise<T> => {
  if (cli.shared.as !== undefined) {
    throw new CliError('usage', 'A disposable inbox belongs to a key: give one by --key or TURNPOST_KEY, not --as.');
  }
  return cli.withClient(use);
};

export function addInboxes(program: Command, cli: Cli): void {
  const inboxes = program.command('inboxes').description('disposable inboxes: addresses that die by themselves');
  addCreate(inboxes, cli);
  addLists(inboxes, cli);
  addReadAndWait(inboxes, cli);
  inboxes
    .command('delete')
    .description('end an inbox: it takes no mail, what it holds is gone')
    .argument('<address>', 'of the inbox')
    .action((address: string) =>
      withOwner(cli, async (client) => {
        const deleted = await client.inboxes.delete(address);
        await cli.answer(deleted, () => `${deleted.address} is deleted.`);
      }),
    );
}

function addCreate(inboxes: Command, cli: Cli): void {
  inboxes
    .command('create')
    .description('make one; its address is printed')
    .option('--ttl <duration>', 'how long it takes mail, like 10m or 2h; default 1h', durationMs)
    .option('--label <text>', 'what it is for')
    .action(({ ttl, label }: { ttl?: number; label?: string }) =>
      withOwner(cli, async (client) => {
        const wish = { ...(ttl && { ttl_minutes: Math.max(1, Math.ceil(ttl / 60_000)) }), ...(label && { label }) };
        const made = await client.inboxes.create(wish);
        await cli.answer(made, () => createdCard(made, made.token));
      }),
    );
}

function createdCard(inbox: WireInbox, token: string | null): string {
  return card([
    ['address', inbox.address],
    ['until', shortTime(inbox.expires_at)],
    ...(token === null ? [] : [['token', token] as const]),
  ]);
}

function addLists(inboxes: Command, cli: Cli): void {
  inboxes
    .command('list', { isDefault: true })
    .description('those of this key, newest first')
    .option('--limit <n>', 'at most this many', count(100), 50)
    .action((query: { limit: number }) =>
      withOwner(cli, async (client) => {
        const page = await client.inboxes.list(query);
        await cli.answer(page, () => inboxTable(page.items));
      }),
    );
  inboxes
    .command('messages')
    .description('what came to one, newest first, without the texts')
    .argument('<address>', 'of the inbox')
    .option('--since <time>', 'RFC 3339, like 2026-01-31T08:00:00Z')
    .option('--from <part>', "part of the sender's address")
    .option('--subject <part>', 'part of the subject')
    .option('--limit <n>', 'at most this many', count(100), 50)
    .action((address: string, query: { limit: number; since?: string; from?: string; subject?: string }) =>
      withOwner(cli, async (client) => {
        const page = await client.inboxes.mails(address, query);
        await cli.answer(page, () => mailTable(page.items));
      }),
    );
}

function addReadAndWait(inboxes: Command, cli: Cli): void {
  inboxes
    .command('read')
    .description('one email with its text; it counts as read')
    .argument('<id>', 'eml_...')
    .action((id: string) =>
      withOwner(cli, async (client) => {
        const mail = await client.inboxes.read(id);
        await cli.answer(mail, () => mailText(mail));
      }),
    );
  inboxes
    .command('wait')
    .description('until mail comes; exit code 6 if none does')
    .argument('<address>', 'of the inbox')
    .option('--since <since>', 'a time, or `since` of an earlier answer; left out: only what comes from now on')
    .option('--from <part>', "part of the sender's address")
    .option('--subject <part>', 'part of the subject')
    .option('--timeout <duration>', 'like 30s; at most 10m', durationMs, 60_000)
    .action(
      (address: string, { timeout, ...wish }: { timeout: number; since?: string; from?: string; subject?: string }) =>
        withOwner(cli, async (client) => {
          const answer = await client.inboxes.wait(address, { ...wish, timeout: `${timeout}ms` }, { waitMs: timeout });
          if (answer.items.length === 0) throw new CliError('nothing', 'No email came in the given time.');
          await cli.answer(answer, () => mailTable(answer.items));
        }),
    );
}
