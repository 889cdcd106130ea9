/** Disposable inboxes: made within a quota, looked up, ended. They end by themselves when their time is over. */
import { isPublicDomain } from '../../config-values.ts';
import type { CountedInbox, DisposableInbox } from '../../disposable-inbox.ts';
import { RelayError } from '../../errors.ts';
import { newId } from '../../ids.ts';
import { withTag } from '../../mail/address.ts';
import type { InboxCreation } from '../../store/stores.ts';
import { addressOf } from '../agents.ts';
import type { BrokerDeps } from '../deps.ts';
import { numberedName } from '../friendly-name.ts';
import type { ReceiptFor } from '../keys.ts';
import { type InboxOwner, readerOf } from './inbox-owner.ts';

export interface InboxWish {
  readonly ttlMinutes?: number | undefined;
  readonly label?: string | undefined;
}

export interface CreatedInbox {
  readonly inbox: DisposableInbox;
  /** Of an anonymous session that begins with it. */
  readonly token: string | null;
}

const MINUTE_MS = 60_000;
const USUAL_LIFE_MS = 60 * MINUTE_MS;
/** Of millions of names; more misses than this are no chance. */
const NAME_TRIES = 50;

/** Throws `forbidden` (longer than its quota lets it live), `quota_exceeded` or `rate_limited` with Retry-After. */
export async function createInbox(
  deps: BrokerDeps,
  owner: InboxOwner,
  wish: InboxWish,
  receiptFor?: ReceiptFor<CreatedInbox>,
): Promise<CreatedInbox> {
  const lifeMs = lifeOf(owner, wish);
  for (let tries = 0; tries < NAME_TRIES; tries += 1) {
    const inbox = makeInbox(deps, owner, wish, lifeMs);
    const made = { inbox, token: owner.newToken };
    const creation = await deps.stores.inboxes.createIfAllowed(inbox, owner.quota, receiptFor?.(made));
    if (creation.kind === 'created') {
      deps.log.info({ inbox: inbox.id, owner_type: owner.type, key_id: owner.caller?.key.id }, 'inbox created');
      return made;
    }
    if (creation.kind !== 'name_taken') throw overQuota(deps, owner, creation);
  }
  throw new RelayError('unavailable', { message: 'No free name was found for an inbox. Try again.' });
}

function lifeOf({ quota }: InboxOwner, { ttlMinutes }: InboxWish): number {
  const lifeMs = ttlMinutes === undefined ? Math.min(USUAL_LIFE_MS, quota.longestLifeMs) : ttlMinutes * MINUTE_MS;
  if (lifeMs <= quota.longestLifeMs) return lifeMs;
  const most = Math.floor(quota.longestLifeMs / MINUTE_MS);
  throw new RelayError('forbidden', {
    message: `An inbox of this key may live ${most} minutes at most. Ask for that many or fewer.`,
    details: { max_ttl_minutes: most },
  });
}

function makeInbox(deps: BrokerDeps, owner: InboxOwner, wish: InboxWish, lifeMs: number): DisposableInbox {
  const now = deps.clock.now();
  const name = numberedName(deps);
  return {
    id: newId('ibx', now),
    name,
    address: inboxAddress(deps, name),
    ownerType: owner.type,
    ownerId: owner.id,
    quotaKey: owner.quotaKey,
    label: wish.label ?? null,
    maxMessages: owner.quota.messages,
    createdAt: now,
    expiresAt: now + lifeMs,
  };
}

/** Where mail for it can come in: at the relay's domain, or where that is this machine's only, in the first mailbox. */
function inboxAddress({ settings }: Pick<BrokerDeps, 'settings'>, name: string): string {
  const [mailbox] = settings.mailboxAddresses;
  const isOwn = mailbox === undefined || isPublicDomain(settings.domain);
  return isOwn ? addressOf({ name }, settings.domain) : withTag(mailbox, name);
}

function overQuota(
  { clock }: BrokerDeps,
  { quota }: InboxOwner,
  { kind, until }: Extract<InboxCreation, { until: number }>,
): RelayError {
  const retryAfterSeconds = Math.max(1, Math.ceil((until - clock.now()) / 1000));
  const { inboxes, perHour } = quota;
  return kind === 'too_many'
    ? new RelayError('quota_exceeded', {
        message: `All ${inboxes} inboxes this caller may have at once are in use. Delete one, or wait until one expires.`,
        details: { limit: inboxes, retry_after_seconds: retryAfterSeconds },
        retryAfterSeconds,
      })
    : new RelayError('rate_limited', {
        message: `This caller may make ${perHour} inboxes an hour. Use one it has, or wait.`,
        details: { limit: perHour, retry_after_seconds: retryAfterSeconds },
        retryAfterSeconds,
      });
}

/** Throws `not_found`: for nobody's, another's, a deleted one, and one that is no longer kept, alike. */
export async function getInbox(deps: BrokerDeps, owner: InboxOwner, address: string): Promise<CountedInbox> {
  const found = await deps.stores.inboxes.find(readerOf(deps, owner), address.toLowerCase());
  if (found === undefined) throw noInbox(address);
  return found;
}

/** Whoever waits for its mail is told at once. */
export async function deleteInbox(deps: BrokerDeps, owner: InboxOwner, address: string): Promise<DisposableInbox> {
  const { inboxes } = deps.stores;
  const ended = await inboxes.deleteIfOwned(readerOf(deps, owner), address.toLowerCase(), deps.clock.now());
  if (ended === undefined) throw noInbox(address);
  deps.wake([ended.id]);
  deps.log.info({ inbox: ended.id }, 'inbox deleted');
  return ended;
}

const noInbox = (address: string): RelayError =>
  new RelayError('not_found', { message: `You have no inbox ${address}.` });
