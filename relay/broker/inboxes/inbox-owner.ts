/**
 * Whose a disposable inbox is: the line of a key, or whoever has the session token that its first answer held. What one
 * owner has no other sees, not even that it is there.
 */
import { createHmac } from 'node:crypto';
import type { InboxOwnerType, InboxQuota } from '../../disposable-inbox.ts';
import { RelayError } from '../../errors.ts';
import type { InboxReader } from '../../store/stores.ts';
import type { BrokerDeps } from '../deps.ts';
import { authenticate, type Caller, hashSecret } from '../keys.ts';

export interface InboxOwner {
  readonly type: InboxOwnerType;
  readonly id: string;
  readonly quotaKey: string;
  readonly quota: InboxQuota;
  /** Null for anonymous ones. */
  readonly caller: Caller | null;
  /** Of a session that begins with this request: shown in its answer, kept as a hash. */
  readonly newToken: string | null;
}

export interface InboxAsker {
  /** A key, or a session token. */
  readonly secret: string | undefined;
  /** Network address, for the quota of those who have no key. */
  readonly remote: string;
  /** Our own MCP tools ask. */
  readonly isTool: boolean;
  /** The request may begin an anonymous session. */
  readonly mayBegin: boolean;
}

const TOKEN_PREFIX = 'tp_inbox_';

/** Throws `unauthorized`, or `forbidden` for a tool whose key is not let in. */
export async function inboxOwner(deps: BrokerDeps, asker: InboxAsker): Promise<InboxOwner> {
  if (asker.secret === undefined && asker.mayBegin && deps.settings.inboxes.anonymous) {
    const newToken = `${TOKEN_PREFIX}${deps.randomBytes(32).toString('base64url')}`;
    return { ...anonymous(deps, newToken, asker.remote), newToken };
  }
  if (asker.secret?.startsWith(TOKEN_PREFIX)) {
    if (asker.mayBegin && !deps.settings.inboxes.anonymous) throw new RelayError('forbidden');
    const owner = anonymous(deps, asker.secret, asker.remote);
    if (await deps.stores.inboxes.isOwner(readerOf(deps, owner))) return owner;
    throw new RelayError('unauthorized');
  }
  return ofKey(deps, await authenticate(deps, asker.secret), asker.isTool);
}

function anonymous({ settings, tokenSecret }: BrokerDeps, token: string, remote: string): InboxOwner {
  // Enough to count by, and nothing to learn an address from.
  const quotaKey = createHmac('sha256', tokenSecret).update(`inbox quota ${remote}`).digest('hex');
  const quota = settings.inboxes.anonymousQuota;
  return { type: 'anonymous', id: hashSecret(token), quotaKey, quota, caller: null, newToken: null };
}

function ofKey({ settings }: BrokerDeps, caller: Caller, isTool: boolean): InboxOwner {
  const { line, scope, mcpAccess } = caller.key;
  if (isTool && !mcpAccess) {
    throw new RelayError('forbidden', {
      message:
        'This key may not use disposable inboxes through MCP. An admin issues one that may: turnpost keys create NAME --mcp-access.',
    });
  }
  const type = scope === 'admin' ? 'api' : isTool ? 'mcp' : 'agent';
  return { type, id: line, quotaKey: line, quota: settings.inboxes.quota, caller, newToken: null };
}

/** What the store wants to know of who reads. */
export function readerOf({ settings, clock }: Pick<BrokerDeps, 'settings' | 'clock'>, owner: InboxOwner): InboxReader {
  return { ownerId: owner.id, goneBefore: clock.now() - settings.inboxes.retentionMs };
}
