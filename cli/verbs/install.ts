/**
 * turnpost install: hooks, MCP server and instructions into a client's project. On the relay's own machine it makes the
 * agent itself. All is planned before anything is made, so a file that cannot be changed costs neither agent nor key.
 */
import path from 'node:path';
import { Argument, type Command } from 'commander';
import { type Connection, readSettings, type Settings } from '../../client/connection.ts';
import { TurnpostClient } from '../../client/turnpost-client.ts';
import type { Cli } from '../cli.ts';
import { applyPlan } from '../install/apply-plan.ts';
import { planInstall } from '../install/plan-install.ts';
import { CLIENTS, getClient } from '../install/registry.ts';
import { SETTINGS_FILE, thisMachine } from '../install/setup.ts';
import type { Plan } from '../install/types.ts';
import { explainNoRelay } from '../no-relay.ts';
import { decideAgent, type Obtained, type ProjectAgent } from '../project-agent.ts';
import { reportPlan } from '../report-plan.ts';
import { packageRoot } from '../version.ts';

interface InstallOptions {
  readonly dir?: string;
  readonly agent?: string;
  readonly relay?: string;
  readonly http?: true;
  readonly dryRun?: true;
}

/** Stands for a key that is not made yet; shown masked like any other. */
const KEY_TO_COME = 'tp_agent_made_by_the_install';

export function addInstall(program: Command, cli: Cli): void {
  program
    .command('install')
    .description('set a project up for mail: hooks, MCP server, instructions')
    .addArgument(new Argument('<client>', 'the program the agent runs in').choices(Object.keys(CLIENTS)))
    .option('--dir <folder>', "the project's folder; default: this one")
    .option('--agent <name>', 'the agent to be; default: that of an earlier install, else one named after the folder')
    .option('--relay <url>', 'where the relay is; default: on this machine')
    .option('--http', 'Claude Code: hooks over HTTP, which start no process but show an error while the relay is down')
    .option('--dry-run', 'show what would change, and change nothing')
    .action((client: string, options: InstallOptions) => install(client, options, cli));
}

async function install(clientName: string, options: InstallOptions, cli: Cli): Promise<void> {
  const dir = path.resolve(cli.world.cwd, options.dir ?? '.');
  const { name: client, title } = getClient(clientName);
  const earlier = earlierInstalls(clientName, dir);
  const found = findRelay(options, earlier, cli);
  const { relay } = found;
  const agent = await decide(found, { dir, earlier, program: title, name: options.agent }, cli);
  const planWith = ({ address, key }: Pick<Obtained, 'address' | 'key'>): Plan =>
    planInstall({
      client,
      dir,
      agent: address,
      relay: 'url' in relay ? { url: relay.url } : { socket: relay.socketPath },
      key,
      http: options.http ?? false,
      packageRoot: packageRoot(),
    });
  const trial = planWith({ address: agent.address, key: agent.key ?? KEY_TO_COME });
  const { address, plan } = options.dryRun ? { address: agent.address, plan: trial } : await carryOut(agent, planWith);
  const facts = { agent: address, key: agent.how };
  await reportPlan(plan, { done: !options.dryRun, facts, headline: headline(agent, options) }, cli);
}

async function carryOut(
  agent: ProjectAgent,
  planWith: (obtained: Obtained) => Plan,
): Promise<{ readonly address: string; readonly plan: Plan }> {
  const obtained = await agent.obtain();
  try {
    const plan = planWith(obtained);
    applyPlan(plan);
    return { address: obtained.address, plan };
  } catch (error) {
    await obtained.takeBack();
    throw error;
  }
}

function headline({ name, how }: ProjectAgent, { dryRun }: InstallOptions): string {
  const did: Readonly<Record<ProjectAgent['how'], string>> = {
    found: `Agent ${name}, as installed before.`,
    'key given': `Agent ${name}, by the key given.`,
    'new key': `Agent ${name} ${dryRun ? 'would get' : 'got'} a key for this project.`,
    'new agent': `Agent ${name} ${dryRun ? 'would be' : 'is'} registered.`,
  };
  return did[how];
}

/** What installs left in this project: this client's first, then those of others, whose agent it shares. */
function earlierInstalls(clientName: string, dir: string): Settings[] {
  const machine = thisMachine();
  const own = getClient(clientName);
  const folders = [own, ...Object.values(CLIENTS)].map((client) => client.folder({ machine, dir }));
  const inside = folders.filter((folder, index) => index === 0 || folder.startsWith(dir + path.sep));
  return [...new Set(inside)].flatMap((folder) => readSettings(path.join(folder, SETTINGS_FILE)) ?? []);
}

type FoundRelay = Pick<Connection, 'relay' | 'searchedFolder'>;

function findRelay(options: InstallOptions, earlier: readonly Settings[], cli: Cli): FoundRelay {
  const url = options.relay ?? cli.shared.url;
  const asked = url !== undefined || cli.shared.socket !== undefined;
  const before = earlier.find(({ relay }) => relay !== undefined)?.relay;
  return asked || before === undefined ? cli.connection({ url }) : { relay: before, searchedFolder: undefined };
}

interface Wish {
  readonly dir: string;
  readonly earlier: readonly Settings[];
  readonly program: string;
  readonly name: string | undefined;
}

async function decide(found: FoundRelay, { earlier, ...wish }: Wish, cli: Cli): Promise<ProjectAgent> {
  const { relay } = found;
  const where = 'url' in relay ? { url: relay.url } : { socketPath: relay.socketPath };
  const given = cli.shared.key;
  const adminKey = cli.connection({ ...where, key: undefined, scope: 'admin' }).key;
  const client = new TurnpostClient({ relay, program: 'cli' });
  try {
    const earlierKeys = earlier.flatMap(({ key }) => key ?? []);
    const admin = adminKey === undefined ? undefined : client.as({ key: adminKey });
    // `obtain` runs later, on connections that open again by themselves.
    return await decideAgent({ ...wish, earlierKeys, key: given }, admin, client);
  } catch (error) {
    throw explainNoRelay(error, found);
  } finally {
    client.close();
  }
}
