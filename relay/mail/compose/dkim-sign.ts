/**
 * Signs outgoing mail by DKIM (RFC 6376): relaxed/relaxed, no `l=`, one field above the message for each key it is given,
 * RSA with SHA-256 (RFC 8301) and Ed25519 (RFC 8463).
 *
 * Ours, since mailauth's signer cannot name a field once more than the mail has it: without that a second From, Subject
 * or List-Unsubscribe can be added to signed mail (RFC 6376 section 8.15). Promises bytes that are signed and not changed.
 */
import { createHash, type KeyObject, sign } from 'node:crypto';

export interface DkimKey {
  readonly selector: string;
  readonly algorithm: 'rsa' | 'ed25519';
  readonly privateKey: KeyObject;
}

export interface DkimSigning {
  /** `d=`: the domain of From. */
  readonly domain: string;
  readonly keys: readonly DkimKey[];
  /** Unix milliseconds, for `t=`. */
  readonly now: number;
}

/** Signed where they are, and a further one of them breaks the signature. */
const OVERSIGNED = [
  'From',
  'Reply-To',
  'Subject',
  'To',
  'Cc',
  'Date',
  'Message-ID',
  'List-Unsubscribe',
  'List-Unsubscribe-Post',
  'Auto-Submitted',
  'MIME-Version',
  'Content-Type',
  'Content-Transfer-Encoding',
];
/** Signed where they are. */
const SIGNED = [
  'In-Reply-To',
  'References',
  'Thread-Topic',
  'X-Auto-Response-Suppress',
  'X-Agent-ID',
  'X-Agent-Task-ID',
  'X-Agent-Message-Type',
  'X-Agent-Priority',
  'X-Agent-Requires-Response',
  'X-Agent-Hops',
  'X-Agent-Signature',
];

const ALGORITHMS = { rsa: 'rsa-sha256', ed25519: 'ed25519-sha256' } as const;
/** RFC 5322 section 2.1.1 wants lines of at most 78. */
const FOLD_AT = 72;

interface Field {
  readonly name: string;
  /** Relaxed, without a line end. */
  readonly relaxed: string;
}

/** The mail with a DKIM-Signature field for each key on top. Lines must end in CRLF. */
export function signEmail(raw: Buffer, signing: DkimSigning): Buffer {
  const end = raw.indexOf('\r\n\r\n');
  if (end < 0) throw new TypeError('an email without a body has nothing to sign');
  const fields = readFields(raw.toString('latin1', 0, end));
  const { names, hashed } = chooseFields(fields);
  const bodyHash = createHash('sha256')
    .update(relaxBody(raw.subarray(end + 4)))
    .digest('base64');
  const signatures = signing.keys.map((key) => signatureField(signing, key, { names, hashed, bodyHash }));
  return Buffer.concat([Buffer.from(signatures.join(''), 'latin1'), raw]);
}

function readFields(head: string): Field[] {
  return head.split(/\r\n(?![ \t])/).map((field) => {
    const name = field.slice(0, field.indexOf(':')).trim();
    return { name: name.toLowerCase(), relaxed: relaxField(name, field.slice(field.indexOf(':') + 1)) };
  });
}

/** RFC 6376 section 3.4.2: lower-case name, unfolded, one space for white space, none at the ends. */
function relaxField(name: string, value: string): string {
  const plain = value.replaceAll('\r\n', '').replace(/[ \t]+/g, ' ');
  return `${name.toLowerCase()}:${plain.trim()}`;
}

/** RFC 6376 section 5.4.2: of several fields of a name the lowest is signed first; one that is not there hashes to nothing. */
function chooseFields(fields: readonly Field[]): { readonly names: readonly string[]; readonly hashed: string } {
  const names: string[] = [];
  const chosen: Field[] = [];
  const add = (name: string, more: number): void => {
    const present = fields.filter((field) => field.name === name.toLowerCase()).toReversed();
    chosen.push(...present);
    for (let n = 0; n < present.length + more; n += 1) names.push(name);
  };
  for (const name of OVERSIGNED) add(name, 1);
  for (const name of SIGNED) add(name, 0);
  return { names, hashed: chosen.map(({ relaxed }) => `${relaxed}\r\n`).join('') };
}

/** RFC 6376 section 3.4.4. */
export function relaxBody(body: Buffer): Buffer {
  const lines = body
    .toString('latin1')
    .replace(/[ \t]+/g, ' ')
    .replaceAll(' \r\n', '\r\n');
  let end = lines.endsWith(' ') ? lines.length - 1 : lines.length;
  while (end >= 2 && lines.startsWith('\r\n', end - 2)) end -= 2;
  return end === 0 ? Buffer.alloc(0) : Buffer.from(`${lines.slice(0, end)}\r\n`, 'latin1');
}

interface Signed {
  readonly names: readonly string[];
  readonly hashed: string;
  readonly bodyHash: string;
}

function signatureField({ domain, now }: DkimSigning, key: DkimKey, { names, hashed, bodyHash }: Signed): string {
  const tags = [
    'v=1',
    `a=${ALGORITHMS[key.algorithm]}`,
    'c=relaxed/relaxed',
    `d=${domain}`,
    `s=${key.selector}`,
    `t=${Math.floor(now / 1000)}`,
    `h=${foldNames(names)}`,
    `bh=${bodyHash}`,
  ];
  const unsigned = ` ${tags.join(';\r\n ')};\r\n b=`;
  const data = Buffer.from(hashed + relaxField('DKIM-Signature', unsigned), 'latin1');
  const signature = key.algorithm === 'rsa' ? sign('sha256', data, key.privateKey) : signDigest(data, key.privateKey);
  return `DKIM-Signature:${unsigned}${foldBase64(signature.toString('base64'))}\r\n`;
}

/** RFC 8463 section 3: Ed25519 over the SHA-256 digest. */
function signDigest(data: Buffer, key: KeyObject): Buffer {
  return sign(null, createHash('sha256').update(data).digest(), key);
}

/** RFC 6376 section 3.5: white space may stand beside the colons of `h=`. */
function foldNames(names: readonly string[]): string {
  const lines: string[] = [];
  let line = '';
  for (const name of names) {
    if (line.length + name.length > FOLD_AT) {
      lines.push(line);
      line = '';
    }
    line += `${name}:`;
  }
  return [...lines, line.slice(0, -1)].join('\r\n  ');
}

const foldBase64 = (text: string): string => (text.match(new RegExp(`.{1,${FOLD_AT}}`, 'g')) ?? []).join('\r\n ');
