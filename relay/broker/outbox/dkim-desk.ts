/**
 * The DKIM keys of the relay's domain: made once, kept in the store, used for all mail from that domain. A new pair is
 * published first: it signs only after somebody has seen it in the DNS (`switchToNext`).
 */
import { isPublicDomain } from '../../config-values.ts';
import { dkimRecord, makeDkimPair, readDkimKey } from '../../mail/compose/dkim-keys.ts';
import { type DkimKey, signEmail } from '../../mail/compose/dkim-sign.ts';
import type { DkimKeyRow, Stores } from '../../store/stores.ts';

export interface PublishedKey {
  readonly selector: string;
  /** The value of its TXT record. */
  readonly record: string;
  /** `next`: signs from the switch on; `retired`: what it signed may still be on its way. */
  readonly use: 'signing' | 'next' | 'retired';
}

export interface DkimDesk {
  /** With its signatures, where `from` is an address of the relay's domain and that is one of the DNS; else as it is. */
  sign(raw: Buffer, from: string, now: number): Buffer;
  /** What must stand in the DNS now. */
  published(now: number): readonly PublishedKey[];
  /** Makes the next pair, if none waits. False where one does. */
  makeNext(now: number): Promise<boolean>;
  /** The next pair signs from now on. False where none waits. */
  switchToNext(now: number): Promise<boolean>;
}

/** Mail is tried for some days, and checked when it arrives: so long a retired key stays published. */
const RETIRED_STAYS_MS = 14 * 24 * 3_600_000;

interface LoadedKey {
  readonly row: DkimKeyRow;
  readonly key: DkimKey;
  readonly record: string;
}

/** Makes the first pair where there is none. A name under .localhost has no keys: nobody could look them up. */
export async function loadDkimDesk(stores: Pick<Stores, 'dkimKeys'>, domain: string, now: number): Promise<DkimDesk> {
  const isPublic = isPublicDomain(domain);
  if (isPublic && (await stores.dkimKeys.list()).length === 0)
    await stores.dkimKeys.addIfNew(await newPair(1, now, now));
  let keys: readonly LoadedKey[] = isPublic ? (await stores.dkimKeys.list()).map(load) : [];
  const reload = async (): Promise<void> => {
    keys = (await stores.dkimKeys.list()).map(load);
  };
  return {
    sign(raw, from, at) {
      const signing = keys.filter(({ row }) => row.usedFrom !== null && row.retiredAt === null).map(({ key }) => key);
      if (signing.length === 0 || !from.endsWith(`@${domain}`)) return raw;
      return signEmail(raw, { domain, keys: signing, now: at });
    },
    published: (at) =>
      keys
        .filter(({ row }) => row.retiredAt === null || row.retiredAt > at - RETIRED_STAYS_MS)
        .map(({ row, record }) => ({ selector: row.selector, record, use: useOf(row) })),
    async makeNext(at) {
      if (keys.some(({ row }) => row.usedFrom === null)) return false;
      const made = await stores.dkimKeys.addIfNew(await newPair(keys.length / 2 + 1, at, null));
      await reload();
      return made;
    },
    async switchToNext(at) {
      const switched = await stores.dkimKeys.switchIfWaiting(at);
      await reload();
      return switched;
    },
  };
}

function load(row: DkimKeyRow): LoadedKey {
  const key = readDkimKey(row.selector, row.algorithm, row.privatePem);
  return { row, key, record: dkimRecord(key) };
}

function useOf({ usedFrom, retiredAt }: DkimKeyRow): PublishedKey['use'] {
  if (retiredAt !== null) return 'retired';
  return usedFrom === null ? 'next' : 'signing';
}

/** Selectors tp1r and tp1e, tp2r and tp2e, and so on. */
async function newPair(number: number, createdAt: number, usedFrom: number | null): Promise<DkimKeyRow[]> {
  const { rsaPem, ed25519Pem } = await makeDkimPair();
  const common = { createdAt, usedFrom, retiredAt: null };
  return [
    { selector: `tp${number}r`, algorithm: 'rsa', privatePem: rsaPem, ...common },
    { selector: `tp${number}e`, algorithm: 'ed25519', privatePem: ed25519Pem, ...common },
  ];
}
