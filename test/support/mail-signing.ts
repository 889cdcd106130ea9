/** Signs test mail with DKIM and ARC, with keys made once a run, and the DNS zone in which those keys are published. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { sealMessage } from 'mailauth/lib/arc/index.js';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import type { Zone } from './zone-resolver.ts';

/** One DKIM signature. */
export interface Signing {
  /** d= */
  readonly as: string;
  /** s1 is RSA, ed Ed25519; short, trial and gone are what is wrong with them. */
  readonly selector?: string;
  /** Whose private key, where it is not the domain's own. */
  readonly key?: string;
  readonly identity?: string;
  /** l= */
  readonly limit?: number;
  /** h=, made by hand: no signer of ours leaves From out. */
  readonly only?: readonly string[];
  readonly algorithm?: string;
  /** How long ago it was signed, and for how long it holds; in days: `3d`. */
  readonly age?: string;
  readonly life?: string;
}

/** One ARC set. */
export interface ArcSet {
  readonly as: string;
  readonly key?: string;
  /** The Authentication-Results that are sealed. */
  readonly results: string;
}

interface Domain {
  readonly spf?: string;
  readonly dmarc?: string;
  /** Whose keys it publishes. */
  readonly keys?: 'honest' | 'evil';
}

const FORGER = { keys: 'evil', spf: 'v=spf1 ip4:203.0.113.66 -all', dmarc: 'v=DMARC1; p=reject' } as const;

const DOMAINS: Readonly<Record<string, Domain>> = {
  'example.com': { keys: 'honest', spf: 'v=spf1 ip4:192.0.2.1 -all', dmarc: 'v=DMARC1; p=reject; sp=reject' },
  'mail.example.com': { keys: 'honest' },
  'sub.example.com': { spf: 'v=spf1 -all' },
  'example.org': { keys: 'honest', dmarc: 'v=DMARC1; p=reject' },
  'quarantine.example': { dmarc: 'v=DMARC1; p=quarantine' },
  'loose.example': { spf: 'v=spf1 -all', dmarc: 'v=DMARC1; p=none; rua=mailto:reports@loose.example' },
  'np.example': { dmarc: 'v=DMARC1; p=none; sp=none; np=reject' },
  'bare.example': { keys: 'honest', spf: 'v=spf1 ip4:192.0.2.3 -all' },
  'strict.example': { dmarc: 'v=DMARC1; p=reject; adkim=s; aspf=s' },
  'mail.strict.example': { keys: 'honest', spf: 'v=spf1 ip4:192.0.2.2 -all' },
  'suffix.example': { dmarc: 'v=DMARC1; p=reject; psd=y' },
  'one.suffix.example': { dmarc: 'v=DMARC1; p=reject' },
  'two.suffix.example': { keys: 'honest' },
  'lists.example': { keys: 'honest', dmarc: 'v=DMARC1; p=none' },
  com: { keys: 'evil' },
  'evil.example': { ...FORGER, dmarc: 'v=DMARC1; p=none' },
  'mx.evil.example': { spf: 'v=spf1 ip4:203.0.113.66 -all' },
  'examp1e.com': FORGER,
  'xn--exmple-4nf.com': FORGER,
  'example-com.example': FORGER,
  'example.com.evil.example': FORGER,
  'notexample.com': FORGER,
};

const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits });
const makeKeys = () => ({
  honest: { s1: rsa(2048), ed: generateKeyPairSync('ed25519') },
  evil: { s1: rsa(2048), ed: generateKeyPairSync('ed25519') },
  short: rsa(768),
});
let made: ReturnType<typeof makeKeys> | undefined;
const keys = () => {
  made ??= makeKeys();
  return made;
};

/** What the DNS knows of these domains. */
export function trustZone(): Zone {
  const zone: Zone = {
    'short._domainkey.example.com': { TXT: [record(keys().short.publicKey)] },
    'trial._domainkey.example.com': { TXT: [record(keys().honest.s1.publicKey, '; t=y')] },
    'gone._domainkey.example.com': { TXT: ['v=DKIM1; k=rsa; p='] },
  };
  for (const [domain, { spf, dmarc, keys: whose }] of Object.entries(DOMAINS)) {
    zone[domain] = { A: ['192.0.2.80'], ...(spf !== undefined && { TXT: [spf] }) };
    if (dmarc !== undefined) zone[`_dmarc.${domain}`] = { TXT: [dmarc] };
    if (whose === undefined) continue;
    zone[`s1._domainkey.${domain}`] = { TXT: [record(keys()[whose].s1.publicKey)] };
    zone[`ed._domainkey.${domain}`] = { TXT: [record(keys()[whose].ed.publicKey)] };
  }
  return zone;
}

