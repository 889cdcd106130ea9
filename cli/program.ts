/** The verbs under one program, and the way from a failure to stderr and an exit code. Each verb is a file in verbs/. */
import { Command, CommanderError } from 'commander';
import { Cli, type CliWorld } from './cli.ts';
import { describeError, EXIT_CODES, exitOf } from './exit-code.ts';
import { packageVersion } from './version.ts';

type AddVerb = (program: Command, cli: Cli) => void;

export type Verbs = Readonly<Record<string, () => Promise<AddVerb>>>;

/**
 * Each verb is loaded only when it is called: a host waits for `turnpost mcp`, and Codex 0.169.0 goes on without its
 * tools after one second (measured).
 */
const VERBS: Verbs = {
  serve: async () => (await import('./verbs/serve.ts')).addServe,
  install: async () => (await import('./verbs/install.ts')).addInstall,
  uninstall: async () => (await import('./verbs/uninstall.ts')).addUninstall,
  doctor: async () => (await import('./verbs/doctor.ts')).addDoctor,
  agents: async () => (await import('./verbs/agents.ts')).addAgents,
  keys: async () => (await import('./verbs/keys.ts')).addKeys,
  enrol: async () => (await import('./verbs/enrol.ts')).addEnrol,
  send: async () => (await import('./verbs/send.ts')).addSend,
  inbox: async () => (await import('./verbs/inbox.ts')).addInbox,
  inboxes: async () => (await import('./verbs/inboxes.ts')).addInboxes,
  read: async () => (await import('./verbs/read.ts')).addRead,
  reply: async () => (await import('./verbs/reply.ts')).addReply,
  listen: async () => (await import('./verbs/listen.ts')).addListen,
  holds: async () => (await import('./verbs/holds.ts')).addHolds,
  suppressions: async () => (await import('./verbs/suppressions.ts')).addSuppressions,
  domain: async () => (await import('./verbs/domain.ts')).addDomain,
  outbox: async () => (await import('./verbs/outbox.ts')).addOutbox,
  oauth: async () => (await import('./verbs/oauth.ts')).addOauth,
  mcp: async () => (await import('./verbs/mcp.ts')).addMcp,
  demo: async () => (await import('./verbs/demo.ts')).addDemo,
};

/** Every verb that is named anywhere, since options may come first; all of them where help is asked for or none is named. */
function verbsFor(args: readonly string[], verbs: Verbs): (() => Promise<AddVerb>)[] {
  const named = Object.keys(verbs).filter((verb) => args.includes(verb));
  const all = named.length === 0 || args.some((arg) => arg === 'help' || arg === '--help' || arg === '-h');
  return (all ? Object.keys(verbs) : named).flatMap((verb) => verbs[verb] ?? []);
}

const EXIT_HELP = `
Where the relay is, and with which key: the options above; else TURNPOST_SOCKET or TURNPOST_URL, and TURNPOST_KEY; else
--settings; else the data folder of a relay on this machine (TURNPOST_DATA_DIR), with its admin key.

Exit codes:
${Object.values(EXIT_CODES)
  .map(({ code, meaning }) => `  ${code}  ${meaning}`)
  .join('\n')}`;

/** Runs one command and returns its exit code; never throws, never exits. */
export async function runCommandLine(args: readonly string[], world: CliWorld, verbs = VERBS): Promise<number> {
  const program = await buildProgram(world, args, verbs);
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

/** With the verbs that these arguments may mean; without arguments all. */
export async function buildProgram(world: CliWorld, args: readonly string[] = [], verbs = VERBS): Promise<Command> {
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
  for (const load of verbsFor(args, verbs)) (await load())(program, cli);
  return program;
}
