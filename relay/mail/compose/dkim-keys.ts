/** Makes DKIM key pairs, reads them, and writes the DNS record of each (RFC 6376 section 3.6.1, RFC 8463 section 4). */
import { createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { DkimKey } from './dkim-sign.ts';

const makeKeyPair = promisify(generateKeyPair);
/** RFC 8301 section 3.2: signers should use at least 2048; more does not fit well into DNS answers. */
const RSA_BITS = 2048;

export interface DkimPair {
  readonly rsaPem: string;
  readonly ed25519Pem: string;
}

/** PKCS #8 PEM of a new key of each kind. */
export async function makeDkimPair(): Promise<DkimPair> {
  const [rsa, ed25519] = await Promise.all([makeKeyPair('rsa', { modulusLength: RSA_BITS }), makeKeyPair('ed25519')]);
  const pem = { format: 'pem', type: 'pkcs8' } as const;
  return {
    rsaPem: rsa.privateKey.export(pem).toString(),
    ed25519Pem: ed25519.privateKey.export(pem).toString(),
  };
}

export function readDkimKey(selector: string, algorithm: DkimKey['algorithm'], pem: string): DkimKey {
  return { selector, algorithm, privateKey: createPrivateKey(pem) };
}

/** The value of the TXT record at `selector._domainkey.domain`. */
export function dkimRecord({ algorithm, privateKey }: DkimKey): string {
  const publicKey = createPublicKey(privateKey);
  if (algorithm === 'rsa') {
    return `v=DKIM1; k=rsa; p=${publicKey.export({ format: 'der', type: 'spki' }).toString('base64')}`;
  }
  // RFC 8463 section 4: the bare key, which the JWK has in its `x`.
  const { x = '' } = publicKey.export({ format: 'jwk' });
  return `v=DKIM1; k=ed25519; p=${Buffer.from(x, 'base64url').toString('base64')}`;
}