/** RFC 6376 section 3.6.1; RFC 8463 section 4 has the bare 32 bytes. */
function record(key: KeyObject, more = ''): string {
  const der = key.export({ format: 'der', type: 'spki' });
  const isEd = key.asymmetricKeyType === 'ed25519';
  const bytes = isEd ? der.subarray(-32) : der;
  return `v=DKIM1; k=${isEd ? 'ed25519' : 'rsa'}${more}; p=${bytes.toString('base64')}`;
}

function privateKey(domain: string, selector: string): string {
  const whose = keys()[DOMAINS[domain]?.keys ?? 'honest'];
  const pair = selector === 'short' ? keys().short : selector === 'ed' ? whose.ed : whose.s1;
  return String(pair.privateKey.export({ format: 'pem', type: 'pkcs8' }));
}

const DAY_MS = 86_400_000;
const days = (text: string): number => Number(text.replace(/d$/, '')) * DAY_MS;

/** `raw` has one character per byte, here and in the answer. */
export async function signDkim(raw: string, signings: readonly Signing[], now: number): Promise<string> {
  let signed = raw;
  for (const { as, selector = 's1', key, age = '0d', ...one } of signings) {
    const signTime = new Date(now - days(age));
    if (one.only !== undefined) {
      signed = signOnly(signed, one.only, as, privateKey(key ?? as, selector)) + signed;
      continue;
    }
    const signature = {
      signingDomain: as,
      selector,
      privateKey: privateKey(key ?? as, selector),
      ...(one.limit !== undefined && { maxBodyLength: one.limit }),
      ...(one.identity !== undefined && { identity: one.identity }),
      ...(one.algorithm !== undefined && { algorithm: one.algorithm }),
    };
    const { signatures, errors } = await dkimSign(Buffer.from(signed, 'latin1'), {
      ...signature,
      signTime,
      ...(one.life !== undefined && { expires: new Date(signTime.getTime() + days(one.life)) }),
      signatureData: [signature],
    });
    const [problem] = errors ?? [];
    if (problem !== undefined) throw problem.err;
    if (signatures === '') throw new Error(`it could not be signed as ${as}`);
    signed = signatures + signed;
  }
  return signed;
}

/** RFC 6376 section 3.7, relaxed/relaxed, for a mail without runs of white space. */
function signOnly(raw: string, names: readonly string[], domain: string, pem: string): string {
  const end = raw.indexOf('\r\n\r\n');
  const bodyHash = createHash('sha256')
    .update(raw.slice(end + 4), 'latin1')
    .digest('base64');
  const lines = raw.slice(0, end).split('\r\n');
  const fields = names.map((name) => lines.find((line) => line.toLowerCase().startsWith(`${name}:`)) ?? '');
  const relaxed = fields.map((line) => line.replace(/^([^:]+): */, (_, name: string) => `${name.toLowerCase()}:`));
  const tags = `v=1; a=rsa-sha256; c=relaxed/relaxed; d=${domain}; s=s1; h=${names.join(':')}; bh=${bodyHash}; b=`;
  const text = [...relaxed, `dkim-signature:${tags}`].join('\r\n');
  return `DKIM-Signature: ${tags}${sign('sha256', Buffer.from(text, 'latin1'), pem).toString('base64')}\r\n`;
}

export async function sealArc(raw: string, { as, key, results }: ArcSet, now: number): Promise<string> {
  const before = /^ARC-Seal: i=(\d+)/m.exec(raw)?.[1];
  const headers = await sealMessage(Buffer.from(raw, 'latin1'), {
    signingDomain: as,
    selector: 's1',
    privateKey: privateKey(key ?? as, 's1'),
    cv: before === undefined ? 'none' : 'pass',
    authResults: results,
    signTime: new Date(now),
  });
  if (headers.length === 0) throw new Error('it could not be sealed');
  return headers.toString('latin1') + raw;
}
