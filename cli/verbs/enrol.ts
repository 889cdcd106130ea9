/** turnpost enrol: a code that lets another machine register one agent, or the registration with such a code. */
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { shortTime } from '../table.ts';

interface EnrolOptions {
  readonly name?: string;
  readonly expiresIn?: string;
  readonly code?: string;
  readonly mcpAccess?: true;
}

export function addEnrol(program: Command, cli: Cli): void {
  program
    .command('enrol')
    .description('make a code by which one agent can register itself; with --code: register with it')
    .option('--name <name>', 'the name it will have; left out: it chooses')
    .option('--expires-in <duration>', 'how long the code is good, like 1h')
    .option('--mcp-access', 'the MCP tools of that agent may use disposable inboxes')
    .option('--code <code>', 'register an agent with this code; needs no key')
    .action((options: EnrolOptions) =>
      options.code === undefined ? makeCode(options, cli) : useCode(options.code, options, cli),
    );
}

function makeCode({ name, expiresIn, mcpAccess }: EnrolOptions, cli: Cli): Promise<void> {
  return cli.withAdmin(async (client) => {
    const enrolment = await client.createEnrolment({
      ...(name && { name }),
      ...(expiresIn && { expires_in: expiresIn }),
      ...(mcpAccess && { mcp_access: true }),
    });
    await cli.answer(enrolment, () => enrolment.code);
    if (cli.shared.json) return;
    cli.note(
      `Good once, until ${shortTime(enrolment.expires_at)}. There: turnpost enrol --url ${cli.shared.url ?? 'RELAY-URL'} --code ${enrolment.code}`,
    );
  });
}

function useCode(code: string, { name }: EnrolOptions, cli: Cli): Promise<void> {
  return cli.withClient(async (client) => {
    const agent = await client.as({ key: undefined }).enrol(code, name === undefined ? {} : { name });
    await cli.answer(agent, () => `${agent.address}\n${agent.key.secret}`);
    if (!cli.shared.json) cli.note('The key is shown this once: put it in TURNPOST_KEY.');
  });
}
