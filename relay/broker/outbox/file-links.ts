/**
 * Links to attachments that are too large for an email: whoever holds one may open that one file until its time is over,
 * without a key. The token names message, file and end, sealed by HMAC; nothing is stored for it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { AttachmentContent } from '../../types.ts';
import type { BrokerDeps } from '../deps.ts';

export const FILE_LINK_LIVES_MS = 14 * 24 * 3_600_000;

interface LinkedAttachment {
  readonly messageId: string;
  readonly index: number;
  /** Unix milliseconds. */
  readonly until: number;
}

const TOKEN = /^(msg_[a-z0-9]{1,64})\.(\d{1,4})\.([a-z0-9]{1,12})\.([a-z0-9_-]{22})$/i;
/** 128 bits. */
const SEAL_BYTES = 16;

export function fileToken(secret: Buffer, link: LinkedAttachment): string {
  return `${link.messageId}.${link.index}.${link.until.toString(36)}.${seal(secret, link)}`;
}

/** Undefined for what is not ours, word for word. */
export function readFileToken(secret: Buffer, token: string): LinkedAttachment | undefined {
  const [, messageId, index, until, given] = TOKEN.exec(token) ?? [];
  if (messageId === undefined || index === undefined || until === undefined || given === undefined) return undefined;
  const link = { messageId, index: Number(index), until: Number.parseInt(until, 36) };
  const isOurs = timingSafeEqual(Buffer.from(given, 'utf8'), Buffer.from(seal(secret, link), 'utf8'));
  // One link has one spelling: what is read must give the same token again.
  return isOurs && fileToken(secret, link) === token ? link : undefined;
}

/** The same secret keys the reply tokens: the word in front keeps the two apart. */
function seal(secret: Buffer, { messageId, index, until }: LinkedAttachment): string {
  const sealed = createHmac('sha256', secret).update(`file\0${messageId}\0${index}\0${until}`).digest();
  return sealed.subarray(0, SEAL_BYTES).toString('base64url');
}

export type LinkedFileAnswer =
  | { readonly kind: 'file'; readonly file: AttachmentContent }
  | { readonly kind: 'over'; readonly until: number }
  | { readonly kind: 'unknown' };

export async function openFileLink(deps: BrokerDeps, token: string): Promise<LinkedFileAnswer> {
  const link = readFileToken(deps.tokenSecret, token);
  if (link === undefined) return { kind: 'unknown' };
  if (link.until <= deps.clock.now()) return { kind: 'over', until: link.until };
  const file = await deps.stores.messages.attachment(link.messageId, link.index);
  return file === undefined ? { kind: 'unknown' } : { kind: 'file', file };
}
