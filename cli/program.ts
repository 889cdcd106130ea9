/** The verbs under one program, and the way from a failure to stderr and an exit code. Each verb is a file in verbs/. */
import { Command, CommanderError } from 'commander';
import { Cli, type CliWorld } from './cli.ts';
import { describeError, EXIT_CODES, exitOf } from './exit-code.ts';
import { addAgents } from './verbs/agents.ts';
import { addDemo } from './verbs/demo.ts';
import { addDoctor } from './verbs/doctor.ts';
import { addEnrol } from './verbs/enrol.ts';
import { addHolds } from './verbs/holds.ts';
import { addInbox } from './verbs/inbox.ts';
import { addInstall } from './verbs/install.ts';
import { addKeys } from './verbs/keys.ts';
import { addListen } from './verbs/listen.ts';
import { addMcp } from './verbs/mcp.ts';
import { addOutbox } from './verbs/outbox.ts';
import { addRead } from './verbs/read.ts';
import { addReply } from './verbs/reply.ts';
import { addSend } from './verbs/send.ts';
import { addServe } from './verbs/serve.ts';
import { addUninstall } from './verbs/uninstall.ts';
import { packageVersion } from './version.ts';

const VERBS = [
  addServe,
  addInstall,
  addUninstall,
  addDoctor,
  addAgents,
  addKeys,
  addEnrol,
  addSend,
  addInbox,
  addRead,
  addReply,
  addListen,
  addHolds,
  addOutbox,
  addMcp,
  addDemo,
];

const EXIT_HELP = `
Where the relay is, and with which key: the options above; else TURNPOST_SOCKET or TURNPOST_URL, and TURNPOST_KEY; else
--settings; else the data folder of a relay on this machine (TURNPOST_DATA_DIR), with its admin key.

Exit codes:
${Object.values(EXIT_CODES)
  .map(({ code, meaning }) => `  ${code}  ${meaning}`)
  .join('\n')}`;

/** Runs one command and returns its exit code; never throws, never exits. */
export async function runCommandLine(args: readonly string[], world: CliWorld): Promise<number> {
  const program = buildProgram(world);
  try {
    await program.parseAsync(args, { from: 'user' });
    return EXIT_CODES.ok.code;
  } catch (error) {
    // Commander has written its own message already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok.code : EXIT_CODES.usage.code;
    world.stderr.write(`turnpost: ${describeError(error)}\n`);
    return EXIT_CODES[exitOf(error)].code;
  }
}

export function buildProgram(world: CliWorld): Command {
  const program = new Command('turnpost')
    .description('a post office for coding agents')
    .version(packageVersion())
    .option('--json', 'answer in JSON')
    .option('--url <url>', 'address of the relay')
    .option('--socket <path>', "the relay's Unix socket")
    .option('--key <key>', 'key of an agent or admin')
    .option('--settings <file>', 'JSON file with url or socket, and key, like turnpost.json')
    .option('--as <agent>', 'act as this agent, with the admin key')
    .addHelpText('after', EXIT_HELP)
    .showHelpAfterError('("turnpost --help" shows how it is written)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      writeErr: (text) => world.stderr.write(text),
    })
    .exitOverride();
  const cli = new Cli(world, program);
  for (const add of VERBS) add(program, cli);
  return program;
}
