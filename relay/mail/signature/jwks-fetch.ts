/**
 * The public keys that other relays publish (RFC 7517), at `https://<domain>/.well-known/jwks.json` and nowhere else. Each
 * set is kept for an hour, and for a day while its host does not answer. Who asks for nonsense makes no traffic: one
 * fetch in five minutes for a key that is not there, one in a minute of a host that fails.
 */
import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import type { Clock } from '../../clock.ts';
import type { WebFetch } from '../web/web-fetch.ts';

/** A key of another relay, with its name. */
export interface PeerKey {
  readonly kid: string;
  readonly jwk: Readonly<JsonWebKey>;
  readonly key: KeyObject;
}

export type KeySearch =
  | { readonly kind: 'found'; readonly key: PeerKey }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreachable'; readonly reason: string };

export interface KeyDirectory {
  /** Never throws. `domain` is what an email says: anything. */
  find(domain: string, kid: string): Promise<KeySearch>;
}

export interface KeyDirectoryOptions {
  readonly fetch: WebFetch;
  readonly clock: Pick<Clock, 'now'>;
  /** A set was fetched: these are all keys of that domain now. */
  readonly onKeys?: (domain: string, kids: readonly string[]) => Promise<void>;
}

interface KnownHost {
  keys: readonly PeerKey[];
  fetchedAt: number;
  /** Of the last try, whatever came of it. */
  triedAt: number;
  failure: string | null;
}

const MINUTE_MS = 60_000;
const FRESH_MS = 60 * MINUTE_MS;
const STALE_MS = 24 * 60 * MINUTE_MS;
const AGAIN_FOR_KEY_MS = 5 * MINUTE_MS;
const AGAIN_AFTER_FAILURE_MS = MINUTE_MS;
const MAX_BYTES = 64 * 1024;
const MAX_KEYS = 100;
const MAX_HOSTS = 1_000;

export function keyDirectory(options: KeyDirectoryOptions): KeyDirectory {
  const { clock } = options;
  /** The one that was fetched longest ago first. */
  const hosts = new Map<string, KnownHost>();
  const fetching = new Map<string, Promise<KnownHost>>();

  const refresh = (domain: string): Promise<KnownHost> => {
    const running = fetching.get(domain);
    if (running !== undefined) return running;
    const started = fetchHost(options, domain, hosts.get(domain)).finally(() => fetching.delete(domain));
    fetching.set(domain, started);
    return started;
  };

  const look = async (domain: string, kid: string): Promise<KnownHost> => {
    const known = hosts.get(domain);
    if (known !== undefined && !isDue(known, kid, clock.now())) return known;
    const host = await refresh(domain);
    hosts.delete(domain);
    hosts.set(domain, host);
    const [oldest] = hosts.keys();
    if (hosts.size > MAX_HOSTS && oldest !== undefined) hosts.delete(oldest);
    return host;
  };

  return {
    async find(domain, kid) {
      if (!isHostName(domain)) return { kind: 'absent' };
      const host = await look(domain, kid);
      const key = host.keys.find((one) => one.kid === kid);
      if (key !== undefined) return { kind: 'found', key };
      return host.failure === null ? { kind: 'absent' } : { kind: 'unreachable', reason: host.failure };
    },
  };
}

function isDue(host: KnownHost, kid: string, now: number): boolean {
  if (host.failure !== null && now - host.triedAt < AGAIN_AFTER_FAILURE_MS) return false;
  if (now - host.fetchedAt >= FRESH_MS) return true;
  return !host.keys.some((key) => key.kid === kid) && now - host.triedAt >= AGAIN_FOR_KEY_MS;
}

/** A name of the public DNS: dots in it, no address, no port. */
function isHostName(domain: string): boolean {
  const sound = /^(?=.{4,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/;
  return sound.test(domain) && isIP(domain) === 0;
}

async function fetchHost(
  { fetch, clock, onKeys }: KeyDirectoryOptions,
  domain: string,
  known: KnownHost | undefined,
): Promise<KnownHost> {
  const now = clock.now();
  const fetched = await fetchKeys(fetch, domain);
  if (typeof fetched === 'string') {
    const usable = known !== undefined && now - known.fetchedAt < STALE_MS;
    const kept = usable ? known : { keys: [], fetchedAt: Number.NEGATIVE_INFINITY };
    return { ...kept, triedAt: now, failure: fetched };
  }
  await onKeys?.(
    domain,
    fetched.map(({ kid }) => kid),
  );
  return { keys: fetched, fetchedAt: now, triedAt: now, failure: null };
}

/** Why not, as a text. */
async function fetchKeys(fetch: WebFetch, domain: string): Promise<readonly PeerKey[] | string> {
  try {
    const { status, body } = await fetch(`https://${domain}/.well-known/jwks.json`, { maxBytes: MAX_BYTES });
    if (status !== 200) return `it answers with ${status}`;
    if (body.length > MAX_BYTES) return 'its key set is too large';
    return readKeySet(body) ?? 'what it publishes is no key set';
  } catch (error) {
    return error instanceof Error ? error.message : 'it does not answer';
  }
}

/** RFC 7517 section 5: keys of a kind we do not know are passed over. */
function readKeySet(body: Buffer): readonly PeerKey[] | undefined {
  const set: unknown = parse(body);
  if (typeof set !== 'object' || set === null || !('keys' in set) || !Array.isArray(set.keys)) return undefined;
  return set.keys.slice(0, MAX_KEYS).flatMap((jwk: unknown) => readPeerKey(jwk) ?? []);
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** P-256 for signatures, named by its thumbprint (RFC 7638), so that a name can stand for no other key. */
export function readPeerKey(value: unknown): PeerKey | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  // Read as unknown, member by member.
  const { kty, crv, x, y, kid, use, alg } = value as Readonly<Record<string, unknown>>;
  if (kty !== 'EC' || crv !== 'P-256' || typeof x !== 'string' || typeof y !== 'string') return undefined;
  if ((use !== undefined && use !== 'sig') || (alg !== undefined && alg !== 'ES256')) return undefined;
  const jwk = { crv, kty, x, y };
  if (typeof kid !== 'string' || kid !== createHash('sha256').update(JSON.stringify(jwk)).digest('base64url'))
    return undefined;
  try {
    return { kid, jwk, key: createPublicKey({ key: jwk, format: 'jwk' }) };
  } catch {
    // Not a point on the curve.
    return undefined;
  }
}
