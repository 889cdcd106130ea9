/** What every verb stands on: the streams, the options that all verbs share, the relay, and the two ways to answer. */
import type { Readable, Writable } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { type Connection, type ConnectionRequest, findConnection } from '../client/connection.ts';
import { TurnpostClient } from '../client/turnpost-client.ts';
import { CliError } from './exit-code.ts';
import { explainNoRelay } from './no-relay.ts';

export interface CliWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly cwd: string;
  /** Aborts on SIGINT, SIGTERM and when nobody reads stdout any more. */
  readonly signal: AbortSignal;
}

export interface SharedOptions {
  readonly json?: true;
  readonly url?: string;
  readonly socket?: string;
  readonly key?: string;
  readonly settings?: string;
  readonly as?: string;
}

/** How long the key of `--as` may live if the process dies before it can take it back; only this process knows it. */
const AS_KEY_MS = 3_600_000;

export class Cli {
  readonly world: CliWorld;
  readonly #shared: () => SharedOptions;

  constructor(world: CliWorld, program: Command) {
    this.world = world;
    this.#shared = () => program.opts<SharedOptions>();
  }

  get shared(): SharedOptions {
    return this.#shared();
  }

  connection(more: Partial<ConnectionRequest> = {}): Connection {
    const { url, socket, key, settings } = this.shared;
    return findConnection({ env: this.world.env, url, socketPath: socket, key, settingsFile: settings, ...more });
  }

  /** For what any key may do. */
  async withClient<T>(use: (client: TurnpostClient) => Promise<T>): Promise<T> {
    return this.#use(this.connection(), use);
  }

  /** For what only an admin may do: finds the admin key even where an agent's key is set. */
  async withAdmin<T>(use: (client: TurnpostClient) => Promise<T>): Promise<T> {
    const connection = this.connection({ scope: 'admin' });
    return connection.key === undefined ? this.#refuse(connection, noAdminKey()) : this.#use(connection, use);
  }

  /**
   * For what an agent does with its mail. With `--as` an admin gets a key of that agent for the time of the command:
   * the interface lets no admin key read mail, and what is done in an agent's name stands under a key with a label.
   */
  async withAgent<T>(use: (client: TurnpostClient) => Promise<T>, keyMs = AS_KEY_MS): Promise<T> {
    const { as } = this.shared;
    if (as === undefined) {
      const connection = this.connection({ scope: 'agent' });
      return connection.key === undefined ? this.#refuse(connection, needsAgent()) : this.#use(connection, use);
    }
    return this.withAdmin(async (admin) => {
      const expires_at = new Date(Date.now() + keyMs).toISOString();
      const key = await admin.issueKey(as, { label: 'turnpost --as', expires_at });
      try {
        return await use(admin.as({ key: key.secret }));
      } finally {
        // Also when the command was stopped by a signal.
        await admin.as({ signal: undefined }).revokeKey(as, key.id, 'command ended');
      }
    });
  }

  async #use<T>(connection: Connection, use: (client: TurnpostClient) => Promise<T>): Promise<T> {
    const { relay, key } = connection;
    const client = new TurnpostClient({ relay, key, program: 'cli', signal: this.world.signal });
    try {
      return await use(client);
    } catch (error) {
      throw explainNoRelay(error, connection);
    } finally {
      client.close();
    }
  }

  /** A key is only asked for where a relay answers: without one that comes first. */
  #refuse(connection: Connection, error: CliError): Promise<never> {
    return this.#use(connection, async (client) => {
      await client.health();
      throw error;
    });
  }

  /** One JSON value under `--json`, else the text for people. */
  async answer(value: unknown, text: () => string): Promise<void> {
    await this.print(this.shared.json ? JSON.stringify(value) : text());
  }

  /** Resolves when the line has left this process. */
  print(line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.world.stdout.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** For people, and beside `--json`: never part of the answer. */
  note(line: string): void {
    this.world.stderr.write(`${line}\n`);
  }

  /** The words given, or stdin where there are none or `-`. */
  async bodyText(words: readonly string[]): Promise<string> {
    const { stdin } = this.world;
    if (words.length > 0 && !(words.length === 1 && words[0] === '-')) return words.join(' ');
    if (stdin.isTTY && words.length === 0) {
      throw new CliError('usage', 'There is no text. Write it after the recipient, or pipe it in.');
    }
    const piped = (await readAll(stdin)).replace(/\n$/, '');
    if (piped === '') throw new CliError('usage', 'The text from stdin is empty. Nothing was sent.');
    return piped;
  }
}

function noAdminKey(): CliError {
  return new CliError(
    'unauthorized',
    'This needs the admin key, and there is none here. It lies in admin.key in the data folder of the relay; give it by --key or TURNPOST_KEY.',
  );
}

function needsAgent(): CliError {
  return new CliError(
    'usage',
    'Mail belongs to agents, and there is no agent\'s key here. Say whose mail: --as NAME ("turnpost agents list" shows them), or set TURNPOST_KEY.',
  );
}
