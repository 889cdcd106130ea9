/**
 * What a person wrote in an answer, without what their program quoted below, above or around it.
 *
 * Promises: linear time on any input; body, quoted and signature hold only the email's own lines; the body is never empty
 * when the email is not: in doubt everything is the body, since a lost word is worse than a quoted line too many.
 */
import type { NewWords } from './contracts.ts';
import { attributionLength, isHeaderBlock, isSeparator } from './quote-marks.ts';
import { isFooter, isListFooter, isRule, isSignatureMark } from './signature-marks.ts';

/** Stands above the quoted mail in everything we send, so that its place is known in every language. */
export const REPLY_MARKER = '-- Please write your answer above this line --';

const MAX_TEXT = 64 * 1024;
const MAX_LINES = 2000;
/** A signature longer than this is something else that follows "--". */
const MAX_SIGNATURE_LINES = 20;

type Kind =
  | 'text'
  | 'code' // in a fence: the person's, whatever it looks like
  | 'blank'
  | 'quote' // ">"
  | 'mark' // attribution or our marker: what follows is quoted, with or without ">"
  | 'original'; // separator or header block: all that follows is another mail

interface Line {
  readonly text: string;
  readonly kind: Kind;
}

export function newWords(text: string): NewWords {
  const all = collapseBlanks(text.replace(/\r\n?/g, '\n').split('\n'));
  const { head, tail } = cutHead(all);
  const lines = readKinds(head);
  // The foot of the mail, then the foot of the answer, where the answer stands above a quote.
  const bottom = tail.length > 0 ? lines.length : footStart(lines);
  const kept = keepOwn(lines.slice(0, bottom));
  // What is over the limit belongs to whatever the last looked-at line was part of.
  const openEnd = tail.length > 0 && kept.at(-1) === lines.length - 1;
  const own = kept.flatMap((at) => lines[at] ?? []);
  const foot = openEnd ? own.length : footStart(own);
  const body = [...own.slice(0, foot).map(textOf), ...(openEnd ? tail : [])];
  if (!body.some((line) => line.trim() !== '')) return { body: join(all), quoted: null, signature: null, notes: [] };
  const keptSet = new Set(kept);
  const cut = lines.slice(0, bottom).filter((_, at) => !keptSet.has(at));
  return {
    body: join(body),
    quoted: join([...cut.map(textOf), ...(openEnd ? [] : tail)]) || null,
    signature: join([...own.slice(foot), ...lines.slice(bottom)].map(textOf)) || null,
    notes: [],
  };
}

