/**
 * Standard Webhooks (https://www.standardwebhooks.com), scheme v1: HMAC-SHA256 over `id.timestamp.body`. By hand, since the
 * library reads the body as UTF-8 first, which an email need not be, and the clock by itself.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface WebhookHead {
  readonly id: string;
  /** Unix seconds, as written. */
  readonly timestamp: string;
  /** `v1,BASE64`, several by space. */
  readonly signature: string;
}

const TOLERANCE_SECONDS = 5 * 60;
/** What is wrong before the body is looked at; null: nothing. `now` in Unix milliseconds. */
export function webhookHeadProblem({ id, timestamp, signature }: WebhookHead, now: number): string | null {
  // A dot would let bytes move between the id and the timestamp.
  if (!/^[\x21-\x2d\x2f-\x7e]{1,256}$/.test(id)) return 'webhook-id is missing or unreadable';
  if (!/^\d{1,12}$/.test(timestamp)) return 'webhook-timestamp is missing or unreadable';
  if (Math.abs(now / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) {
    return 'webhook-timestamp is more than 5 minutes from our time';
  }
  return /(?:^| )v1,[A-Za-z0-9+/]{43}=(?: |$)/.test(signature)
    ? null
    : 'webhook-signature has no signature of scheme v1';
}

/** Signed with one of the keys? */
export function isWebhookGenuine(
  { id, timestamp, signature }: WebhookHead,
  body: Buffer,
  keys: readonly Buffer[],
): boolean {
  const given = signature
    .split(' ')
    .flatMap((one) => (one.startsWith('v1,') ? Buffer.from(one.slice(3), 'base64') : []));
  return keys.some((key) => {
    const right = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
    return given.some((one) => one.length === right.length && timingSafeEqual(one, right));
  });
}
