/** The clients that can be installed into: one row each, in the order they are listed to people. */
import { claude } from './clients/claude.ts';
import { claudeDesktop } from './clients/claude-desktop.ts';
import { codex } from './clients/codex.ts';
import { cursor } from './clients/cursor.ts';
import { gemini } from './clients/gemini.ts';
import { opencode } from './clients/opencode.ts';
import { vscode } from './clients/vscode.ts';
import { windsurf } from './clients/windsurf.ts';
import { InstallError } from './install-error.ts';
import type { Client, ClientName } from './types.ts';

export const CLIENTS = {
  claude,
  gemini,
  codex,
  'claude-desktop': claudeDesktop,
  cursor,
  windsurf,
  vscode,
  opencode,
} as const satisfies Record<ClientName, Client>;

export function isClientName(name: string): name is ClientName {
  return Object.hasOwn(CLIENTS, name);
}

export function getClient(name: string): Client {
  if (isClientName(name)) return CLIENTS[name];
  throw new InstallError(`There is no client "${name}". It is one of: ${Object.keys(CLIENTS).join(', ')}.`);
}
