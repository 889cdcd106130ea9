/**
 * Idempotency-Key (interface: 24 h; same key and body: the first answer again; another body: 422). The receipt is stored
 * in the transaction that it answers for, sealed with a key made of the caller's own secret: a stored answer may hold a
 * new key's secret, and the relay must not be able to read it.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { Request } from 'express';
import type { BrokerDeps } from '../broker/deps.ts';
import { RECEIPT_LIVES_MS } from '../broker/housekeeping.ts';
import { invalidRequest, RelayError } from '../errors.ts';
import type { Receipt } from '../store/stores.ts';
import { bearer } from './bearer.ts';
import type { Answer } from './route.ts';

type Run = (receipt: ((status: number, body: unknown) => Receipt) | undefined) => Promise<Answer | undefined>;

/** The last request of each key that is being answered now; the next one queues behind it. */
const inFlight = new Map<string, Promise<unknown>>();

export async function answerOnce(
  deps: Pick<BrokerDeps, 'stores' | 'clock'>,
  req: Request,
  callerId: string,
  run: Run,
): Promise<Answer | undefined> {
  const key = req.headers['idempotency-key'];
  if (key === undefined) return run(undefined);
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw invalidRequest([{ path: 'Idempotency-Key', message: 'must be 1 to 255 printable ASCII characters' }]);
  }
  const request = identify(req, callerId, key);
  const answering = answerAfter(inFlight.get(request.scope), deps, request, run);
  inFlight.set(request.scope, answering);
  try {
    return await answering;
  } finally {
    if (inFlight.get(request.scope) === answering) inFlight.delete(request.scope);
  }
}

/** Each looks for a receipt only after the one before it has ended: of many that come at once, one does the work. */
async function answerAfter(
  before: Promise<unknown> | undefined,
  deps: Pick<BrokerDeps, 'stores' | 'clock'>,
  request: Identified,
  run: Run,
): Promise<Answer | undefined> {
  await before?.catch(() => undefined);
  const known = await deps.stores.receipts.find(request.scope, deps.clock.now() - RECEIPT_LIVES_MS);
  if (known !== undefined) return replay(known, request);
  return run((status, body) => sealReceipt(request, status, body, deps.clock.now()));
}

interface Identified {
  readonly scope: string;
  readonly bodyHash: string;
  readonly sealKey: Buffer;
}

function identify(req: Request, callerId: string, key: string): Identified {
  const path = req.path;
  const scope = createHash('sha256')
    .update(JSON.stringify([callerId, req.method, path, key]))
    .digest('hex');
  const bodyHash = createHash('sha256')
    .update(JSON.stringify(req.body ?? null))
    .digest('hex');
  // Without a key the path holds the secret: an enrolment code.
  const secret = bearer(req) ?? path;
  return { scope, bodyHash, sealKey: Buffer.from(hkdfSync('sha256', secret, scope, 'turnpost receipt', 32)) };
}

function replay(receipt: Receipt, request: Identified): Answer {
  if (receipt.bodyHash !== request.bodyHash) throw new RelayError('idempotency_key_reuse');
  return { status: receipt.status, body: unseal(receipt.sealed, request.sealKey) };
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

function sealReceipt(
  { scope, bodyHash, sealKey }: Identified,
  status: number,
  body: unknown,
  createdAt: number,
): Receipt {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', sealKey, iv);
  const text = Buffer.concat([cipher.update(JSON.stringify(body)), cipher.final()]);
  return { scope, bodyHash, status, sealed: Buffer.concat([iv, cipher.getAuthTag(), text]), createdAt };
}

function unseal(sealed: Buffer, sealKey: Buffer): unknown {
  const decipher = createDecipheriv('aes-256-gcm', sealKey, sealed.subarray(0, IV_BYTES));
  decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  return JSON.parse(
    Buffer.concat([decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString(),
  );
}
