/**
 * Where is the relay, and with which key? The first source that answers wins, each for address and key together with
 * those after it: options, environment, a settings file, and last the relay's own data folder on this machine.
 * An admin key that merely lies on this machine is never sent to another one.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import type { RelayAddress } from './http-exchange.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface ConnectionRequest {
  readonly env: Env;
  readonly url?: string | undefined;
  readonly socketPath?: string | undefined;
  readonly key?: string | undefined;
  /** A JSON file like `turnpost.json`: `{url | socket, key}`. */
  readonly settingsFile?: string | undefined;
  /** Keys of the other scope are passed over, wherever they are found. */
  readonly scope?: 'admin' | 'agent' | undefined;
}

export interface Connection {
  readonly relay: RelayAddress;
  readonly key: string | undefined;
  /** Where the key came from, for messages to people. */
  readonly keySource: string | undefined;
  /** The data folder a relay of this machine was looked for in, since nobody said where it is; else undefined. */
  readonly searchedFolder: string | undefined;
}

/** Settings that cannot be used: says which, where, and what would be right. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

const SettingsFile = z.object({
  url: z.string().optional(),
  socket: z.string().optional(),
  key: z.string().optional(),
});

/** What a settings file says. */
export interface Settings {
  readonly relay?: RelayAddress | undefined;
  readonly key?: string | undefined;
}

/** What is tried where nobody says where the relay is and no socket lies in the data folder. */
const DEFAULT_URL = 'http://127.0.0.1:8725';

export function findConnection(request: ConnectionRequest): Connection {
  const file = request.settingsFile === undefined ? {} : needSettings(request.settingsFile);
  const said = saidRelay(request, file);
  const relay = said ?? relayOfThisMachine(request.env);
  const key = findKey(request, file, staysHere(relay));
  // A settings file is one pair: its key goes to its relay, whatever the environment names.
  const paired = key?.source === request.settingsFile ? file.relay : undefined;
  const named = address(request.url, request.socketPath, 'the options');
  return {
    relay: named ?? paired ?? relay,
    key: key?.value,
    keySource: key?.source,
    searchedFolder: said === undefined ? dataFolder(request.env) : undefined,
  };
}

/** `TURNPOST_DATA_DIR`, else `$XDG_DATA_HOME/turnpost`, else `~/.local/share/turnpost`, as the relay itself decides. */
export function dataFolder(env: Env): string {
  const own = env['TURNPOST_DATA_DIR'];
  if (own) return path.resolve(own.replace(/^~(?=\/|$)/, homedir()));
  return path.join(env['XDG_DATA_HOME'] || path.join(homedir(), '.local/share'), 'turnpost');
}

function saidRelay({ env, url, socketPath }: ConnectionRequest, file: Settings): RelayAddress | undefined {
  const socket = env['TURNPOST_SOCKET'] === 'off' ? undefined : env['TURNPOST_SOCKET'];
  return address(url, socketPath, 'the options') ?? address(env['TURNPOST_URL'], socket, 'TURNPOST_URL') ?? file.relay;
}

function relayOfThisMachine(env: Env): RelayAddress {
  const own = path.join(dataFolder(env), 'relay.sock');
  return existsSync(own) ? { socketPath: own } : { url: DEFAULT_URL };
}

function address(url: string | undefined, socketPath: string | undefined, source: string): RelayAddress | undefined {
  if (socketPath) return { socketPath };
  if (!url) return undefined;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new ConnectionError(`The relay's address in ${source} is not a URL like http://127.0.0.1:8725.`);
  }
  return { url };
}

interface FoundKey {
  readonly value: string;
  readonly source: string;
}

/** A project may name any relay it likes: the admin key of this machine's relay is not for that one. */
function staysHere(relay: RelayAddress): boolean {
  return 'socketPath' in relay || /^(127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/.test(new URL(relay.url).hostname);
}

function findKey(request: ConnectionRequest, file: Settings, local: boolean): FoundKey | undefined {
  const { env } = request;
  const adminFile = path.join(dataFolder(env), 'admin.key');
  const sources: readonly (readonly [string | undefined, string])[] = [
    [request.key, 'the option --key'],
    [env['TURNPOST_KEY'], 'TURNPOST_KEY'],
    [file.key, request.settingsFile ?? ''],
    [env['TURNPOST_ADMIN_KEY'], 'TURNPOST_ADMIN_KEY'],
    [local ? readIfThere(adminFile) : undefined, adminFile],
  ];
  for (const [value, source] of sources) {
    if (!value || !isWanted(value, request.scope)) continue;
    // A key becomes a header: RFC 9110 5.5 allows no control characters there.
    if (!/^[\x21-\x7e]+$/.test(value)) throw new ConnectionError(`The key in ${source} holds characters no key has.`);
    return { value, source };
  }
  return undefined;
}

function isWanted(key: string, scope: ConnectionRequest['scope']): boolean {
  return scope === undefined || key.startsWith('tp_admin_') === (scope === 'admin');
}

/** Undefined where there is none, or where it is another user's. */
function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function needSettings(file: string): Settings {
  const settings = readSettings(file);
  if (settings !== undefined) return settings;
  throw new ConnectionError(`The settings file ${file} cannot be read. Is the path right?`);
}

/** Undefined where there is no such file, or it is another user's; throws ConnectionError for one that makes no sense. */
export function readSettings(file: string): Settings | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  const parsed = SettingsFile.safeParse(parseJson(text));
  if (parsed.success) return { relay: address(parsed.data.url, parsed.data.socket, file), key: parsed.data.key };
  throw new ConnectionError(`The settings file ${file} is not JSON like {"socket": "...", "key": "tp_agent_..."}.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
