/**
 * The words of the installer: what is asked for, what a client program looks like to us, and the plan that comes out.
 *
 * A plan is a value: making one reads files and writes none, so that `--dry-run` shows exactly what would happen.
 */
import type { FileView } from './file-view.ts';

export type ClientName =
  | 'claude'
  | 'gemini'
  | 'codex'
  | 'claude-desktop'
  | 'cursor'
  | 'windsurf'
  | 'vscode'
  | 'opencode';

/** How the client's machine reaches the relay: one or both; hooks prefer a socket that is there. */
export interface RelayAddress {
  readonly url?: string;
  readonly socket?: string;
}

export interface InstallRequest {
  readonly client: ClientName;
  /** The project folder. */
  readonly dir: string;
  /** The agent's address, for the instructions file. */
  readonly agent: string;
  readonly relay: RelayAddress;
  readonly key: string;
  /** Claude Code only: hooks of `type: "http"`, which start no process. */
  readonly http?: boolean;
  /** Where hooks/, templates/ and the command line lie. */
  readonly packageRoot: string;
}

/** The machine as the plan sees it; handed in by tests, `thisMachine()` otherwise. */
export interface Machine {
  readonly view: FileView;
  readonly home: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of whoever runs this; undefined where the platform has none. */
  readonly uid: number | undefined;
  /** Absolute path of the node that hooks and the MCP server are started with. */
  readonly node: string;
}

/** What one of our hooks does; the file is `hooks/<duty>.mjs`. */
export const DUTIES = ['end-of-turn', 'session-start', 'prompt', 'session-end'] as const;
export type Duty = (typeof DUTIES)[number];

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** A value of ours under a key of the user's settings. Keys we do not name inside it stay as the user set them. */
export interface OwnedKey {
  readonly at: readonly string[];
  readonly value: unknown;
}

/** One handler under `hooks.<event>`. */
export interface HookEntry {
  readonly event: string;
  readonly handler: Readonly<Record<string, unknown>>;
}

/** What we put into a file that may be the user's. */
export type Edit =
  | {
      readonly format: 'json';
      readonly path: string;
      readonly keys: readonly OwnedKey[];
      readonly hooks: readonly HookEntry[];
      /** It will hold the key: mode 0600, and never a file that git tracks. */
      readonly secret?: boolean;
    }
  | { readonly format: 'toml'; readonly path: string; readonly key: OwnedKey }
  | { readonly format: 'section'; readonly path: string; readonly section: Section };

/** Lines of ours between two markers; the first line tells our sections for several clients apart. */
export interface Section {
  readonly begin: string;
  readonly end: string;
  readonly lines: readonly string[];
}

/** What a client's file may draw on to say what it wants written. */
export interface Setup {
  readonly machine: Machine;
  readonly dir: string;
  /** Our own folder of this client, absolute. */
  readonly folder: string;
  readonly agent: string;
  readonly relayUrl: string;
  readonly key: string;
  readonly http: boolean;
  /** `turnpost mcp` with the settings file of this project. */
  readonly mcp: Command;
  /** The instructions from templates/, filled in. */
  readonly instructions: readonly string[];
  hookCommand(duty: Duty): string;
  /** Did an earlier install change that file? */
  wasChanged(path: string): boolean;
}

/** A coding-agent program, one file in clients/ and one row in registry.ts. */
export interface Client {
  readonly name: ClientName;
  /** As people write it. */
  readonly title: string;
  /** Does it run our hooks, or is it served by MCP alone? */
  readonly hooks: boolean;
  /** The folder that is ours alone: settings with the key, copies of the hooks, the record. Absolute. */
  folder(place: Pick<Setup, 'machine' | 'dir'>): string;
  edits(setup: Setup): readonly Edit[];
  /** Settings files whose hooks this client runs besides those of `edits`. */
  otherSettings(place: Pick<Setup, 'machine' | 'dir'>): readonly string[];
  /** What the person must still do, and should know; trust steps first. */
  notes(setup: Setup): readonly string[];
}

export interface FileChange {
  readonly path: string;
  /** Null: there is no such file. */
  readonly before: string | null;
  /** Null: the file goes away. */
  readonly after: string | null;
  /** Permissions to set; null leaves them (a new file then gets the usual ones). */
  readonly mode: number | null;
  /** Copied whole from the package: shown by name, not line by line. */
  readonly copied: boolean;
}

export interface Plan {
  readonly client: ClientName;
  readonly title: string;
  readonly dir: string;
  readonly changes: readonly FileChange[];
  /** Made with mode 0700 if missing, because the key lies in it. */
  readonly privateFolder: string | null;
  /** Removed afterwards if nothing is left in them; deepest first. */
  readonly emptyFolders: readonly string[];
  readonly notes: readonly string[];
  /** Texts that are never shown. */
  readonly secrets: readonly string[];
}
