/** What the rules may ask of storage about mailboxes, keys of several kinds, secrets, and whom not to write to. The promises are those of stores.ts. */
import type { Suppression, SuppressionReason } from '../types.ts';
import type { CursorMove, Page, PageRequest } from './stores.ts';

export interface MailboxPosition {
  readonly uidValidity: string;
  /** One after the `lastUid` that this UIDVALIDITY was first seen with. */
  readonly firstUid: number;
  readonly lastUid: number;
}

export interface MailboxStore {
  find(account: string, folder: string): Promise<MailboxPosition | undefined>;
  /** Never back within a UIDVALIDITY. */
  move(cursor: CursorMove): Promise<void>;
  /** Returns how many times this UID has failed now. */
  countFailure(account: string, folder: string, uidValidity: string, uid: number): Promise<number>;
}

/** An email that was sent back or left for a while, since it could not be told who sent it. */
export interface Deferral {
  /** This time counted. */
  readonly tries: number;
  readonly firstAt: number;
}

export interface DeferralStore {
  /** Counts one more try of the email with this hash. */
  count(hash: string, now: number): Promise<Deferral>;
  /** Forgets those first seen earlier. */
  prune(before: number): Promise<void>;
}

export interface SigningKeyRow {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  /** PKCS #8 PEM. */
  readonly privatePem: string;
  readonly publicJwk: Readonly<Record<string, unknown>>;
  /** Published before, used from then on. */
  readonly validFrom: number;
  readonly retiredAt: number | null;
}

export interface SigningKeyStore {
  list(): Promise<readonly SigningKeyRow[]>;
  add(key: SigningKeyRow): Promise<void>;
}

/** A key that signs outgoing mail (RFC 6376); its public half stands in the DNS under `selector`. */
export interface DkimKeyRow {
  readonly selector: string;
  readonly algorithm: 'rsa' | 'ed25519';
  /** PKCS #8 PEM. */
  readonly privatePem: string;
  readonly createdAt: number;
  /** Signs from then on; null: to be published first. */
  readonly usedFrom: number | null;
  readonly retiredAt: number | null;
}

export interface DkimKeyStore {
  /** The oldest first. */
  list(): Promise<readonly DkimKeyRow[]>;
  /** All of them; none and false where one of the selectors is taken. */
  addIfNew(keys: readonly DkimKeyRow[]): Promise<boolean>;
  /** The keys that wait sign from now on, and those that signed are retired. False where none waits. */
  switchIfWaiting(now: number): Promise<boolean>;
}

/** A key of another relay that signed mail kept here. */
export interface PeerKeyRow {
  /** The relay's domain. */
  readonly iss: string;
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly jwk: Readonly<Record<string, unknown>>;
  readonly seenAt: number;
  /** Since when its relay does not publish it any more: what it signed is not believed. */
  readonly goneAt: number | null;
}

export interface PeerKeyStore {
  list(): Promise<readonly PeerKeyRow[]>;
  /** Published now: one that was gone is back. */
  keep(key: PeerKeyRow): Promise<void>;
  /** These are all keys the relay publishes now; returns the ids of those that are gone since. */
  keepOnly(iss: string, kids: readonly string[], now: number): Promise<readonly string[]>;
}

export interface SecretStore {
  /** The secret of that name, made by `make` at its first use. */
  getOrMake(name: string, make: () => Buffer): Promise<Buffer>;
  find(name: string): Promise<Buffer | undefined>;
  /** In place of the one there was. */
  put(name: string, value: Buffer): Promise<void>;
}

/** Addresses in any case; they are kept in lower case. */
export interface SuppressionStore {
  /** Once for address, agent and reason: what is known already stays as it was. False where nothing was added. */
  add(suppression: Suppression): Promise<boolean>;
  /** What keeps this agent's mail from that address now; the one that is hardest to take back, if there are several. */
  find(address: string, agentId: string | null, now: number): Promise<Suppression | undefined>;
  /** All of that address, or with `reason` only those; for every agent. Returns how many there were. */
  remove(address: string, reason?: SuppressionReason): Promise<number>;
  /** Newest first, ended ones included until they are pruned. */
  list(page: PageRequest): Promise<Page<Suppression>>;
  /** Drops those that have ended; returns how many. */
  prune(now: number): Promise<number>;
}

export interface AutoAnswerStore {
  /** May whom this names (an address, or what else is told once) be told on this day (`2026-03-02`, or an hour of it)? True once. */
  claim(address: string, day: string): Promise<boolean>;
  /** Forgets all days before this one; returns how many answers that were. */
  prune(day: string): Promise<number>;
}
