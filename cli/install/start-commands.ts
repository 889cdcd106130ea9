/**
 * The commands that a client starts: hooks through a shell, the MCP server without one. All paths are absolute, since a
 * client started from a desktop has another PATH, and the folder it starts in is the person's project.
 */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { FileView } from './file-view.ts';
import { InstallError } from './install-error.ts';
import type { Command } from './types.ts';

/** Where node stays at the same path when it is upgraded; the running binary's own path often names its version. */
const LASTING_NODES = [
  '/usr/local/bin/node',
  '/usr/bin/node',
  '/opt/homebrew/bin/node',
  '/home/linuxbrew/.linuxbrew/bin/node',
];

/**
 * The node to write into settings: the lasting name of the one that runs now, if it has one, else its own path. Not the
 * one found in PATH: fnm and nvm put folders there that live as long as a shell. `turnpost doctor` sees when it is gone.
 */
export function lastingNode(running: string = process.execPath, candidates: readonly string[] = LASTING_NODES): string {
  return candidates.find((candidate) => leadsTo(candidate, running)) ?? running;
}

function leadsTo(candidate: string, target: string): boolean {
  try {
    return realpathSync(candidate) === realpathSync(target);
  } catch {
    return false; // not there
  }
}

/** One word of a POSIX shell (also fish), or of cmd. */
export function quoteForShell(word: string, platform: NodeJS.Platform): string {
  return platform === 'win32' ? `"${word}"` : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * A hook as the client runs it. It never fails: Gemini CLI makes a shell's "command not found" the next prompt, so the
 * line itself ends in success.
 */
export function hookCommand(node: string, file: string, host: string, platform: NodeJS.Platform): string {
  return `${quoteForShell(node, platform)} ${quoteForShell(file, platform)} ${host} || exit 0`;
}

/** How this package's MCP server is started, without its arguments: from a checkout as it is, else the built file. */
export function mcpCommand(view: FileView, packageRoot: string, node: string): Command {
  const source = join(packageRoot, 'cli', 'mcp.cjs');
  const loader = join(packageRoot, 'node_modules', 'tsx', 'dist', 'cjs', 'index.cjs');
  if (view.read(source) !== null && view.read(loader) !== null) return { command: node, args: [source] };
  const built = join(packageRoot, 'dist', 'cli', 'turnpost.js');
  if (view.read(built) !== null) return { command: node, args: [built] };
  throw new InstallError(
    `${packageRoot} holds neither a checkout with its packages nor a built Turnpost. Run "npm ci" there, or install the package again.`,
  );
}
