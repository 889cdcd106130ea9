/**
 * Reads and checks the signature of an agent's email: a JWS by ES256 (RFC 7515, RFC 7519) in the part
 * agent-message.jws.json together with the body's exact bytes. What the mail says outside of it, its visible text above
 * all, is not looked at: servers on the way add footers and re-encode.
 *
 * Pure: which key, whose clock and who we are come in. A reason is a sentence that may be shown to a stranger.
 */
import { createHash, verify } from 'node:crypto';
import { z } from 'zod';
import type { AttachmentContent, Message, MessageType, Priority } from '../../types.ts';
import type { ParsedEmail } from '../contracts.ts';
import type { PeerKey } from './jwks-fetch.ts';
import { DATA_PART, readSignaturePart, SIGNATURE_PART, writeDataPart } from './signature-part.ts';

export const SIGNATURE_TYP = 'agent-msg+jwt';

const Text = z.string().max(1000);
const Seconds = z.int().min(0).max(100_000_000_000);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What `signer.ts` signs; a claim that we do not know changes nothing. */
const Claims = z.object({
  iss: Text,
  sub: Text,
  aud: z.array(Text).max(200),
  jti: z.string().min(1).max(200),
  thr: Text,
  iat: Seconds,
  exp: Seconds.optional(),
  hop: z.int().min(0).max(1000),
  bh: Sha256,
  att: z.array(Sha256).max(500),
  env: z
    .object({
      subject: z.string().max(200).nullable(),
      type: z.enum(['message', 'task', 'query', 'response']),
      priority: z.enum(['low', 'normal', 'high', 'urgent']),
      requires_response: z.boolean(),
    })
    .optional(),
  dh: Sha256.optional(),
});

/** RFC 7515 section 4.1; `jku`, `jwk`, `x5u` are not read: a key that comes with the mail proves nothing. */
const Header = z.object({
  alg: z.literal('ES256'),
  typ: z.literal(SIGNATURE_TYP),
  kid: z.string().min(1).max(200),
  crit: z.undefined().optional(),
});

/** As much as X-Agent-Signature may hold. */
const MAX_JWS = 16 * 1024;

export interface SignedEmail {
  /** Compact, as in X-Agent-Signature. */
  readonly jws: string;
  readonly kid: string;
  /** The relay that signed, by its domain, in lower case. */
  readonly iss: string;
  /** The agent that speaks, in lower case. */
  readonly sub: string;
  readonly aud: readonly string[];
  readonly jti: string;
  readonly issuedAt: number;
  readonly expiresAt: number | null;
  readonly hop: number;
  readonly body: string;
  readonly subject: string | null;
  readonly type: MessageType | null;
  readonly priority: Priority;
  readonly requiresResponse: boolean;
  readonly data: Readonly<Record<string, unknown>> | null;
  /** Without the parts that are for machines; counted anew. */
  readonly files: readonly AttachmentContent[];
  /** Something that came along without being signed was left out. */
  readonly notes: readonly string[];
}

export type SignatureReading =
  | { readonly kind: 'none' }
  | { readonly kind: 'bad'; readonly reason: string }
  | { readonly kind: 'signed'; readonly email: SignedEmail };

const bad = (reason: string): SignatureReading => ({ kind: 'bad', reason });
const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');

/** What the signature says and that the mail is what it speaks of; whether it is genuine is `isGenuine`'s to say. */
export function readSignedEmail(parsed: ParsedEmail): SignatureReading {
  const parts = parsed.attachments.filter(({ filename }) => filename === SIGNATURE_PART);
  const inHeader = parsed.agentHeaders.signature;
  if (inHeader === null && parts.length === 0) return { kind: 'none' };
  if (parts.length !== 1) return bad(`one part ${SIGNATURE_PART} must hold the signed bytes`);
  const part = readSignaturePart(parts[0]?.content ?? Buffer.alloc(0));
  if (part === undefined || part.jws.length > MAX_JWS) return bad(`the part ${SIGNATURE_PART} is no JWS`);
  if (inHeader !== null && inHeader !== part.jws) return bad('X-Agent-Signature and its part are not the same');
  const signed = readJws(part.jws);
  if (signed === undefined)
    return bad(`it is not signed by ES256 as ${SIGNATURE_TYP}, or its claims are not those of a mail`);
  if (inHeader === null && isPassedOn(parsed, signed.claims)) return { kind: 'none' };
  return readContent(parsed, signed.claims, { ...part, kid: signed.kid });
}

type SignedClaims = z.output<typeof Claims>;

/** A person who passes an agent's mail on with its files: the part is a file like any other, and speaks for nobody. */
const isPassedOn = ({ from, agentHeaders }: ParsedEmail, { sub }: SignedClaims): boolean =>
  agentHeaders.id === null && !from.some(({ address }) => address === sub.toLowerCase());

/** Undefined where it is none of ours, whoever made it. Proves nothing. */
function readJws(jws: string): { readonly kid: string; readonly claims: SignedClaims } | undefined {
  const [header = '', payload = ''] = jws.split('.');
  const { data: protectedHeader } = Header.safeParse(parseMember(header));
  const { data: claims } = Claims.safeParse(parseMember(payload));
  return protectedHeader && claims && { kid: protectedHeader.kid, claims };
}

