/** turnpost doctor: what is wrong, and how to mend it. Exit code 1 if something is. */
import path from 'node:path';
import type { Command } from 'commander';
import { ConnectionError, readSettings, type Settings } from '../../client/connection.ts';
import type { Cli } from '../cli.ts';
import { bad, checkRelay, type Finding, findingsText, warn } from '../doctor.ts';
import { CliError } from '../exit-code.ts';
import { CLIENTS } from '../install/registry.ts';
import { SETTINGS_FILE, thisMachine } from '../install/setup.ts';
import { packageVersion } from '../version.ts';

export function addDoctor(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description('say what is wrong with relay, key and project, and how to mend it')
    .option('--dir <folder>', "the project's folder; default: this one")
    .action(async ({ dir = '.' }: { dir?: string }) => {
      const findings = await examine(path.resolve(cli.world.cwd, dir), cli);
      await cli.answer({ findings }, () => findingsText(findings));
      const wrong = findings.filter(({ status }) => status === 'bad').length;
      if (wrong > 0)
        throw new CliError(
          'error',
          `${wrong} ${wrong === 1 ? 'thing is' : 'things are'} wrong; each says how to mend it.`,
        );
    });
}

async function examine(dir: string, cli: Cli): Promise<Finding[]> {
  return [...(await checkRelay(cli.connection(), packageVersion())), ...(await checkProject(dir))];
}

/** Each client that Turnpost was installed for here, with the key that lies there. */
async function checkProject(dir: string): Promise<Finding[]> {
  const machine = thisMachine();
  const findings: Finding[] = [];
  for (const client of Object.values(CLIENTS)) {
    const file = path.join(client.folder({ machine, dir }), SETTINGS_FILE);
    const settings = read(file);
    if (settings === undefined) continue;
    const found = 'check' in settings ? [settings] : await checkInstalled(settings, file);
    findings.push(...found.map((finding) => ({ ...finding, check: `${client.name}: ${finding.check}` })));
  }
  if (findings.length > 0) return findings;
  return [
    warn('project', `Turnpost is not installed in ${dir}`, 'Run "turnpost install claude" (or gemini, codex, ...).'),
  ];
}

function read(file: string): Settings | Finding | undefined {
  try {
    return readSettings(file);
  } catch (error) {
    if (error instanceof ConnectionError) return bad('settings', error.message, 'Run "turnpost install" again.');
    throw error;
  }
}

async function checkInstalled({ relay, key }: Settings, file: string): Promise<Finding[]> {
  if (relay === undefined || key === undefined) {
    return [bad('settings', `${file} lacks the relay or the key`, 'Run "turnpost install" again.')];
  }
  return checkRelay({ relay, key, keySource: file }, packageVersion());
}
