/**
 * Mail in a wrapper: winmail.dat (TNEF), S/MIME and OpenPGP. What is only signed is read (RFC 8551 section 3.5, RFC 9580
 * section 7); what is encrypted cannot be and is named. Signatures are not checked here and prove nothing.
 */
import * as asn1 from 'asn1js';
import { type AttachedPart, type EmailParts, type ParseLimits, splitEmail } from './email-parts.ts';
import { isTnef, readTnef } from './tnef.ts';

export type Encryption = 'OpenPGP' | 'S/MIME';

export interface OpenedEmail {
  readonly parts: EmailParts;
  readonly encryption: Encryption | null;
}

const MAX_LAYERS = 3;
const SMIME_TYPES = new Set(['application/pkcs7-mime', 'application/x-pkcs7-mime']);

/** Takes the wrappers off, as many as there are, within limits. */
export async function openEmail(parts: EmailParts, limits: ParseLimits, layer = 0): Promise<OpenedEmail> {
  if (isOpenPgp(parts)) return { parts, encryption: 'OpenPGP' };
  const wrapper = parts.attached.find(({ contentType }) => SMIME_TYPES.has(contentType));
  if (wrapper === undefined) return { parts: openTnef(parts, limits), encryption: null };
  const inner = signedContent(wrapper.content);
  if (inner === undefined || layer >= MAX_LAYERS) return { parts, encryption: 'S/MIME' };
  const opened = await openEmail(await splitEmail(inner, limits), limits, layer + 1);
  const others = parts.attached.filter((part) => part !== wrapper);
  return {
    ...opened,
    parts: { headerLines: parts.headerLines, body: opened.parts.body, attached: [...opened.parts.attached, ...others] },
  };
}

/** RFC 3156 section 4: a control part and the cipher text. */
function isOpenPgp({ attached }: EmailParts): boolean {
  return attached.some(({ contentType }) => contentType === 'application/pgp-encrypted');
}

const SIGNED_DATA = '1.2.840.113549.1.7.2';

/** RFC 5652 section 5.1 and 5.2: the content a SignedData encapsulates; undefined where it is anything else. */
function signedContent(der: Buffer): Buffer | undefined {
  const [type, wrapped] = childrenOf(readBer(der));
  if (!(type instanceof asn1.ObjectIdentifier) || type.getValue() !== SIGNED_DATA) return undefined;
  const [, , encapsulated] = childrenOf(childrenOf(wrapped)[0]);
  const [content] = childrenOf(childrenOf(encapsulated)[1]);
  return content instanceof asn1.OctetString ? Buffer.from(content.getValue()) : undefined;
}

/** asn1js throws for some broken values, and for others says so in its result. */
function readBer(der: Buffer): unknown {
  try {
    return asn1.fromBER(der).result;
  } catch {
    return undefined;
  }
}

function childrenOf(block: unknown): readonly unknown[] {
  return block instanceof asn1.Constructed ? block.valueBlock.value : [];
}

function openTnef(parts: EmailParts, limits: ParseLimits): EmailParts {
  const wrapper = parts.attached.find(({ content }) => isTnef(content));
  const opened = wrapper && readTnef(wrapper.content, limits.bytes);
  if (wrapper === undefined || opened === undefined) return parts;
  const files: AttachedPart[] = opened.files.map((file) => ({ ...file, depth: wrapper.depth }));
  const attached = parts.attached.flatMap((part) => (part === wrapper ? files : [part]));
  const leaf = { filename: null, depth: 0, children: [] };
  const body =
    opened.text === null
      ? { ...leaf, contentType: 'text/html', text: opened.html }
      : { ...leaf, contentType: 'text/plain', text: opened.text.replace(/\r\n?/g, '\n') };
  // Outlook sends the text beside the stream too; the stream's is for mail that has no other.
  return { ...parts, attached, body: hasText(parts.body) || body.text === null ? parts.body : body };
}

function hasText(body: EmailParts['body']): boolean {
  if (body === null) return false;
  return (body.filename === null && (body.text ?? '').trim() !== '') || body.children.some(hasText);
}

const BEGIN_SEALED = '-----BEGIN PGP MESSAGE-----';
const END_SEALED = '-----END PGP MESSAGE-----';
const SIGNED = /^-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Za-z-]+: [^\n]*\n)*\n/m;
const BEGIN_SIGNATURE = '\n-----BEGIN PGP SIGNATURE-----';
const END_SIGNATURE = '\n-----END PGP SIGNATURE-----';

/** OpenPGP inside the text: the words of what is signed; what is encrypted is named where there are no other words. */
export function openArmour(text: string): { readonly text: string; readonly encryption: Encryption | null } {
  const begin = text.startsWith(BEGIN_SEALED) ? 0 : text.indexOf(`\n${BEGIN_SEALED}`) + 1;
  const end = text.indexOf(END_SEALED, begin);
  if (text.startsWith(BEGIN_SEALED, begin) && end > begin) {
    const others = `${text.slice(0, begin)}${text.slice(end + END_SEALED.length)}`.split('\n');
    const own = others.some((line) => line.trim() !== '' && !/^\s*>/.test(line));
    return { text, encryption: own ? null : 'OpenPGP' };
  }
  return { text: openSigned(text), encryption: null };
}

/** RFC 9580 section 7.2: lines that begin with "-" have "- " before them. */
function openSigned(text: string): string {
  const start = SIGNED.exec(text);
  const end = text.indexOf(BEGIN_SIGNATURE, start?.index);
  if (start === null || end < start.index) return text;
  const words = text.slice(start.index + start[0].length, end).replace(/^- /gm, '');
  const close = text.indexOf(END_SIGNATURE, end);
  const after = close < 0 ? '' : text.slice(close + END_SIGNATURE.length);
  return text.slice(0, start.index) + words + after;
}
