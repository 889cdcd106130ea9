/**
 * What the rules may ask of storage about disposable inboxes; the promises are those of stores.ts. Whether one is alive is
 * judged by its times and its owner's key in each statement, so expiry needs no sweep and is exact.
 */
import type { CountedInbox, DisposableInbox, InboxMail, ListedInboxMail } from '../disposable-inbox.ts';
import type { AttachmentContent } from '../types.ts';
import type { Page, PageRequest, Receipt } from './stores.ts';

export type InboxCreation =
  | { readonly kind: 'created' }
  /** An agent or an inbox has that name, or had it. */
  | { readonly kind: 'name_taken' }
  /** The quota is used up; `until` (Unix ms): one will be free then. */
  | { readonly kind: 'too_many' | 'too_fast'; readonly until: number };

/** Who asks, and since when an expired inbox is not shown any more. */
export interface InboxReader {
  readonly ownerId: string;
  /** Inboxes that expired at this time or before are gone. */
  readonly goneBefore: number;
}

export interface InboxMailFilter {
  /** Received after this. */
  readonly since?: number | undefined;
  /** Part of the author's address, any case. */
  readonly from?: string | undefined;
  /** Part of the subject, any case. */
  readonly subject?: string | undefined;
}

export interface NewInboxMails {
  /** Oldest first. */
  readonly items: readonly ListedInboxMail[];
  /** Where to go on: nothing up to here comes again. */
  readonly position: string;
}

export interface InboxStore {
  /** Counts and creates in one transaction. */
  createIfAllowed(
    inbox: DisposableInbox,
    limits: { readonly inboxes: number; readonly perHour: number },
    receipt?: Receipt,
  ): Promise<InboxCreation>;
  /** Takes mail now: not expired, not deleted, and its owner's key line has a live key. */
  findLiveByName(name: string, now: number): Promise<CountedInbox | undefined>;
  /** One of the reader's own. */
  find(reader: InboxReader, address: string): Promise<CountedInbox | undefined>;
  /** Has this owner any inbox that can still be read? */
  isOwner(reader: InboxReader): Promise<boolean>;
  /** Newest first. */
  list(reader: InboxReader, page: PageRequest): Promise<Page<CountedInbox>>;
  /** Newest first. */
  mails(inboxId: string, filter: InboxMailFilter, page: PageRequest): Promise<Page<ListedInboxMail>>;
  /** The position of the newest mail: `newMails` after it gives only what comes later. */
  position(inboxId: string): Promise<string>;
  /** What came after the position, at most `limit`. Throws `invalid_cursor`. */
  newMails(inboxId: string, after: string | undefined, filter: InboxMailFilter, limit: number): Promise<NewInboxMails>;
  /** In this inbox, or with null in any of the reader's own. */
  findMail(reader: InboxReader, address: string | null, mailId: string): Promise<InboxMail | undefined>;
  /** Keeps the time of the first reading. */
  markRead(mailId: string, now: number): Promise<void>;
  attachment(mailId: string, index: number): Promise<AttachmentContent | undefined>;
  /** Its mail is gone from every face at once. Undefined: the reader has no such inbox. */
  deleteIfOwned(reader: InboxReader, address: string, now: number): Promise<DisposableInbox | undefined>;
  /** Throws away the mail of some inboxes that expired or were deleted before; the names stay taken. Returns how many. */
  prune(before: number): Promise<number>;
}
