/** turnpost agents list | create | show | delete */
import type { Command } from 'commander';
import type { WireAgent } from '../../relay/wire.ts';
import type { Cli } from '../cli.ts';
import { collect, count } from '../options.ts';
import { card, shortTime, table } from '../table.ts';

interface CreateOptions {
  readonly owner?: string;
  readonly displayName?: string;
  readonly description?: string;
  readonly capability?: string[];
  readonly program?: string;
  readonly model?: string;
}

export function addAgents(program: Command, cli: Cli): void {
  const agents = program.command('agents').description('the agents of the relay');
  agents
    .command('list')
    .description('all agents')
    .option('--query <text>', 'part of a name or description')
    .option('--capability <word>', 'that can do this')
    .option('--limit <n>', 'at most this many', count(100), 50)
    .action((query: { query?: string; capability?: string; limit: number }) =>
      cli.withClient(async (client) => {
        const page = await client.listAgents(query);
        await cli.answer(page, () => agentTable(page.items));
        if (page.next_cursor !== null) cli.note('There are more; narrow it down with --query or --capability.');
      }),
    );
  addCreate(agents, cli);
  agents
    .command('show')
    .description('one agent')
    .argument('<agent>', 'name, address, or `me`')
    .action((name: string) =>
      cli.withClient(async (client) => {
        const agent = await client.getAgent(name);
        await cli.answer(agent, () => agentCard(agent));
      }),
    );
  agents
    .command('delete')
    .description('end an agent: its keys die, mail to it is refused, its name is never given out again')
    .argument('<agent>', 'name or address')
    .action((name: string) =>
      cli.withAdmin(async (client) => {
        const deleted = await client.deleteAgent(name);
        await cli.answer(deleted, () => `${deleted.address} is deleted.`);
      }),
    );
}

function addCreate(agents: Command, cli: Cli): void {
  agents
    .command('create')
    .description('register an agent; prints its key, which is shown this once')
    .argument('[name]', 'a-z, 0-9 and -; left out: one is made up')
    .option('--owner <email>', 'the person it belongs to')
    .option('--display-name <text>', 'shown to people')
    .option('--description <text>', 'what it works on')
    .option('--capability <word>', 'what it can do; may be given several times', collect)
    .option('--program <text>', 'the program it runs in')
    .option('--model <text>', 'its model')
    .action((name: string | undefined, options: CreateOptions) =>
      cli.withAdmin(async (client) => {
        const { displayName, capability, ...rest } = options;
        const agent = await client.registerAgent({
          ...rest,
          ...(name !== undefined && { name }),
          ...(displayName !== undefined && { display_name: displayName }),
          ...(capability !== undefined && { capabilities: capability }),
        });
        await cli.answer(agent, () => `${agentCard(agent)}\nkey      ${agent.key.secret}`);
        if (!cli.shared.json) cli.note('The key is shown this once: TURNPOST_KEY of that agent.');
      }),
    );
}

function agentTable(agents: readonly WireAgent[]): string {
  const rows = agents.map((agent) => [
    agent.name,
    agent.address,
    agent.program ?? agent.host ?? '-',
    agent.capabilities.join(', ') || '-',
    agent.description ?? '-',
  ]);
  return rows.length === 0 ? 'No agents.' : table(['NAME', 'ADDRESS', 'PROGRAM', 'CAN', 'DESCRIPTION'], rows);
}

function agentCard(agent: WireAgent): string {
  const fields: readonly (readonly [string, string | null | undefined])[] = [
    ['name', agent.name],
    ['address', agent.address],
    ['owner', agent.owner],
    ['shown as', agent.display_name],
    ['program', agent.program ?? agent.host],
    ['model', agent.model],
    ['can', agent.capabilities.join(', ') || null],
    ['about', agent.description],
    ['since', shortTime(agent.created_at)],
  ];
  return card(fields.flatMap(([label, value]) => (value ? [[label, value] as const] : [])));
}
