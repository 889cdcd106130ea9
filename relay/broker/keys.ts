/** Keys: made, looked up, rotated, revoked. A secret is shown once; what is kept is its SHA-256. */
import { createHash } from 'node:crypto';
import { invalidRequest, RelayError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Receipt } from '../store/stores.ts';
import type { Agent, Key, KeyScope } from '../types.ts';
import type { BrokerDeps } from './deps.ts';

/** Longest an old key lives on after a rotation that names no time. */
export const DEFAULT_GRACE_MS = 10 * 60_000;

export interface Caller {
  readonly key: Key;
  /** Null for admin keys. */
  readonly agent: Agent | null;
}

export interface NewKey {
  readonly key: Key;
  /** The only time it is seen. */
  readonly secret: string;
}

/** Makes the stored receipt of an answer, where the request had an Idempotency-Key. */
export type ReceiptFor<T> = ((answer: T) => Receipt) | undefined;

export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

interface KeyWish {
  readonly scope: KeyScope;
  readonly agentId: string | null;
  readonly label?: string | undefined;
  readonly expiresAt?: number | undefined;
  readonly mcpAccess?: boolean | undefined;
  /** The line it goes on with; left out: its own. */
  readonly line?: string | undefined;
}

/** 256 random bits behind `tp_agent_` or `tp_admin_`; nothing is stored yet. */
export function makeKey(deps: Pick<BrokerDeps, 'clock' | 'randomBytes'>, wish: KeyWish): NewKey {
  const secret = `tp_${wish.scope}_${deps.randomBytes(32).toString('base64url')}`;
  return { secret, key: keyFor(deps, wish, secret) };
}

function keyFor(deps: Pick<BrokerDeps, 'clock'>, wish: KeyWish, secret: string): Key {
  const now = deps.clock.now();
  const id = newId('key', now);
  return {
    id,
    agentId: wish.agentId,
    scope: wish.scope,
    hash: hashSecret(secret),
    label: wish.label ?? null,
    createdAt: now,
    expiresAt: wish.expiresAt ?? null,
    revokedAt: null,
    revokeReason: null,
    line: wish.line ?? id,
    mcpAccess: wish.mcpAccess ?? false,
  };
}

const CONFIGURED = 'configured';

/**
 * Takes in the admin key of the settings or of the data folder. One that was configured before and is not any longer is
 * dead from then on. Throws an Error for people where this one was revoked.
 */
export async function ensureAdminKey(deps: Pick<BrokerDeps, 'stores' | 'clock'>, secret: string): Promise<void> {
  const known = await deps.stores.keys.findByHash(hashSecret(secret));
  if (known !== undefined && !isLive(known, deps.clock.now())) {
    throw new Error(
      'the admin key was revoked: remove admin.key from the data folder, or set another TURNPOST_ADMIN_KEY',
    );
  }
  const key = known ?? keyFor(deps, { scope: 'admin', agentId: null, label: CONFIGURED }, secret);
  await deps.stores.keys.replaceConfigured(key, deps.clock.now());
}

export function isLive(key: Key, now: number): boolean {
  return key.revokedAt === null && (key.expiresAt === null || key.expiresAt > now);
}

/** Who holds this secret. Throws `unauthorized` for a missing, unknown, expired or revoked one: all look the same. */
export async function authenticate(
  deps: Pick<BrokerDeps, 'stores' | 'clock'>,
  secret: string | undefined,
): Promise<Caller> {
  const key = secret ? await deps.stores.keys.findByHash(hashSecret(secret)) : undefined;
  if (key === undefined || !isLive(key, deps.clock.now())) throw new RelayError('unauthorized');
  if (key.agentId === null) return { key, agent: null };
  const agent = await deps.stores.agents.find(key.agentId);
  if (agent === undefined || agent.deletedAt !== null) throw new RelayError('unauthorized');
  return { key, agent };
}

/** For those who waited: the key may have died meanwhile. Throws `unauthorized`. */
export async function checkStillLive(deps: Pick<BrokerDeps, 'stores' | 'clock'>, caller: Caller): Promise<void> {
  const key = await deps.stores.keys.find(caller.key.id);
  if (key === undefined || !isLive(key, deps.clock.now())) throw new RelayError('unauthorized');
}

export async function issueKey(
  deps: BrokerDeps,
  agent: Agent,
  wish: {
    readonly scope?: KeyScope | undefined;
    readonly expiresAt?: number | undefined;
    readonly label?: string | undefined;
    readonly mcpAccess?: boolean | undefined;
  },
  receiptFor: ReceiptFor<NewKey>,
): Promise<NewKey> {
  const scope = wish.scope ?? 'agent';
  if (scope === 'admin' && wish.label === CONFIGURED) {
    throw invalidRequest([{ path: 'label', message: `"${CONFIGURED}" names the key of the settings; choose another` }]);
  }
  const made = makeKey(deps, { ...wish, scope, agentId: scope === 'admin' ? null : agent.id });
  await deps.stores.keys.issue(made.key, receiptFor?.(made));
  return made;
}

/** The old key lives on for `graceMs`, so that its holder can change over without a gap. */
export async function rotateKey(
  deps: BrokerDeps,
  agent: Agent,
  keyId: string,
  graceMs: number,
  receiptFor: ReceiptFor<NewKey>,
): Promise<NewKey> {
  const old = await keyOf(deps, agent, keyId);
  // A key that was to die dies when it was to: rotation changes the secret, not the right.
  const made = makeKey(deps, {
    scope: old.scope,
    agentId: old.agentId,
    label: old.label ?? undefined,
    expiresAt: old.expiresAt ?? undefined,
    mcpAccess: old.mcpAccess,
    line: old.line,
  });
  const rotated = await deps.stores.keys.rotateIfLive(keyId, made.key, deps.clock.now() + graceMs, receiptFor?.(made));
  if (!rotated) throw new RelayError('state_conflict', { message: 'That key is expired or revoked; issue a new one.' });
  return made;
}

/** Dead at once in every face: who waits with it is woken and refused. Admin keys are no agent's, so any agent will do. */
export async function revokeKey(deps: BrokerDeps, agent: Agent, keyId: string, reason: string | null): Promise<Key> {
  const key = await keyOf(deps, agent, keyId, { adminToo: true });
  const now = deps.clock.now();
  const revoked = await deps.stores.keys.revokeIfLive(keyId, now, reason);
  if (revoked === undefined) throw new RelayError('state_conflict', { message: 'That key was dead already.' });
  deps.log.info({ key_id: keyId, agent: agent.name, reason, held: revoked.held }, 'key revoked');
  deps.wake([agent.id, key.id]);
  return { ...key, revokedAt: now, revokeReason: reason };
}

async function keyOf(deps: BrokerDeps, agent: Agent, keyId: string, { adminToo = false } = {}): Promise<Key> {
  const key = await deps.stores.keys.find(keyId);
  const isMeant = key?.agentId === agent.id || (adminToo && key?.agentId === null);
  if (key === undefined || !isMeant) {
    throw new RelayError('not_found', { message: `${agent.name} has no key ${keyId}.` });
  }
  return key;
}
