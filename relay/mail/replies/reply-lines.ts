/**
 * The lines of an answer and what each of them is, read from plain text or from HTML. What the lines mean together is
 * own-words.ts.
 *
 * Promises linear time: of a long email the first MAX_LINES lines and MAX_TEXT characters are looked at, the rest is
 * handed on as it is.
 */

import { showLine, withoutPictures } from '../parse/html-text.ts';
import { bannerLength, reactionLines } from './added-lines.ts';
import { attributionLength, bareLine, isSupercite } from './attributions.ts';
import { headerBlockLength, isBareTitle, isSeparator, isTitledStrokes, looksLikeHeaders } from './header-blocks.ts';
import { type HtmlLine, readHtmlLines } from './html-lines.ts';
import { isFooter, isRule, namesDevice } from './signature-marks.ts';

/** Stands above the quoted mail in everything we send, so that its place is known in every language. */
export const REPLY_MARKER = '-- Please write your answer above this line --';

export type Kind =
  | 'text'
  | 'code' // in a fence: the person's, whatever it looks like
  | 'blank'
  | 'quote' // ">"
  | 'mark' // attribution or our marker: what follows is quoted, with or without ">"
  | 'original' // separator or header block: all that follows is another mail
  | 'signature' // the program says so
  | 'added'; // by a server or a program: nobody's words

export interface Line {
  readonly text: string;
  readonly kind: Kind;
  /** In a strong colour of its own. */
  readonly coloured?: boolean;
}

export interface ReplyLines {
  readonly lines: readonly Line[];
  /** Lines over the limit, not looked at. */
  readonly tail: readonly string[];
  /** The program that wrote the mail says what is quoted or a signature. */
  readonly structured: boolean;
}

const MAX_TEXT = 64 * 1024;
const MAX_LINES = 2000;
const MAX_QUOTED = 10_000;

export function readTextReply(text: string): ReplyLines {
  const all = collapseBlanks(text.replace(/\r\n?/g, '\n').split('\n'));
  const end = countLooked(all);
  const texts = all.slice(0, end);
  return { lines: readKinds(texts, []), tail: all.slice(end), structured: false };
}

export function readHtmlReply(html: string): ReplyLines {
  const all = readHtmlLines(withoutPictures(html));
  const shown = all.map(showLine).map((line) => (isFooter(line) ? line.replace(/ <https?:[^\s>]*>/g, '') : line));
  const end = countLooked(shown);
  const hints = all.slice(0, end).map(hintOf);
  const lines = readKinds(shown.slice(0, end), hints).map((line, at) =>
    all[at]?.coloured === true ? { ...line, coloured: true } : line,
  );
  return { lines, tail: shown.slice(end), structured: hints.some((hint) => hint !== null && hint !== 'code') };
}

/** At most two blank lines in a row: more says nothing and costs time. */
function collapseBlanks(lines: readonly string[]): string[] {
  let blanks = 0;
  return lines
    .map((line) => line.trimEnd())
    .filter((line) => {
      blanks = line === '' ? blanks + 1 : 0;
      return blanks <= 2;
    });
}

function countLooked(lines: readonly string[]): number {
  let size = 0;
  let end = 0;
  let looked = 0;
  while (end < lines.length && looked < MAX_LINES && size <= MAX_TEXT && end < MAX_QUOTED) {
    const line = lines[end] ?? '';
    // A line that says itself that it is quoted costs next to nothing.
    if (!line.startsWith('>')) {
      size += line.length + 1;
      looked += 1;
    }
    end += 1;
  }
  return end;
}

/** What the elements around a line say it is; null: nothing. */
type Hint = Exclude<Kind, 'text' | 'blank'> | null;

function hintOf({ text, depth, role }: HtmlLine): Hint {
  if (depth > 0) return role === 'mark' ? 'mark' : 'quote';
  if (text === '') return null;
  if (role === 'border') return /^[^:：]{1,40}[:：]/u.test(text) ? 'original' : null;
  // People type in the place of a program's footer as well: one that names no device is theirs.
  if (role === 'foot') return namesDevice(text) ? 'signature' : null;
  return role;
}

function readKinds(texts: readonly string[], hints: readonly Hint[]): Line[] {
  const fenced = fencedLines(texts);
  const isQuote = (at: number): boolean => hints[at] === 'quote';
  const kinds: Kind[] = [];
  while (kinds.length < texts.length) {
    const at = kinds.length;
    const hint = fenced.has(at) ? 'code' : (hints[at] ?? null);
    const plain = hint === null && !/^\s{0,3}(?:>|$)/.test(texts[at] ?? '');
    const wrapped = plain ? attributionLength(texts, at, isQuote) : 0;
    const block = plain && wrapped === 0 ? headerBlockLength(texts, at) : 0;
    for (let n = 0; n < wrapped; n += 1) kinds.push('mark');
    for (let n = 0; n < block; n += 1) kinds.push('original');
    if (wrapped === 0 && block === 0) kinds.push(kindOf(texts[at] ?? '', hint));
  }
  markQuotedAttribution(texts, kinds);
  markTitles(texts, kinds);
  unmarkForged(texts, kinds);
  markAboveMarker(texts, kinds);
  markAdded(texts, kinds);
  return kinds.map((kind, at) => ({ text: texts[at] ?? '', kind }));
}

