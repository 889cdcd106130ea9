/**
 * An email's bytes to its parts: header fields, the text a person would read, files. Nothing in it is trusted.
 *
 * Promises to settle on any bytes: a ParsedEmail with what had to be left out named in `problems`, or UnparsableEmail.
 * Limits are PARSE_LIMITS; the raw bytes are kept by the caller, so what is left out is never lost.
 */
import { createHash } from 'node:crypto';
import type { AttachmentContent } from '../types.ts';
import type { ParsedEmail } from './contracts.ts';
import { readAgentHeaders, readEnvelopeFields, readHeaderLines } from './email-headers.ts';
import { type AttachedPart, type BodyPart, PARSE_LIMITS, type ParseLimits, splitEmail } from './email-parts.ts';
import { htmlToPlain } from './html-text.ts';

export { PARSE_LIMITS, type ParseLimits, UnparsableEmail } from './email-parts.ts';

export async function parseEmail(raw: Buffer, limits: Partial<ParseLimits> = {}): Promise<ParsedEmail> {
  const within = { ...PARSE_LIMITS, ...limits };
  const parts = await splitEmail(raw, within);
  const problems = new Set<string>();
  if (parts.headerLines.length > within.headerFields) {
    problems.add(`header fields after the first ${within.headerFields} were left out`);
  }
  const lines = parts.headerLines.slice(0, within.headerFields);
  const headers = readHeaderLines(lines, { decode: true });
  const { problems: fieldProblems, ...fields } = readEnvelopeFields(readHeaderLines(lines, { decode: false }));
  const attachments = readAttachments(parts.attached, parts.body, within, problems);
  const shown = parts.body === null ? '' : readText(parts.body, within, problems);
  const broken = shown === '' && attachments.length === 0 && problems.size === 0;
  const text = cutText(broken ? rawBody(raw, parts.body, problems) : shown, within, problems);
  return {
    ...fields,
    text,
    html: null,
    attachments,
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
      .join('\n');
  if (part.contentType !== 'multipart/alternative') return texts(part.children);
  const plain = part.children.filter((child) => child.contentType === 'text/plain');
  return texts(plain) || texts(part.children.filter((child) => child.contentType !== 'text/plain'));
}

function readLeaf(contentType: string, text: string, problems: Set<string>): string {
  if (contentType !== 'text/html') return text.replace(/^\ufeff/, '');
  const html = htmlToPlain(text);
  for (const problem of html.problems) problems.add(problem);
  return html.text;
}

function readAttachments(
  attached: readonly AttachedPart[],
  body: BodyPart | null,
  limits: ParseLimits,
  problems: Set<string>,
): AttachmentContent[] {
  const near = attached.filter((part) => part.depth <= limits.nesting);
  if (near.length < attached.length) problems.add(`a part nested deeper than ${limits.nesting} was left out`);
  return [...near, ...inlineFiles(body, limits)].map((part, index) => ({
    index,
    filename: safeFilename(part.filename, index),
    contentType: /^[\w.+-]+\/[\w.+-]+$/.test(part.contentType) ? part.contentType : 'application/octet-stream',
    size: part.content.length,
    sha256: createHash('sha256').update(part.content).digest('hex'),
    content: part.content,
  }));
}

/** Apple Mail shows text files inline: a file all the same, not the person's words. */
function inlineFiles(part: BodyPart | null, limits: ParseLimits): AttachedPart[] {
  if (part === null || part.depth > limits.nesting) return [];
  const { filename, contentType, depth } = part;
  const own =
    filename === null || part.text === null ? [] : [{ filename, contentType, depth, content: Buffer.from(part.text) }];
  return [...own, ...part.children.flatMap((child) => inlineFiles(child, limits))];
}

/** A name without a path, control, bidi or invisible characters; never one that means a folder. */
export function safeFilename(name: string | null, index: number): string {
  const base = (name ?? '').replace(/^.*[/\\]/s, '').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}<>:"|?*]/gu, '');
  const short = [...base.trim()].slice(0, 200).join('');
  return /^\.*$/.test(short) ? `attachment-${index + 1}` : short;
}

function hashBody(text: string, attachments: readonly AttachmentContent[]): string {
  const hash = createHash('sha256').update(text);
  for (const { sha256 } of attachments) hash.update(`\n${sha256}`);
  return hash.digest('hex');
}
