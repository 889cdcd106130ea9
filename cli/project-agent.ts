/**
 * Which agent a project speaks as: the one whose key an earlier install left there, the one asked for, or a new one
 * named after the folder. Deciding changes nothing; only `obtain` registers an agent or issues a key.
 */
import path from 'node:path';
import type { TurnpostClient } from '../client/turnpost-client.ts';
import { TurnpostError } from '../client/turnpost-error.ts';
import type { WireAgent } from '../relay/wire.ts';
import { CliError } from './exit-code.ts';

/** An agent with a key that works. */
export interface Obtained {
  readonly address: string;
  readonly key: string;
  /** Ends the key if it was made for this. */
  takeBack(): Promise<void>;
}

export interface ProjectAgent {
  readonly name: string;
  /** Of an agent that is not there yet: its name, since the domain is known only to the relay. */
  readonly address: string;
  readonly how: 'found' | 'key given' | 'new key' | 'new agent';
  /** Undefined: `obtain` makes it. */
  readonly key: string | undefined;
  /** Makes what is missing. */
  obtain(): Promise<Obtained>;
}

interface Wish {
  /** Keys that earlier installs left in the project, the same client's first. */
  readonly earlierKeys: readonly string[];
  readonly dir: string;
  readonly name: string | undefined;
  readonly key: string | undefined;
  /** Where a new agent runs, for its profile and the label of its key. */
  readonly program: string;
}

export async function decideAgent(
  wish: Wish,
  admin: TurnpostClient | undefined,
  client: TurnpostClient,
): Promise<ProjectAgent> {
  if (wish.key !== undefined) return withKey(wish.key, await client.as({ key: wish.key }).getAgent('me'), 'key given');
  for (const key of wish.earlierKeys) {
    const agent = await ownerOfKey(client.as({ key }));
    if (agent && (wish.name === undefined || wish.name === agent.name)) return withKey(key, agent, 'found');
  }
  if (admin === undefined) {
    // Where no relay answers, that is what is wrong.
    await client.health();
    throw new CliError(
      'unauthorized',
      'There is no key for this project. Run this on the relay\'s own machine, or pass the key of an agent by --key ("turnpost agents create" or "turnpost keys create" there prints one).',
    );
  }
  return wish.name === undefined
    ? newAgent(wish, admin, await freeName(folderName(wish.dir), admin))
    : named(wish, admin, wish.name);
}

function withKey(key: string, { name, address }: WireAgent, how: ProjectAgent['how']): ProjectAgent {
  return { name, address, how, key, obtain: async () => ({ address, key, takeBack: async () => {} }) };
}

/** Asked for by name: an agent that is there gets one more key. */
async function named(wish: Wish, admin: TurnpostClient, name: string): Promise<ProjectAgent> {
  const agent = await ifFound(admin.getAgent(name));
  if (agent === undefined) return newAgent(wish, admin, name);
  return {
    name: agent.name,
    address: agent.address,
    how: 'new key',
    key: undefined,
    async obtain() {
      const key = await admin.issueKey(agent.name, { label: `install ${wish.program}` });
      return {
        address: agent.address,
        key: key.secret,
        takeBack: async () => {
          await admin.revokeKey(agent.name, key.id, 'install failed');
        },
      };
    },
  };
}

function newAgent(wish: Wish, admin: TurnpostClient, name: string): ProjectAgent {
  return {
    name,
    address: name,
    how: 'new agent',
    key: undefined,
    async obtain() {
      const { address, key } = await admin.registerAgent({ name, program: wish.program });
      // The agent stays where an install fails: a name is never given out again, and the next try finds it.
      return {
        address,
        key: key.secret,
        takeBack: async () => {
          await admin.revokeKey(name, key.id, 'install failed');
        },
      };
    },
  };
}

/** Two projects may lie in folders of the same name, and must not become one agent unasked. */
async function freeName(wanted: string, admin: TurnpostClient): Promise<string> {
  for (let number = 1; number < 100; number += 1) {
    const name = number === 1 ? wanted : `${wanted.slice(0, 36)}-${number}`;
    if ((await ifFound(admin.getAgent(name))) === undefined) return name;
  }
  throw new CliError('error', `Agents named ${wanted} to ${wanted}-99 exist already. Choose a name with --agent.`);
}

/** `My Project!` becomes `my-project`: names are a-z, 0-9 and `-`, 39 at most. */
export function folderName(dir: string): string {
  const plain = path.basename(dir).normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const name = plain
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 39)
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'agent' : name;
}

async function ifFound<T>(ask: Promise<T>): Promise<T | undefined> {
  try {
    return await ask;
  } catch (error) {
    if (error instanceof TurnpostError && error.status === 404) return undefined;
    throw error;
  }
}

/** Undefined for a dead key. */
async function ownerOfKey(client: TurnpostClient): Promise<WireAgent | undefined> {
  try {
    return await client.getAgent('me');
  } catch (error) {
    if (error instanceof TurnpostError && (error.status === 401 || error.status === 403)) return undefined;
    throw error;
  }
}
