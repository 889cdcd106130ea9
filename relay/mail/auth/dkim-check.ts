/**
 * DKIM (RFC 6376, 8301, 8463): which domains signed this very mail, all of it, so that it may be believed.
 *
 * A signature with `l=` does not count (anyone may append to the body, RFC 6376 section 8.2), nor one that leaves From
 * out, is expired or from the future, uses SHA-1 or a short RSA key, or whose key is marked as a test.
 */
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import type { Clock } from '../../clock.ts';
import { mailauthResolver, type Resolver } from '../dns.ts';
import type { HeaderSection } from '../parse/header-section.ts';
import { countFields, type SignedFields, signedFields } from './signed-fields.ts';

export interface DkimFindings {
  /** The best that a signature came to, in the words of RFC 8601 section 2.7.1. */
  readonly result: string;
  /** Whose signatures count. */
  readonly passed: readonly PassedSignature[];
  /** Domains whose keys the DNS did not give for now. */
  readonly unknown: readonly string[];
  /** A signature covers a part of the body only. */
  readonly partial: boolean;
  /** For the ARC check, which needs what was read on the way. */
  readonly arc: ArcMaterial | undefined;
}

export interface PassedSignature extends SignedFields {
  readonly domain: string;
}

type Verified = Awaited<ReturnType<typeof dkimVerify>>;
export type ArcMaterial = NonNullable<Verified['arc']>;

export const UNSIGNED: DkimFindings = { result: 'none', passed: [], unknown: [], partial: false, arc: undefined };

/** Each costs a question to the DNS and a pass over the mail; honest mail has up to about five. */
const MOST_SIGNATURES = 10;
/** RFC 8617 section 4.2.1 allows 50 sets; each costs a question too. */
const MOST_ARC_SETS = 10;
/** RFC 8301 section 3.2: shorter keys must not verify. */
const LEAST_RSA_BITS = 1024;
const SLICE = 16 * 1024;
/** An honest mail of 25 MiB takes about a second. */
const MOST_MS = 10_000;
const CLOCK_SKEW_MS = 60 * 60_000;
const ORDER = ['pass', 'temperror', 'fail', 'policy', 'neutral', 'permerror'];

const SIGNATURES = ['dkim-signature', 'arc-seal', 'arc-message-signature', 'arc-authentication-results'];

export function isSigned(section: HeaderSection): boolean {
  return SIGNATURES.some((name) => countFields(section, name) > 0);
}

export async function checkDkim(
  raw: Buffer,
  section: HeaderSection,
  { resolver, clock }: { readonly resolver: Resolver; readonly clock: Pick<Clock, 'now'> },
): Promise<DkimFindings> {
  const now = clock.now();
  const tooMany =
    countFields(section, 'dkim-signature') > MOST_SIGNATURES || countFields(section, 'arc-seal') > MOST_ARC_SETS;
  if (tooMany) return { ...UNSIGNED, result: 'policy' };
  if (!isSigned(section)) return UNSIGNED;
  const options = { strict: true, minBitLength: LEAST_RSA_BITS, curTime: new Date(now) };
  const verified = await dkimVerify(Readable.from(inTurns(raw, () => clock.now() - now > MOST_MS)), {
    ...options,
    resolver: mailauthResolver(resolver),
  }).catch((error: unknown) => {
    if (error instanceof TooSlow) return undefined;
    throw error;
  });
  if (verified === undefined) return { ...UNSIGNED, result: 'policy' };
  // It counts From fields in its own way: a mail that it reads otherwise than we do proves nothing.
  if (verified.fromFields !== 1) return { ...UNSIGNED, result: 'policy' };
  const signatures = verified.results.filter(({ status }) => status.result !== 'none').map((one) => judge(one, now));
  const domainsOf = (result: string) =>
    signatures.flatMap((one) => (one.result === result && one.domain !== '' ? [one.domain] : []));
  return {
    result: ORDER.find((result) => signatures.some((one) => one.result === result)) ?? 'none',
    passed: signatures
      .filter(({ result }) => result === 'pass')
      .map(({ domain, keys }) => ({ domain, ...signedFields(section, keys) })),
    unknown: domainsOf('temperror'),
    partial: verified.results.some(({ canonBodyLengthLimited }) => canonBodyLengthLimited === true),
    arc: verified.arc,
  };
}

type Signature = Verified['results'][number];

class TooSlow extends Error {
  override readonly name = 'TooSlow';
}

/** The library reads what it is given in one go, and some bodies take it seconds: between slices others have their turn. */
async function* inTurns(raw: Buffer, isTooSlow: () => boolean): AsyncGenerator<Buffer> {
  for (let at = 0; at < raw.length; at += SLICE) {
    if (isTooSlow()) throw new TooSlow();
    yield raw.subarray(at, at + SLICE);
    await setImmediate();
  }
}

interface Judged {
  readonly domain: string;
  readonly result: string;
  /** Of the fields that are signed, each as often as it is. */
  readonly keys: readonly string[];
}

function judge(signature: Signature, now: number): Judged {
  const { status, signingDomain, signTime, canonBodyLengthLimited, signingHeaders } = signature;
  const domain = (signingDomain ?? '').toLowerCase();
  const early = signTime !== null && signTime !== undefined && Date.parse(signTime) > now + CLOCK_SKEW_MS;
  // RFC 6376 section 3.6.1: a key with t=y says nothing, whether its signature verifies or not.
  const counts = canonBodyLengthLimited !== true && !early && status.testing !== true;
  const keys = (signingHeaders?.keys ?? '').toLowerCase().split(/\s*:\s*/);
  return { domain, keys, result: status.result === 'pass' && !counts ? 'policy' : status.result };
}
