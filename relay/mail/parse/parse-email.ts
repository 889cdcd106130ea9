/**
 * An email's bytes to its parts: header fields, the text a person would read, files. Nothing in it is trusted.
 *
 * Promises to settle on any bytes: a ParsedEmail with what had to be left out named in `problems`, or UnparsableEmail.
 * Limits are PARSE_LIMITS; the raw bytes are kept by the caller, so what is left out is never lost.
 */
import { createHash } from 'node:crypto';
import type { AttachmentContent } from '../../types.ts';
import type { ParsedEmail } from '../contracts.ts';
import { readAttachments } from './attachments.ts';
import { readAgentHeaders, readEnvelopeFields, readHeaderLines } from './email-headers.ts';
import { type BodyPart, PARSE_LIMITS, type ParseLimits, splitEmail } from './email-parts.ts';
import { htmlToPlain, plainToHtml, withoutPictures } from './html-text.ts';
import { openArmour, openEmail } from './sealed-email.ts';

export { PARSE_LIMITS, type ParseLimits, UnparsableEmail } from './email-parts.ts';

export async function parseEmail(raw: Buffer, limits: Partial<ParseLimits> = {}): Promise<ParsedEmail> {
  const within = { ...PARSE_LIMITS, ...limits };
  const { parts, encryption: sealed } = await openEmail(await splitEmail(raw, within), within);
  const problems = new Set<string>();
  if (parts.headerLines.length > within.headerFields) {
    problems.add(`header fields after the first ${within.headerFields} were left out`);
  }
  const lines = parts.headerLines.slice(0, within.headerFields);
  const headers = readHeaderLines(lines, { decode: true });
  const { problems: fieldProblems, ...fields } = readEnvelopeFields(readHeaderLines(lines, { decode: false }));
  const attachments = await readAttachments(parts.attached, parts.body, within, problems);
  const shown = parts.body === null ? '' : readText(parts.body, within, problems);
  const broken = shown === '' && attachments.length === 0 && problems.size === 0;
  const whole = cutText(broken ? rawBody(raw, parts.body, problems) : shown, within, problems);
  const opened = openArmour(whole);
  const encryption = sealed ?? opened.encryption;
  if (encryption !== null) problems.add(`the email is encrypted (${encryption}) and cannot be read here`);
  const { text } = opened;
  return {
    ...fields,
    text,
    // What was signed in place is the text alone.
    html: parts.body === null || text !== whole ? null : readHtml(parts.body, within),
    attachments,
    encryption,
    headers,
    agentHeaders: readAgentHeaders(headers),
    bodyHash: hashBody(text, attachments),
    problems: [...fieldProblems, ...problems],
  };
}

function cutText(text: string, limits: ParseLimits, problems: Set<string>): string {
  if (text.length <= limits.text) return text;
  problems.add(`the text was cut at ${limits.text} characters`);
  return text.slice(0, limits.text).replace(/[\ud800-\udbff]$/, '');
}

/** A multipart without its boundary has no parts: better its bytes as they stand than nothing. */
function rawBody(raw: Buffer, body: BodyPart | null, problems: Set<string>): string {
  const start = /\r?\n\r?\n/.exec(raw.subarray(0, PARSE_LIMITS.headerBytes).toString('latin1'));
  if (!body?.contentType.startsWith('multipart/') || start === null) return '';
  const rest = raw
    .subarray(start.index + start[0].length)
    .toString('utf8')
    .replaceAll('\0', '')
    .replace(/\r\n?/g, '\n');
  if (rest.trim() !== '') problems.add('the parts of the email cannot be told apart; the body is shown as it stands');
  return rest;
}

/** RFC 2046 section 5.1: of a multipart/alternative the plain text where it says anything, else the HTML; all else in order. */
function readText(part: BodyPart, limits: ParseLimits, problems: Set<string>): string {
  if (part.depth > limits.nesting) {
    problems.add(`a part nested deeper than ${limits.nesting} was left out`);
    return '';
  }
  if (part.text !== null) return part.filename === null ? readLeaf(part.contentType, part.text, problems) : '';
  const texts = (children: readonly BodyPart[]) =>
    children
      .map((child) => readText(child, limits, problems))
      .filter((text) => text.trim() !== '')
      .reduce(joinTexts, '');
  if (part.contentType !== 'multipart/alternative') return texts(part.children);
  const plain = part.children.filter((child) => child.contentType === 'text/plain');
  return texts(plain) || texts(part.children.filter((child) => child.contentType !== 'text/plain'));
}

/** Parts are paragraphs: Apple Mail puts the words around a picture into parts of their own. */
function joinTexts(above: string, below: string): string {
  return above === '' ? below : `${above.trimEnd()}\n\n${below.replace(/^\s*\n/, '')}`;
}

/** The whole body as HTML, plain parts beside it included; null where no part is HTML. */
function readHtml(part: BodyPart, limits: ParseLimits): string | null {
  if (!hasHtml(part, limits)) return null;
  if (part.text !== null) return withoutPictures(part.text);
  const { children } = part;
  const isAlternative = part.contentType === 'multipart/alternative';
  const best = isAlternative ? children.filter((child) => hasHtml(child, limits)).slice(-1) : children;
  return best.map((child) => readHtml(child, limits) ?? asHtml(child, limits)).join('\n');
}

function asHtml(part: BodyPart, limits: ParseLimits): string {
  const text = readText(part, limits, new Set());
  return text.trim() === '' ? '' : plainToHtml(text.trim());
}

function hasHtml(part: BodyPart, limits: ParseLimits): boolean {
  if (part.depth > limits.nesting) return false;
  if (part.text !== null) return part.contentType === 'text/html' && part.filename === null;
  return part.children.some((child) => hasHtml(child, limits));
}

function readLeaf(contentType: string, text: string, problems: Set<string>): string {
  if (contentType !== 'text/html') return text.replace(/^\ufeff/, '');
  const html = htmlToPlain(withoutPictures(text));
  for (const problem of html.problems) problems.add(problem);
  return html.text;
}

function hashBody(text: string, attachments: readonly AttachmentContent[]): string {
  const hash = createHash('sha256').update(text);
  for (const { sha256 } of attachments) hash.update(`\n${sha256}`);
  return hash.digest('hex');
}