/** The key that is said to have signed a stored message, and whether the message still is what was signed. */
export function readStoredSignature(message: Message): { readonly kid: string; readonly fits: boolean } | undefined {
  const signed = message.jws === null ? undefined : readJws(message.jws);
  if (signed === undefined) return undefined;
  const { sub, bh, att, env, dh } = signed.claims;
  const files = message.attachments.map((file) => file.sha256);
  const fits = [
    sub.toLowerCase() === message.from.address,
    bh === sha256(message.body),
    JSON.stringify(att) === JSON.stringify(files),
    env === undefined || (env.subject === message.subject && env.type === message.type),
    env === undefined || env.priority === message.priority,
    dh === (message.data === null ? undefined : sha256(writeDataPart(message.data))),
  ];
  return { kid: signed.kid, fits: fits.every(Boolean) };
}

interface Signature {
  readonly jws: string;
  readonly kid: string;
  readonly body: Buffer;
}

function readContent(parsed: ParsedEmail, claims: SignedClaims, signature: Signature): SignatureReading {
  const body = signature.body.toString('utf8');
  if (sha256(signature.body) !== claims.bh || !Buffer.from(body).equals(signature.body)) {
    return bad('its body is not what was signed');
  }
  const data = readData(parsed, claims.dh);
  if (data === undefined) return bad(`its part ${DATA_PART} is not what was signed`);
  const files = parsed.attachments
    .filter(({ filename }) => filename !== SIGNATURE_PART && filename !== DATA_PART)
    .map((file, index) => ({ ...file, index }));
  if (JSON.stringify(files.map((file) => file.sha256)) !== JSON.stringify(claims.att)) {
    return bad('its attachments are not those that were signed');
  }
  const { env } = claims;
  const { type, priority, requiresResponse } = parsed.agentHeaders;
  return {
    kind: 'signed',
    email: {
      jws: signature.jws,
      kid: signature.kid,
      iss: claims.iss.toLowerCase(),
      sub: claims.sub.toLowerCase(),
      aud: claims.aud.map((one) => one.toLowerCase()),
      jti: claims.jti,
      issuedAt: claims.iat * 1000,
      expiresAt: claims.exp === undefined ? null : claims.exp * 1000,
      hop: claims.hop,
      body,
      subject: env === undefined ? parsed.subject : env.subject,
      type: env?.type ?? type,
      priority: env?.priority ?? priority ?? 'normal',
      requiresResponse: env?.requires_response ?? requiresResponse,
      data: data.value,
      files,
      notes: data.left ? [`its data was not signed and was left out`] : [],
    },
  };
}

interface ReadData {
  readonly value: Readonly<Record<string, unknown>> | null;
  readonly left: boolean;
}

/** Undefined where it is not what was signed. Data that nobody signed is not handed on. */
function readData({ attachments }: ParsedEmail, hash: string | undefined): ReadData | undefined {
  const part = attachments.find(({ filename }) => filename === DATA_PART);
  if (hash === undefined) return { value: null, left: part !== undefined };
  if (part === undefined || part.sha256 !== hash) return undefined;
  const value = parseJson(part.content.toString());
  // An object's members may be read as unknown; the schema of what is sent wants an object, and no array.
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return { value: value as Readonly<Record<string, unknown>>, left: false };
}

/** Does this key say so? RFC 7518 section 3.4. */
export function isGenuine(jws: string, { key }: Pick<PeerKey, 'key'>): boolean {
  const [header, payload, signature = ''] = jws.split('.');
  const signed = Buffer.from(`${header}.${payload}`);
  return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
}

const EARLY_MS = 5 * 60_000;
/** As long as a mail server tries (RFC 5321 section 4.5.4.1). */
const LATE_MS = 5 * 24 * 3_600_000;

/** What speaks against a signed email however genuine it is; null: nothing. */
export function objectionTo(
  email: SignedEmail,
  { from, agentHeaders }: ParsedEmail,
  { now, maxHops }: { readonly now: number; readonly maxHops: number },
): string | null {
  const [author, ...others] = from;
  if (author === undefined || others.length > 0 || author.address !== email.sub) {
    return 'From must name the agent that signed, and nobody else';
  }
  if (agentHeaders.id !== null && agentHeaders.id.toLowerCase() !== email.sub) return 'X-Agent-ID names another agent';
  if (email.sub.slice(email.sub.lastIndexOf('@') + 1) !== email.iss) return `${email.iss} cannot sign for ${email.sub}`;
  if (email.issuedAt > now + EARLY_MS) return 'it was signed in the future';
  if (email.issuedAt < now - LATE_MS) return 'it was signed more than five days ago';
  if (email.expiresAt !== null && email.expiresAt <= now) return 'it has expired';
  return email.hop > maxHops ? 'it was passed on too often and goes in circles' : null;
}

/** Undefined where it is no JSON, or a member stands twice, which readers take differently (RFC 7519 section 4). */
function parseMember(base64url: string): unknown {
  const text = Buffer.from(base64url, 'base64url').toString('utf8');
  const value = parseJson(text);
  return value === undefined || namesTwice(text) ? undefined : value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Does an object of this JSON text hold a member twice? For texts that parse: in others a string may have no end. */
function namesTwice(text: string): boolean {
  const open: Set<string>[] = [];
  let last = '';
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}:]/g)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (token !== ':') last = token;
    else {
      const members = open.at(-1);
      const name = String(parseJson(last));
      if (members?.has(name)) return true;
      members?.add(name);
    }
  }
  return false;
}
