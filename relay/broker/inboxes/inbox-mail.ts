/** The mail of a disposable inbox: found, read, waited for. Only its owner gets here. */
import type { CountedInbox, InboxMail } from '../../disposable-inbox.ts';
import { RelayError } from '../../errors.ts';
import type { InboxMailFilter, NewInboxMails } from '../../store/stores.ts';
import type { WaitForMail } from '../claims.ts';
import type { BrokerDeps } from '../deps.ts';
import { checkStillLive } from '../keys.ts';
import { type InboxOwner, readerOf } from './inbox-owner.ts';
import { getInbox } from './inboxes.ts';

/** In one answer of a wait; the rest comes with the next. */
const MOST_AT_ONCE = 50;

/** `address` null: in any inbox of the owner. Throws `not_found`. */
export async function getInboxMail(
  deps: BrokerDeps,
  owner: InboxOwner,
  address: string | null,
  mailId: string,
): Promise<InboxMail> {
  const where = address?.toLowerCase() ?? null;
  const found = await deps.stores.inboxes.findMail(readerOf(deps, owner), where, mailId);
  if (found === undefined) throw new RelayError('not_found', { message: `You have no email ${mailId} in an inbox.` });
  return found;
}

/** It counts as read from now on, if it did not before. */
export async function readInboxMail(
  deps: BrokerDeps,
  owner: InboxOwner,
  address: string | null,
  mailId: string,
): Promise<InboxMail> {
  const found = await getInboxMail(deps, owner, address, mailId);
  if (found.readAt !== null) return found;
  const now = deps.clock.now();
  await deps.stores.inboxes.markRead(mailId, now);
  return { ...found, readAt: now };
}

export interface InboxWait {
  /** A position that an answer gave: what came after it. */
  readonly after: string | undefined;
  readonly filter: InboxMailFilter;
  readonly waitMs: number;
  /** The caller went away. */
  readonly signal: AbortSignal;
}

/**
 * The mail that came after `after` or `filter.since`; without both only what comes while it waits. Empty when the time is
 * over, or the inbox's. Throws `not_found` where the inbox is deleted meanwhile, `expired` where nothing can come.
 */
export async function waitForInboxMail(
  deps: BrokerDeps,
  wait: WaitForMail,
  owner: InboxOwner,
  address: string,
  wish: InboxWait,
): Promise<NewInboxMails> {
  const inbox = await getInbox(deps, owner, address);
  const fromNowOn = wish.after === undefined && wish.filter.since === undefined;
  let after = fromNowOn ? await deps.stores.inboxes.position(inbox.id) : wish.after;
  const ids = [inbox.id, wakerOf(owner)];
  const until = Math.min(deps.clock.now() + wish.waitMs, inbox.expiresAt);
  for (let first = true; ; first = false) {
    const left = until - deps.clock.now();
    const stop = new AbortController();
    // Registered before looking, so that mail between the look and the wait is not missed.
    const mail = left > 0 ? wait(ids, left, AbortSignal.any([wish.signal, stop.signal])) : undefined;
    try {
      if (!first) await checkStillThere(deps, owner, address);
      const found = await deps.stores.inboxes.newMails(inbox.id, after, wish.filter, MOST_AT_ONCE);
      if (found.items.length > 0 || wish.signal.aborted) return found;
      if (mail === undefined) return orExpired(deps, inbox, found, first);
      after = found.position;
      await mail;
    } finally {
      stop.abort();
    }
  }
}

/** A dead key wakes its agent; that of an admin, itself. */
const wakerOf = ({ caller, id }: InboxOwner): string => caller?.agent?.id ?? caller?.key.id ?? id;

async function checkStillThere(deps: BrokerDeps, owner: InboxOwner, address: string): Promise<void> {
  if (owner.caller !== null) await checkStillLive(deps, owner.caller);
  await getInbox(deps, owner, address);
}

/** To wait for what cannot come is a mistake worth telling; to have waited until then is none. */
function orExpired({ clock }: BrokerDeps, inbox: CountedInbox, found: NewInboxMails, first: boolean): NewInboxMails {
  if (!first || inbox.expiresAt > clock.now()) return found;
  throw new RelayError('expired', { message: `The inbox ${inbox.address} has expired and takes no more mail.` });
}
