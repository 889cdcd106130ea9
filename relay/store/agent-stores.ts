/** What the rules may ask of storage about agents, their keys and enrolments. The promises are those of stores.ts. */
import type { Agent, Key } from '../types.ts';
import type { Page, PageRequest, Receipt } from './stores.ts';

export interface AgentFilter {
  readonly query?: string | undefined;
  readonly capability?: string | undefined;
}

export type AgentChanges = Partial<
  Pick<Agent, 'displayName' | 'description' | 'capabilities' | 'owner' | 'host' | 'program' | 'model'>
>;

export interface AgentStore {
  /**
   * Agent and first key. With `enrolmentHash` the code is used up in the same transaction.
   * Throws `name_taken`, or `expired` where the code was used meanwhile.
   */
  register(input: {
    readonly agent: Agent;
    readonly key: Key;
    readonly enrolmentHash?: string | undefined;
    readonly receipt?: Receipt | undefined;
  }): Promise<void>;
  /** By name, deleted ones included. */
  findByName(name: string): Promise<Agent | undefined>;
  find(id: string): Promise<Agent | undefined>;
  /** Living agents by name. */
  list(filter: AgentFilter, page: PageRequest): Promise<Page<Agent>>;
  patch(id: string, changes: AgentChanges, now: number): Promise<Agent | undefined>;
  /** Ends the agent: keys revoked, leases ended, open deliveries to it `cancelled`. False where it was ended already. */
  end(id: string, now: number): Promise<boolean>;
}

export interface KeyStore {
  /** Issues the key if it is new; other keys with its label are dead from now on. */
  replaceConfigured(key: Key, now: number): Promise<void>;
  issue(key: Key, receipt?: Receipt): Promise<void>;
  findByHash(hash: string): Promise<Key | undefined>;
  find(id: string): Promise<Key | undefined>;
  /** Adds `next` and lets the old one live until `oldExpiresAt`. False where the old one is dead. */
  rotateIfLive(id: string, next: Key, oldExpiresAt: number, receipt?: Receipt): Promise<boolean>;
  /**
   * Kills the key: its leases are released; with `compromised`, what it sent and nobody has yet is held, at once or
   * when a lease that covers it ends without evidence. `held` counts the former.
   * Undefined where it was dead already; only `compromised` may still be said of a dead one, once.
   */
  revokeIfLive(id: string, now: number, reason: string | null): Promise<{ readonly held: number } | undefined>;
}

export interface EnrolmentRow {
  readonly hash: string;
  readonly name: string | null;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly usedAt: number | null;
  /** The agent's first key may use disposable inboxes through MCP. */
  readonly mcpAccess: boolean;
}

export interface EnrolmentStore {
  create(enrolment: EnrolmentRow, receipt?: Receipt): Promise<void>;
  find(hash: string): Promise<EnrolmentRow | undefined>;
}
