/**
 * Reads what is new in an IMAP mailbox, from the cursor on, and hands it to the keeper. The order of things is in
 * docs/flow.md, "An email comes in".
 *
 * Promises: new UIDs in ascending order, none twice, none passed over that the keeper has not taken, quarantined or
 * refused as not ours; mail that is not ours is not fetched. Never changes anything in the mailbox.
 */
import type { Clock } from '../../clock.ts';
import { RelayError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { IntakeSource, KnownCursor, LetterBoxKeeper } from '../contracts.ts';
import { candidateAddresses, readEnvelopeFields, readHeaderLines, splitHeaderSection } from '../parse/email-headers.ts';

/** An open mailbox; letter-box-connection.ts has the real one. */
export interface OpenMailbox {
  readonly uidValidity: string;
  /** The UID the next mail will get. */
  readonly uidNext: number;
  /** UIDs from `first` on, in any order; may hold a lower one (RFC 9051 section 6.4.9). */
  findUids(first: number): Promise<readonly number[]>;
  /** Size and the header fields of HEADER_FIELDS; mail that is gone is left out. */
  fetchHeads(uids: readonly number[]): Promise<readonly MailHead[]>;
  /** Undefined: gone. */
  fetchSource(uid: number): Promise<Buffer | undefined>;
}

export interface MailHead {
  readonly uid: number;
  readonly size: number;
  readonly headers: Buffer;
}

/** What isOurs needs; all else of a stranger's mail stays on the server. */
export const HEADER_FIELDS = ['delivered-to', 'x-original-to', 'envelope-to', 'to', 'cc', 'in-reply-to', 'references'];

const CHUNK = 50;
const TRIES = 3;
/**
 * How far below the cursor each look goes. RFC 9051 section 2.3.1.1 forbids that a lower UID comes to light after a
 * higher one; clusters, replication and Exchange do it.
 */
const LOOK_BACK = 30;

export interface DrainOptions {
  readonly account: string;
  readonly folder: string;
  /** What lies here is mail that the server took for spam. */
  readonly junk?: boolean;
  readonly keeper: LetterBoxKeeper;
  /**
   * UIDs near the cursor that are done with; starts empty and lives as long as the process. After a restart the last
   * few mails are therefore handed to the keeper once more, who knows them.
   */
  readonly decided: Set<number>;
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The store, not the mailbox, is in trouble: the connection is sound, come again. */
export class KeeperFailure extends Error {
  override readonly name = 'KeeperFailure';
}

/** Resolves when everything up to the newest UID is done. `stopped` is asked between mails. */
export async function drainMailbox(box: OpenMailbox, options: DrainOptions, stopped: () => boolean): Promise<void> {
  let cursor = await startCursor(box, options);
  for (;;) {
    const first = Math.max(cursor.firstUid, cursor.lastUid + 1 - LOOK_BACK);
    const found = [...new Set(await box.findUids(first))].filter((uid) => uid >= first).sort((a, b) => a - b);
    const news = found.filter((uid) => uid > cursor.lastUid);
    const late = found.filter((uid) => uid <= cursor.lastUid && !options.decided.has(uid));
    const uids = [...news, ...late];
    for (let at = 0; at < uids.length; at += CHUNK) {
      if (stopped()) return;
      cursor = await drainChunk(box, uids.slice(at, at + CHUNK), cursor, options, stopped);
    }
    if (news.length === 0 || stopped()) return;
  }
}

/** RFC 9051 section 2.3.1.1: a mailbox seen first starts at its end; one with another UIDVALIDITY is read anew from 1. */
async function startCursor(box: OpenMailbox, options: DrainOptions): Promise<KnownCursor> {
  const { account, folder, keeper, decided, log } = options;
  const { uidValidity } = box;
  const known = await asKeeper(() => keeper.find(account, folder));
  if (known?.uidValidity === uidValidity) return known;
  const firstUid = known === undefined ? box.uidNext : 1;
  const cursor = { uidValidity, firstUid, lastUid: firstUid - 1 };
  log.info(
    { tag: 'imap', account, folder, uid_validity: uidValidity, last_uid: cursor.lastUid },
    known === undefined
      ? 'mailbox seen for the first time: starting at its end'
      : 'mailbox was made anew: reading it all',
  );
  await asKeeper(() => keeper.move(account, folder, cursor));
  decided.clear();
  return cursor;
}

async function drainChunk(
  box: OpenMailbox,
  uids: readonly number[],
  start: KnownCursor,
  options: DrainOptions,
  stopped: () => boolean,
): Promise<KnownCursor> {
  const { account, folder, keeper, decided } = options;
  const heads = new Map((await box.fetchHeads(uids)).map((head) => [head.uid, head]));
  let { lastUid } = start;
  let stored = lastUid;
  for (const uid of uids) {
    if (stopped()) break;
    const head = heads.get(uid);
    // Deleted since: nothing to take, and its UID never comes again.
    if (head !== undefined && (await isOurs(head, options))) {
      await takeMail(box, head, start.uidValidity, options);
      stored = Math.max(stored, uid);
    }
    lastUid = Math.max(lastUid, uid);
    decided.add(uid);
  }
  const cursor = { ...start, lastUid };
  // One write for a run of mail that is none of ours.
  if (stored < lastUid) await asKeeper(() => keeper.move(account, folder, cursor));
  for (const uid of decided) if (uid <= lastUid - LOOK_BACK) decided.delete(uid);
  return cursor;
}

function isOurs(head: MailHead, { keeper }: DrainOptions): Promise<boolean> {
  const envelope = readEnvelopeFields(readHeaderLines(splitHeaderSection(head.headers), { decode: false }));
  return asKeeper(() =>
    keeper.isOurs({
      addresses: candidateAddresses(envelope),
      references: [...envelope.inReplyTo, ...envelope.references],
    }),
  );
}

async function takeMail(box: OpenMailbox, head: MailHead, uidValidity: string, options: DrainOptions): Promise<void> {
  const { account, folder, junk = false, keeper, maxBytes, clock } = options;
  const source: IntakeSource = { kind: 'imap', account, folder, uidValidity, uid: head.uid, ...(junk && { junk }) };
  if (head.size > maxBytes) {
    const reason = `The mail has ${head.size} bytes, more than TURNPOST_MAX_MESSAGE allows; it is still in the mailbox.`;
    return asKeeper(() => keeper.quarantine(source, null, reason, head.headers));
  }
  let raw: Buffer | undefined;
  try {
    raw = await box.fetchSource(head.uid);
    if (raw === undefined) return asKeeper(() => keeper.move(account, folder, { uidValidity, lastUid: head.uid }));
    await keeper.take({ source, raw, receivedAt: clock.now() });
  } catch (error) {
    await handleFailure(error, { source, raw: raw ?? null, head: head.headers }, options);
  }
}

interface FailedMail {
  readonly source: Extract<IntakeSource, { kind: 'imap' }>;
  readonly raw: Buffer | null;
  readonly head: Buffer;
}

/** A store that is not to be had stops the drain; a mail that fails TRIES times is put aside, or it would block all others. */
async function handleFailure(
  error: unknown,
  { source, raw, head }: FailedMail,
  { keeper, log }: DrainOptions,
): Promise<void> {
  const { account, folder, uidValidity, uid } = source;
  if (error instanceof RelayError && error.code === 'unavailable') throw keeperFailure(error);
  const tries = await asKeeper(() => keeper.countFailure(account, folder, uidValidity, uid));
  log.warn({ tag: 'imap', account, folder, uid, tries, cause: error }, 'could not take a mail in');
  if (tries < TRIES) throw raw === null ? error : keeperFailure(error);
  const what = raw === null ? 'could not be fetched' : 'could not be taken in';
  await asKeeper(() =>
    keeper.quarantine(source, raw, `The mail ${what} in ${tries} tries; the log has the causes.`, head),
  );
}

async function asKeeper<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw keeperFailure(error);
  }
}

function keeperFailure(cause: unknown): KeeperFailure {
  return new KeeperFailure('the relay could not store', { cause });
}
