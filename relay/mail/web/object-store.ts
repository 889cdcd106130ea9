/**
 * Where a service puts mail that is too large for a notification: objects in buckets. The one implementation speaks S3
 * (GET of an object, signed by Signature Version 4), to Amazon or to anything like it; another one is another object with
 * this method.
 */
import { createHash, createHmac } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { WebFetch } from './web-fetch.ts';

export interface ObjectStore {
  /** The object's bytes; undefined where there is none. Rejects where that cannot be told now. */
  get(bucket: string, key: string): Promise<Buffer | undefined>;
}

export interface S3Options {
  /** `https://KEY_ID:SECRET@s3.REGION.amazonaws.com`; buckets are the first part of the path. */
  readonly url: string;
  readonly maxBytes: number;
  readonly fetch: WebFetch;
  readonly clock: Pick<Clock, 'now'>;
}

const TIMEOUT_MS = 30_000;

export function s3ObjectStore({ url, maxBytes, fetch, clock }: S3Options): ObjectStore {
  const { protocol, host, username, password } = new URL(url);
  // Others than Amazon's name none, and take that one.
  const region = /^s3[.-]([a-z0-9-]+)\.amazonaws\.com/.exec(host)?.[1] ?? 'us-east-1';
  const credentials = { id: decodeURIComponent(username), secret: decodeURIComponent(password), region };
  return {
    async get(bucket, key) {
      const path = `/${[bucket, ...key.split('/')].map(encode).join('/')}`;
      const headers = signGet({ host, path, at: clock.now(), ...credentials });
      const { status, body } = await fetch(`${protocol}//${host}${path}`, { maxBytes, headers, timeoutMs: TIMEOUT_MS });
      if (status === 200) return body;
      if (status === 404) return undefined;
      throw new Error(`the object store answers with ${status}`);
    },
  };
}

/** RFC 3986 section 2.3, all else escaped, as SigV4 wants paths. */
const encode = (part: string): string =>
  encodeURIComponent(part).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();

interface SignedGet {
  readonly host: string;
  readonly path: string;
  readonly query?: string;
  /** Unix milliseconds. */
  readonly at: number;
  readonly id: string;
  readonly secret: string;
  readonly region: string;
}

const NO_BODY = sha256('');

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
export function signGet({ host, path, query = '', at, id, secret, region }: SignedGet): Record<string, string> {
  const time = new Date(at).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const scope = `${day}/${region}/s3/aws4_request`;
  const signedHeaders = 'host;x-amz-content-sha256;x-amz-date';
  const canonical = [
    'GET',
    path,
    query,
    `host:${host}`,
    `x-amz-content-sha256:${NO_BODY}`,
    `x-amz-date:${time}`,
    '',
    signedHeaders,
    NO_BODY,
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), 's3'), 'aws4_request');
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  return {
    'x-amz-content-sha256': NO_BODY,
    'x-amz-date': time,
    authorization: `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`,
  };
}
