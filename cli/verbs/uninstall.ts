/** turnpost uninstall: takes back exactly what install put into a project. The agent and its mail stay. */
import path from 'node:path';
import { Argument, type Command } from 'commander';
import type { Cli } from '../cli.ts';
import { applyPlan } from '../install/apply-plan.ts';
import { planUninstall } from '../install/plan-uninstall.ts';
import { CLIENTS, getClient } from '../install/registry.ts';
import { reportPlan } from '../report-plan.ts';

interface UninstallOptions {
  readonly dir?: string;
  readonly dryRun?: true;
}

export function addUninstall(program: Command, cli: Cli): void {
  program
    .command('uninstall')
    .description('take out of a project what install put in; the agent and its mail stay')
    .addArgument(new Argument('<client>', 'the program').choices(Object.keys(CLIENTS)))
    .option('--dir <folder>', "the project's folder; default: this one")
    .option('--dry-run', 'show what would change, and change nothing')
    .action(async (clientName: string, { dir = '.', dryRun }: UninstallOptions) => {
      const client = getClient(clientName).name;
      const plan = planUninstall({ client, dir: path.resolve(cli.world.cwd, dir) });
      if (!dryRun) applyPlan(plan);
      const headline = 'The agent and its mail stay; "turnpost agents delete" ends it.';
      await reportPlan(plan, { done: !dryRun, facts: {}, headline }, cli);
    });
}
