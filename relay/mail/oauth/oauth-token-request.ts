/**
 * One question to a token endpoint (RFC 6749 sections 4.4 and 6). Promises a token or an OAuthFailure, within its time,
 * for whatever the network or the server do. Never follows a redirect: the request carries secrets.
 */
import type { Clock } from '../../clock.ts';
import { OAuthFailure, tokenFailure } from './oauth-failure.ts';

export interface IssuedToken {
  readonly accessToken: string;
  readonly lifetimeMs: number;
  /** RFC 6749 section 6: a new one replaces the old one. */
  readonly refreshToken: string | null;
}

export interface TokenAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number;
}

const DEADLINE_MS = 30_000;
const LONGEST_ANSWER = 64 * 1024;
/** RFC 6749 section 5.1 only recommends expires_in. */
const DEFAULT_LIFETIME_MS = 30 * 60_000;
/** Each token costs a new connection: shorter ones are not worth it, and would be a hot loop. */
const SHORTEST_LIFETIME_MS = 2000;
const LONGEST_RETRY_AFTER_MS = 60 * 60_000;
/** RFC 6750 section 2.1 (b64token): what may stand in a login; control characters would end its field early. */
const TOKEN = /^[\x21-\x7e]{1,16384}$/;

/** `form` as RFC 6749 has it; null values are left out. */
export async function requestToken(
  user: string,
  url: string,
  form: Readonly<Record<string, string | null>>,
  clock: Clock,
): Promise<IssuedToken> {
  const answer = await postForm(user, url, form, clock);
  const { status, body, retryAfterMs } = answer;
  const token = body['access_token'];
  if (status === 200 && typeof token === 'string' && TOKEN.test(token)) return issued(token, body);
  if (status === 200)
    throw new OAuthFailure(`The token server's answer for ${user} holds no token.`, { refused: false });
  throw tokenFailure(user, { status, code: errorCode(body), retryAfterMs });
}

/** RFC 6749 section 5.2 allows these characters; anything else is no code, and is not shown. */
export function errorCode(body: Readonly<Record<string, unknown>>): string | null {
  const { error } = body;
  return typeof error === 'string' && /^[a-z0-9_.-]{1,60}$/i.test(error) ? error : null;
}

function issued(accessToken: string, body: Readonly<Record<string, unknown>>): IssuedToken {
  const seconds = Number(body['expires_in']);
  const next = body['refresh_token'];
  return {
    accessToken,
    lifetimeMs:
      Number.isFinite(seconds) && seconds > 0 ? Math.max(seconds * 1000, SHORTEST_LIFETIME_MS) : DEFAULT_LIFETIME_MS,
    refreshToken: typeof next === 'string' && next !== '' ? next : null,
  };
}

/** Any answer of the server is a value; throws OAuthFailure where there is none. */
export async function postForm(
  user: string,
  url: string,
  form: Readonly<Record<string, string | null>>,
  clock: Clock,
): Promise<TokenAnswer> {
  const fields = Object.entries(form).filter((field): field is [string, string] => field[1] !== null);
  const over = new AbortController();
  const done = new AbortController();
  void clock.sleep(DEADLINE_MS, done.signal).then(() => over.abort());
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: new URLSearchParams(fields),
      redirect: 'error',
      signal: over.signal,
    });
    const text = await readAtMost(response, LONGEST_ANSWER);
    return { status: response.status, body: readObject(text), retryAfterMs: retryAfter(response) };
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'no answer';
    const host = new URL(url).host;
    throw new OAuthFailure(`The token server ${host} of ${user} cannot be reached (${why}).`, { refused: false });
  } finally {
    done.abort();
  }
}

/** RFC 9110 section 10.2.3, in seconds; the form with a date is not worth its code here. */
function retryAfter(response: Response): number {
  const seconds = Number(response.headers.get('retry-after'));
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, LONGEST_RETRY_AFTER_MS) : 0;
}

async function readAtMost(response: Response, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limit) return '';
  }
  return Buffer.concat(chunks).toString('utf8');
}

function readObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
    return value as Readonly<Record<string, unknown>>; // an object that is no list has members of any kind
  } catch {
    return {};
  }
}
