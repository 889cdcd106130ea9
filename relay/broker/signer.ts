/**
 * Signs what agents say and checks it again before it is injected (design: signatures): a JWT by ES256 over the
 * message's fixed parts and the SHA-256 of the exact body bytes, beside the message, never instead of it. What agents of
 * other relays signed is checked with the key it came with (peer-keys.ts), as long as their relay publishes that.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import jwt from 'jsonwebtoken';
import { isGenuine, SIGNATURE_TYP } from '../mail/signature/agent-signature.ts';
import { writeDataPart } from '../mail/signature/signature-part.ts';
import type { SigningKeyRow, Stores } from '../store/stores.ts';
import type { Message } from '../types.ts';
import { loadPeerKeys, type PeerKeys } from './intake/peer-keys.ts';

/** The first key: no clock set back may make what it signed look older than itself. */
const VALID_FROM_THE_START = 0;

export interface Signer {
  /** The compact JWT of a message an agent of this relay sends. */
  sign(message: Omit<Message, 'jws'>): string;
  /** Null when the message still is what was signed, else what is wrong with it. */
  problem(message: Message): string | null;
  /** Did a key of this relay sign that, whenever? */
  hasSigned(jws: string): boolean;
  /** The keys of other relays whose messages are kept here. */
  readonly peerKeys: PeerKeys;
  /** RFC 7517 set of the public keys, published before use and until no message of theirs is open. */
  jwks(): { readonly keys: readonly Readonly<Record<string, unknown>>[] };
}

interface LoadedKey {
  readonly row: SigningKeyRow;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

/** Loads the signing keys, making the first. KeyObjects are made once: signing by PEM text costs ten times as much. */
export async function loadSigner(stores: Pick<Stores, 'signingKeys' | 'peerKeys'>, now: number): Promise<Signer> {
  if ((await stores.signingKeys.list()).length === 0)
    await stores.signingKeys.add(makeSigningKey(VALID_FROM_THE_START));
  const keys = (await stores.signingKeys.list()).map(loadKey);
  const current = keys.findLast(({ row }) => row.validFrom <= now && row.retiredAt === null) ?? keys.at(-1);
  if (current === undefined) throw new Error('the signing key could not be stored');
  const peerKeys = await loadPeerKeys(stores);

  return {
    sign: (message) =>
      jwt.sign(claims(message), current.privateKey, {
        algorithm: 'ES256',
        header: { alg: 'ES256', typ: SIGNATURE_TYP, kid: current.row.kid },
      }),
    problem: (message) => (message.verifiedBy === 'signature' ? peerKeys.problem(message) : problemOf(message, keys)),
    hasSigned: (jws) => keys.some((key) => key.row.kid === kidOf(jws) && isGenuine(jws, { key: key.publicKey })),
    peerKeys,
    jwks: () => ({ keys: keys.map(({ row }) => ({ ...row.publicJwk, kid: row.kid, use: 'sig', alg: 'ES256' })) }),
  };
}

export function makeSigningKey(validFrom: number): SigningKeyRow {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicJwk = publicKey.export({ format: 'jwk' });
  return {
    kid: thumbprint(publicJwk),
    privatePem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicJwk: { ...publicJwk },
    validFrom,
    retiredAt: null,
  };
}

/** RFC 7638 section 3: the required members in lexical order. */
function thumbprint({ crv, kty, x, y }: JsonWebKey): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

function loadKey(row: SigningKeyRow): LoadedKey {
  return {
    row,
    privateKey: createPrivateKey(row.privatePem),
    publicKey: createPublicKey({ key: { ...row.publicJwk }, format: 'jwk' }),
  };
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

/** All there was in the claims of what was signed by earlier versions. */
function oldClaims(message: Omit<Message, 'jws'>): Record<string, unknown> {
  return {
    // The relay's domain when it was sent: the settings may name another one since.
    iss: message.from.address.slice(message.from.address.lastIndexOf('@') + 1),
    sub: message.from.address,
    aud: [...message.to, ...message.cc],
    jti: message.id,
    thr: message.threadId,
    iat: seconds(message.createdAt),
    ...(message.expiresAt !== null && { exp: seconds(message.expiresAt) }),
    hop: message.hop,
    bh: sha256(message.body),
    att: message.attachments.map((attachment) => attachment.sha256),
  };
}

/** And what another relay would otherwise have to believe of header fields and parts that anybody can change. */
function claims(message: Omit<Message, 'jws'>): Record<string, unknown> {
  const { subject, type, priority, requiresResponse, data } = message;
  return {
    ...oldClaims(message),
    env: { subject, type, priority, requires_response: requiresResponse },
    ...(data !== null && { dh: sha256(writeDataPart(data)) }),
  };
}

/** Undefined where it is no JWT at all: `decode` throws for some of these. */
function kidOf(jws: string): string | undefined {
  try {
    const header = jwt.decode(jws, { complete: true })?.header;
    return header?.typ === SIGNATURE_TYP ? header.kid : undefined;
  } catch {
    return undefined;
  }
}

function problemOf(message: Message, keys: readonly LoadedKey[]): string | null {
  if (message.jws === null) return message.from.kind === 'agent' ? 'it is not signed' : null;
  const kid = kidOf(message.jws);
  const key = keys.find(({ row }) => row.kid === kid);
  if (key === undefined) return 'it is signed with a key that is not ours';
  if (message.createdAt < key.row.validFrom || message.createdAt > (key.row.retiredAt ?? Number.POSITIVE_INFINITY)) {
    return 'its key was not valid when it was signed';
  }
  try {
    // Expiry is the delivery's business and is judged by its state, not here.
    const signed = jwt.verify(message.jws, key.publicKey, { algorithms: ['ES256'], ignoreExpiration: true });
    const expected = typeof signed === 'object' && 'env' in signed ? claims(message) : oldClaims(message);
    return JSON.stringify(signed) === JSON.stringify(expected) ? null : 'it is not what was signed';
  } catch {
    return 'its signature does not verify';
  }
}