function textOf(line: Line): string {
  return line.text;
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

function cutHead(lines: readonly string[]): { head: string[]; tail: string[] } {
  let size = 0;
  let end = 0;
  while (end < lines.length && end < MAX_LINES && size <= MAX_TEXT) {
    size += (lines[end]?.length ?? 0) + 1;
    end += 1;
  }
  return { head: lines.slice(0, end), tail: lines.slice(end) };
}

function readKinds(texts: readonly string[]): Line[] {
  const lines: Line[] = [];
  const fenced = fencedLines(texts);
  for (let at = 0; at < texts.length; ) {
    const text = texts[at] ?? '';
    const wrapped = fenced.has(at) ? 0 : attributionLength(texts, at);
    const count = Math.max(1, wrapped);
    const kind = fenced.has(at) ? 'code' : wrapped > 0 ? 'mark' : kindOf(texts, at);
    for (let n = 0; n < count; n += 1) lines.push({ text: texts[at + n] ?? text, kind });
    at += count;
  }
  return lines;
}

function kindOf(texts: readonly string[], at: number): Kind {
  const text = texts[at] ?? '';
  if (text.trim() === '') return 'blank';
  if (isReplyMarker(text)) return 'mark';
  if (/^\s{0,3}>/.test(text)) return 'quote';
  if (isSeparator(text) || isHeaderBlock(texts, at)) return 'original';
  return 'text';
}

/** Programs put ">" or bold around it. */
function isReplyMarker(text: string): boolean {
  return text.length < 120 && text.replace(/[\s>*_|]+/g, ' ').trim() === REPLY_MARKER;
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

/** The indexes of the lines that are the person's, or quoted by the person on purpose. */
function keepOwn(lines: readonly Line[]): number[] {
  const start = lines.findIndex(({ kind }) => kind === 'mark' || kind === 'original');
  if (start < 0) return keepAroundQuotes(lines);
  const before = range(0, start);
  const saidBefore = before.some((at) => isOwn(lines[at]?.kind));
  const after = skip(lines, start, ['mark', 'blank']);
  // Some web mailers put "|" before what they quote.
  const barred = lines[after]?.text.trimStart().startsWith('|') === true;
  const quotedByLine = lines[after]?.kind === 'quote' || barred;
  const marked: readonly Line[] = barred ? lines.map(asBarQuote) : lines;
  if (!quotedByLine || lines[start]?.kind === 'original') {
    // All below is the other mail; where nothing stands above, it is all there is, and the mark alone goes.
    if (saidBefore) return keepAroundQuotes(lines.slice(0, start));
    return lines[start]?.kind === 'original' ? range(0, lines.length) : range(after, lines.length);
  }
  return [...keepAroundQuotes(lines.slice(0, start)), ...keepAnswers(marked, after)];
}

function asBarQuote(line: Line): Line {
  return line.text.startsWith('|') ? { text: line.text, kind: 'quote' } : line;
}

/** Below an attribution, with ">" before what is quoted: answers between and under the quotes are the person's. */
function keepAnswers(lines: readonly Line[], from: number): number[] {
  const last = lines.findLastIndex(({ kind }, at) => at >= from && isOwn(kind));
  if (last < from) return [];
  const nested = lines.findIndex(({ kind }, at) => at > from && (kind === 'original' || kind === 'mark'));
  const end =
    nested > from && nested < last && !lines.slice(nested).some(({ kind }) => kind === 'quote') ? nested : lines.length;
  const answers = range(from, end).filter((at) => lines[at]?.kind !== 'mark');
  const blocks = countBlocks(lines.slice(from, end));
  // One quote with one answer under it: the answer alone. Answers between quotes need what they answer.
  if (blocks <= 1) return answers.filter((at) => lines[at]?.kind !== 'quote');
  const lastText = answers.findLastIndex((at) => isOwn(lines[at]?.kind));
  return answers.slice(0, lastText + 1);
}

/** Quotes that are followed by words of the person. */
function countBlocks(lines: readonly Line[]): number {
  let blocks = 0;
  let inQuote = false;
  for (const { kind } of lines) {
    if (isOwn(kind) && inQuote) blocks += 1;
    if (kind === 'quote' || isOwn(kind)) inQuote = kind === 'quote';
  }
  return blocks;
}

/** No attribution: a quote above the person's words was put there by the person, one below was not. */
function keepAroundQuotes(lines: readonly Line[]): number[] {
  return range(0, lines.findLastIndex(({ kind }) => isOwn(kind)) + 1);
}

/** Where the closing lines at the end begin: a signature, footers of programs and lists, rules that separate nothing. */
function footStart(lines: readonly Line[]): number {
  const mark = lines.findLastIndex(({ kind, text }, at) => {
    const next = lines[at + 1]?.text ?? '';
    return kind === 'text' && (isSignatureMark(text) || isListFooter(text, next));
  });
  const closes = mark > 0 && lines.length - mark <= MAX_SIGNATURE_LINES && lines.slice(mark).every(isPlain);
  let start = closes ? mark : lines.length;
  while (start > 0 && isClosing(lines[start - 1])) start -= 1;
  return start;
}

function isPlain({ kind }: Line): boolean {
  return kind === 'text' || kind === 'blank';
}

function isClosing(line: Line | undefined): boolean {
  if (line === undefined || line.kind === 'blank') return true;
  return line.kind === 'text' && (isRule(line.text) || isFooter(line.text));
}

function isOwn(kind: Kind | undefined): boolean {
  return kind === 'text' || kind === 'code';
}

function skip(lines: readonly Line[], from: number, kinds: readonly Kind[]): number {
  let at = from;
  while (at < lines.length && kinds.includes(lines[at]?.kind ?? 'text')) at += 1;
  return at;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, n) => from + n);
}

/** Without blank lines around; the first line keeps its indent. */
function join(lines: readonly string[]): string {
  return lines
    .join('\n')
    .replace(/^(?:[ \t]*\n)+/, '')
    .trimEnd();
}