function kindOf(text: string, hint: Hint): Kind {
  if (hint === 'code') return hint;
  if (text.trim() === '') return 'blank';
  if (isReplyMarker(text) || isSupercite(text)) return 'mark';
  if (isSeparator(text)) return 'original';
  return hint ?? (/^\s{0,3}>/.test(text) ? 'quote' : 'text');
}

/** Only where something else is said: a mail must not come out empty for it. */
function markAdded(texts: readonly string[], kinds: Kind[]): void {
  const added = [...texts.slice(0, bannerLength(texts)).keys(), ...reactionLines(texts)].filter(
    (at) => kinds[at] === 'text',
  );
  const places = new Set(added);
  if (!kinds.some((kind, at) => kind === 'text' && !places.has(at))) return;
  for (const at of added) kinds[at] = 'added';
}

/** Programs put ">", initials or bold around it. */
export function isReplyMarker(text: string): boolean {
  if (text.length > 160 || !text.includes('Please')) return false;
  const bare = text.replace(/^\s*\p{L}{1,12}>/u, '').replace(/[>*_|\ufeff]+/g, ' ');
  return bareLine(bare).replace(/\s+/g, ' ') === REPLY_MARKER;
}

/** The last line of everything we send, but for an address to unsubscribe in the same paragraph. */
export function isFrameEnd(text: string): boolean {
  return text.length < 100 && /^\s*Thread thr_[0-9a-z]{8,40}\s*$/.test(text);
}

/** Lines between ``` fences are the person's, whatever they look like. A fence that is never closed is none. */
function fencedLines(texts: readonly string[]): ReadonlySet<number> {
  const fenced = new Set<number>();
  let open: number | undefined;
  for (const [at, text] of texts.entries()) {
    if (!/^\s{0,3}```/.test(text)) continue;
    if (open === undefined) open = at;
    else {
      for (let n = open; n <= at; n += 1) fenced.add(n);
      open = undefined;
    }
  }
  return fenced;
}

/** Apple puts the attribution into the quote: "> On ... wrote:". Looked for at the start of the first quote only. */
function markQuotedAttribution(texts: readonly string[], kinds: Kind[]): void {
  const first = kinds.findIndex((kind) => kind === 'quote' || kind === 'mark' || kind === 'original');
  if (first < 0 || kinds[first] !== 'quote') return;
  const bare: string[] = [];
  for (let at = first; kinds[at] === 'quote' && bare.length < 12; at += 1) {
    bare.push((texts[at] ?? '').replace(/^\s{0,3}>\s?/, ''));
  }
  const start = bare.findIndex((line) => line.trim() !== '');
  if (start < 0) return;
  const length = attributionLength(bare, start, () => true) || headerBlockLength(bare, start);
  for (let n = 0; n < length; n += 1) kinds[first + start + n] = 'mark';
}

/** "----- Words in a language we do not know -----" right above a header block. */
function markTitles(texts: readonly string[], kinds: Kind[]): void {
  for (const [at, kind] of kinds.entries()) {
    const text = texts[at] ?? '';
    if (kind !== 'text' || !(isTitledStrokes(text) || isBareTitle(text))) continue;
    const next = kinds.slice(at + 1, at + 4).find((one) => one !== 'blank');
    if (next === 'original' || next === 'mark') kinds[at] = 'original';
  }
}

/**
 * Our marker without ">", above an attribution with our marker below it: not ours, somebody typed it. What stands below
 * it is not quoted.
 */
function unmarkForged(texts: readonly string[], kinds: Kind[]): void {
  const first = kinds.findIndex((kind) => kind === 'mark' || kind === 'original');
  if (first < 0 || !isReplyMarker(texts[first] ?? '') || /^\s*>/.test(texts[first] ?? '')) return;
  const next = kinds.findIndex(
    (kind, at) => at > first && (kind === 'mark' || kind === 'original') && !isReplyMarker(texts[at] ?? ''),
  );
  const again = kinds.findIndex(
    (kind, at) => next > first && at > next && kind === 'mark' && isReplyMarker(texts[at] ?? ''),
  );
  if (again > next && next > first) kinds[first] = 'text';
}

/**
 * Our marker is known in every language, so what announces it may be in any: a paragraph right above it that ends in a
 * colon and has a date or an address, or three lines of header fields.
 */
function markAboveMarker(texts: readonly string[], kinds: Kind[]): void {
  const marker = kinds.findIndex((kind, at) => kind === 'mark' && isReplyMarker(texts[at] ?? ''));
  if (marker < 0 || kinds.slice(0, marker).some((kind) => kind === 'mark' || kind === 'original')) return;
  let end = marker;
  while (end > 0 && (kinds[end - 1] === 'blank' || kinds[end - 1] === 'quote')) end -= 1;
  let start = end;
  while (start > 0 && kinds[start - 1] === 'text' && end - start < 8 && !isRule(texts[start - 1] ?? '')) start -= 1;
  const paragraph = texts.slice(start, end);
  const joined = paragraph.map(bareLine).join(' ');
  const announces = /[:：]$/u.test(joined) && /\d|@/.test(joined) && paragraph.length <= 4 && joined.length <= 500;
  if (paragraph.length > 0 && start > 0 && (announces || looksLikeHeaders(paragraph))) kinds.fill('mark', start, end);
}
