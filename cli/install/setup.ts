/** What a client's file may draw on, built from a request; and the machine it is for. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { diskView } from './file-view.ts';
import { InstallError } from './install-error.ts';
import { type InstallRecord, recordedPath } from './record.ts';
import { hookCommand, lastingNode, mcpCommand } from './start-commands.ts';
import type { Client, InstallRequest, Machine, Setup } from './types.ts';

export const SETTINGS_FILE = 'turnpost.json';
const INSTRUCTIONS = join('templates', 'agent-instructions.md');

export function thisMachine(): Machine {
  const { platform, env, getuid } = process;
  return { view: diskView, home: homedir(), platform, env, uid: getuid?.(), node: lastingNode() };
}

/** Throws InstallError for a request that cannot be meant. */
export function checkRequest(request: InstallRequest, client: Client, machine: Machine): void {
  const { relay, http, key } = request;
  if (!machine.view.isFolder(resolve(request.dir))) {
    throw new InstallError(`${resolve(request.dir)} is not a folder. Name the project's folder with --dir.`);
  }
  if (relay.url === undefined && relay.socket === undefined) {
    throw new InstallError('Say where the relay is: by its URL (--relay), or by the path of its socket.');
  }
  if (http === true && client.name !== 'claude') {
    throw new InstallError(`--http is for Claude Code only: ${client.title} has no http hooks. Leave it out.`);
  }
  if (http === true && relay.url === undefined) {
    throw new InstallError('--http needs the URL of the relay: http hooks cannot use a socket. Add --relay URL.');
  }
  if (!/^[\x21-\x7e]+$/.test(key)) throw new InstallError('The key is empty or holds blanks. Pass the whole key.');
}

export function installSetup(request: InstallRequest, client: Client, machine: Machine, record?: InstallRecord): Setup {
  const dir = resolve(request.dir);
  const server = mcpCommand(machine.view, request.packageRoot, machine.node);
  const folder = client.folder({ machine, dir });
  return {
    ...bareSetup(client, machine, dir),
    agent: request.agent,
    relayUrl: request.relay.url ?? '',
    key: request.key,
    http: request.http ?? false,
    mcp: { command: server.command, args: [...server.args, 'mcp', '--settings', join(folder, SETTINGS_FILE)] },
    instructions: client.hooks ? instructions(request, client, machine) : [],
    wasChanged: (path) => record?.files.some((file) => file.path === recordedPath(dir, path)) ?? false,
  };
}

/** Enough to know which files and which entries are concerned: for an uninstall, which writes no values. */
export function bareSetup(client: Client, machine: Machine, dir: string): Setup {
  const folder = client.folder({ machine, dir });
  return {
    machine,
    dir,
    folder,
    agent: '',
    relayUrl: '',
    key: '',
    http: true, // every file that any way of installing changes
    mcp: { command: '', args: [] },
    instructions: [heading(client)],
    hookCommand: (duty) => hookCommand(machine.node, join(folder, `${duty}.mjs`), client.name, machine.platform),
    wasChanged: () => true,
  };
}

const heading = (client: Client): string => `## Turnpost in ${client.title}`;

/** The first line is the heading, by which the section is found again. */
function instructions({ packageRoot, agent }: InstallRequest, client: Client, { view }: Machine): string[] {
  const template = readPackageFile(view, packageRoot, INSTRUCTIONS);
  const text = template.replaceAll('{{client}}', client.title).replaceAll('{{agent}}', agent);
  return text.trim().split(/\r?\n/);
}

export function readPackageFile(view: Machine['view'], packageRoot: string, file: string): string {
  const path = join(packageRoot, file);
  const state = view.read(path);
  if (state === null) throw new InstallError(`${path} is missing: this package is not whole. Install Turnpost again.`);
  return state.text;
}
