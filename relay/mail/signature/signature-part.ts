/**
 * The part `agent-message.jws.json` of an agent's email: a flattened JWS (RFC 7515 section 7.2.2) over the message's
 * claims, and beside it, as member `body`, the exact bytes the claim `bh` is the hash of. Mail servers add footers and
 * re-encode text, but not this part. Reading it verifies nothing.
 */

export const SIGNATURE_PART = 'agent-message.jws.json';
export const SIGNATURE_TYPE = 'application/jose+json';
/** Structured `data` of a message travels in a part of this name. */
export const DATA_PART = 'agent-data.json';

/** Its exact bytes, which the claim `dh` is the hash of. */
export const writeDataPart = (data: Readonly<Record<string, unknown>>): string => JSON.stringify(data, null, 2);

const COMPACT = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

export function writeSignaturePart(jws: string, body: string): string {
  const [, header, payload, signature] = COMPACT.exec(jws) ?? [];
  if (payload === undefined) throw new TypeError('not a compact JWS');
  return JSON.stringify({
    payload,
    protected: header,
    signature,
    body: Buffer.from(body, 'utf8').toString('base64url'),
  });
}

export interface SignaturePart {
  /** Compact serialisation, as in X-Agent-Signature. */
  readonly jws: string;
  readonly body: Buffer;
}

export function readSignaturePart(content: Buffer): SignaturePart | undefined {
  const part = parseObject(content);
  const [header, payload, signature, body] = ['protected', 'payload', 'signature', 'body'].map((name) => part?.[name]);
  const jws = `${header}.${payload}.${signature}`;
  if (typeof body !== 'string' || !/^[\w-]*$/.test(body) || !COMPACT.test(jws)) return undefined;
  return { jws, body: Buffer.from(body, 'base64url') };
}

function parseObject(content: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(content.toString('utf8'));
    // Any object's members may be read as unknown.
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
