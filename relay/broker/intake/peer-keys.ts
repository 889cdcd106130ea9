/**
 * The keys of other relays that signed mail kept here: what they signed is checked again before it is injected, and a key
 * that its relay has withdrawn since proves nothing any more. In memory, since that check may wait for nothing.
 */
import { isGenuine, readStoredSignature } from '../../mail/signature/agent-signature.ts';
import { type PeerKey, readPeerKey } from '../../mail/signature/jwks-fetch.ts';
import type { Stores } from '../../store/stores.ts';
import type { Message } from '../../types.ts';

export interface PeerKeys {
  /** Before its first message is stored. */
  keep(iss: string, key: PeerKey, now: number): Promise<void>;
  /** These are all keys that relay publishes now. */
  keepOnly(iss: string, kids: readonly string[], now: number): Promise<void>;
  /** Null when the message still is what an agent of that relay signed, else what is wrong with it. */
  problem(message: Message): string | null;
}

const nameOf = (iss: string, kid: string): string => `${iss} ${kid}`;

export async function loadPeerKeys({ peerKeys: store }: Pick<Stores, 'peerKeys'>): Promise<PeerKeys> {
  const live = new Map<string, PeerKey>();
  for (const row of await store.list()) {
    const key = readPeerKey({ ...row.jwk, kid: row.kid });
    if (key !== undefined && row.goneAt === null) live.set(nameOf(row.iss, row.kid), key);
  }
  return {
    async keep(iss, key, now) {
      if (live.has(nameOf(iss, key.kid))) return;
      await store.keep({ iss, kid: key.kid, jwk: { ...key.jwk }, seenAt: now, goneAt: null });
      live.set(nameOf(iss, key.kid), key);
    },
    async keepOnly(iss, kids, now) {
      const isKnown = [...live.keys()].some((name) => name.startsWith(nameOf(iss, '')));
      const gone = isKnown ? await store.keepOnly(iss, kids, now) : [];
      for (const kid of gone) live.delete(nameOf(iss, kid));
    },
    problem: (message) => problemOf(message, live),
  };
}

function problemOf(message: Message, live: ReadonlyMap<string, PeerKey>): string | null {
  const { address } = message.from;
  const iss = address.slice(address.lastIndexOf('@') + 1);
  const signed = readStoredSignature(message);
  if (message.jws === null || signed === undefined) return 'it is not signed';
  const key = live.get(nameOf(iss, signed.kid));
  if (key === undefined) return `its key is not, or no longer, published by ${iss}`;
  if (!isGenuine(message.jws, key)) return 'its signature does not verify';
  return signed.fits ? null : 'it is not what was signed';
}
