/** The rows that `turnpost doctor` prints, and what a check of an installation may look at. */
import { InstallError } from './install-error.ts';
import { JsoncDocument } from './jsonc-document.ts';
import { TomlDocument } from './toml-document.ts';
import type { Client, Edit, Machine } from './types.ts';

export interface CheckRow {
  readonly name: string;
  /** False: it does not work as it is. A warning works, but should be known. */
  readonly ok: boolean;
  readonly warning: boolean;
  readonly message: string;
  /** What to do; empty where there is nothing to do. */
  readonly fix: string;
}

/** What every check may look at. */
export interface Patient {
  readonly client: Client;
  readonly machine: Machine;
  readonly dir: string;
  readonly folder: string;
  readonly edits: readonly Edit[];
  readonly install: string;
}

export const pass = (name: string, message: string): CheckRow => ({ name, ok: true, warning: false, message, fix: '' });
export const fail = (name: string, message: string, fix: string): CheckRow => ({
  name,
  ok: false,
  warning: false,
  message,
  fix,
});
export const warn = (name: string, message: string, fix: string): CheckRow => ({
  name,
  ok: true,
  warning: true,
  message,
  fix,
});

/** A settings file as a value; undefined if it is missing or does not parse (another check says so). */
export function readSettings({ view }: Machine, path: string): unknown {
  const state = view.read(path);
  if (state === null) return undefined;
  try {
    return path.endsWith('.toml')
      ? new TomlDocument(state.text, path).get([])
      : new JsoncDocument(state.text, path).get([]);
  } catch (error) {
    if (error instanceof InstallError) return undefined;
    throw error;
  }
}
