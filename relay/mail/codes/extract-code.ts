/**
 * The one-time code in an email: what has the shape of one, ranked by how near the words for "code" are (code-words.ts),
 * by standing alone, and by not being a price, a date, a phone or an order number. Reads subject, text and visible HTML.
 *
 * Pure; linear in the text, of which the first MAX_CHARACTERS count. A guess by form: what it finds is a stranger's word.
 */
import { stripHidden } from '../../hidden-text.ts';
import { readVisibleHtml } from '../parse/visible-html.ts';
import { type CodeCandidate, candidatesIn } from './code-candidates.ts';
import { countsSomething, findWords, isPromotion, type Word } from './code-words.ts';

export type CodeConfidence = 'high' | 'medium' | 'low';

export interface FoundCode {
  readonly code: string;
  readonly confidence: CodeConfidence;
  /** The line it stands on, cut. */
  readonly context: string;
}

export interface ExtractedCode {
  readonly best: FoundCode | null;
  readonly alternatives: readonly FoundCode[];
}

export interface MailText {
  readonly subject: string | null;
  readonly text: string;
  readonly html: string | null;
}

const MAX_CHARACTERS = 100_000;
const MAX_LINE = 1_000;
const MAX_CANDIDATES = 500;
const MOST_ALTERNATIVES = 5;
const CONTEXT_CHARACTERS = 160;
const LEAST = 50;

export function extractCode(mail: MailText): ExtractedCode {
  const subject = toLines(mail.subject ?? '');
  const aboutCode = subject.some((line) => findWords(line).code.length > 0);
  const bodies = [toLines(mail.text), toLines(mail.html === null ? '' : readVisibleHtml(mail.html).lines.join('\n'))];
  const found = [
    ...scored(subject).map((one) => ({ ...one, score: one.score - 5 })),
    ...bodies.flatMap((lines) => scored(lines).map((one) => ({ ...one, score: one.score + (aboutCode ? 10 : 0) }))),
  ];
  const ranked = [...merge(found).values()].filter(({ score }) => score >= LEAST).toSorted((a, b) => b.score - a.score);
  const [best, ...others] = ranked.map(toFound);
  return { best: best ?? null, alternatives: others.slice(0, MOST_ALTERNATIVES) };
}

interface Scored {
  readonly code: string;
  readonly score: number;
  readonly context: string;
}

/** Each code once, where it scores best; seen in several places is a little better. */
function merge(found: readonly Scored[]): Map<string, Scored> {
  const byCode = new Map<string, Scored>();
  for (const one of found) {
    const known = byCode.get(one.code);
    const better = known === undefined || one.score > known.score ? one : known;
    byCode.set(one.code, known === undefined ? one : { ...better, score: better.score + 3 });
  }
  return byCode;
}

const toFound = ({ code, score, context }: Scored): FoundCode => ({
  code,
  confidence: score >= 85 ? 'high' : score >= 65 ? 'medium' : 'low',
  context,
});

/** Digits of other scripts, from their zeros. */
const ZEROS = [0x0660, 0x06f0, 0x0966, 0x09e6, 0x0e50];
const URLS = /(?:https?:\/\/|www\.)[^\s<>"')\]]+|[\w.+-]{1,64}@[\w.-]{1,253}/gi;

/** No letter has so many: to put them in order takes time by the square of their number. */
const LONG_ACCENTS = /(\p{M}{20})\p{M}+/gu;

/** Lines that say something, in plain characters, without addresses of any kind. */
function toLines(text: string): string[] {
  const plain = stripHidden(text.slice(0, MAX_CHARACTERS))
    .text.replace(LONG_ACCENTS, '$1')
    .normalize('NFKC')
    .replace(/\p{Nd}/gu, asciiDigit)
    .replace(URLS, ' … ');
  const lines = plain
    .split('\n')
    .map((line) =>
      line
        .replace(/^[>\s]+/, '')
        .trim()
        .slice(0, MAX_LINE),
    )
    .filter((line) => /[\p{L}\p{N}]/u.test(line));
  return joinSingles(lines);
}

function asciiDigit(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  const zero = ZEROS.find((first) => code >= first && code < first + 10);
  return zero === undefined ? digit : String(code - zero);
}

/** A code whose characters have a box, and so a line, each. */
function joinSingles(lines: readonly string[]): string[] {
  const joined: string[] = [];
  let run: string[] = [];
  const flush = (): void => {
    joined.push(...(run.length >= 4 ? [run.join('')] : run));
    run = [];
  };
  for (const line of lines) {
    if (/^[A-Z0-9]$/.test(line)) run.push(line);
    else {
      flush();
      joined.push(line);
    }
  }
  flush();
  return joined;
}

interface ReadLine {
  readonly text: string;
  readonly code: readonly Word[];
  readonly other: readonly Word[];
}

function scored(lines: readonly string[]): Scored[] {
  const read: ReadLine[] = lines.map((text) => ({ text, ...findWords(text) }));
  const found: Scored[] = [];
  for (const [index, line] of read.entries()) {
    for (const candidate of candidatesIn(line.text)) {
      if (found.length >= MAX_CANDIDATES) return found;
      const score = scoreOf(candidate, line, read, index);
      if (score > 0) found.push({ code: candidate.code, score, context: contextOf(line.text, candidate) });
    }
  }
  return found;
}

function scoreOf(candidate: CodeCandidate, line: ReadLine, lines: readonly ReadLine[], index: number): number {
  const alone = isAlone(line.text, candidate);
  const near = Math.max(inLine(line.code, candidate), around(lines, index, alone));
  if (candidate.needsWord && near < 30) return 0;
  const wrong = alone ? wrongLabel(lines, index) : wrongInLine(line, candidate);
  return candidate.base + near + (alone ? 22 : 0) - wrong;
}

/** But for marks, and a word or two of label. */
function isAlone(text: string, { start, end }: CodeCandidate): boolean {
  return !/[\p{L}\p{N}]/u.test(text.slice(0, start)) && !/[\p{L}\p{N}]/u.test(text.slice(end));
}

/** Nearest word for "code" on the line: before the number counts more than after it. */
function inLine(words: readonly Word[], { start, end }: CodeCandidate): number {
  const scores = words.map((word) => {
    if (word.end <= start) return 55 - Math.max(0, start - word.end - 12) / 2;
    if (word.start >= end) return 48 - Math.max(0, word.start - end - 12) / 2;
    return 0;
  });
  return Math.max(0, ...scores);
}

/** Words for "code" on the lines before and after; a number that stands alone is what they speak of. */
function around(lines: readonly ReadLine[], index: number, alone: boolean): number {
  const has = (at: number): boolean => (lines[at]?.code.length ?? 0) > 0;
  const before = [1, 2, 3].findIndex((step) => has(index - step));
  const after = [1, 2].findIndex((step) => has(index + step));
  const scores = [before === -1 ? 0 : 40 - before * 8, after === -1 ? 0 : 25 - after * 8];
  return Math.max(...scores) * (alone ? 1 : 0.4);
}

const WRONG = 75;

/** Something else is named right before it, or it counts something. */
function wrongInLine({ text, code, other }: ReadLine, { start, end }: CodeCandidate): number {
  if (countsSomething(text.slice(end)) || isPromotion(text)) return WRONG;
  const gap = (words: readonly Word[]): number =>
    Math.min(Number.POSITIVE_INFINITY, ...words.filter((word) => word.end <= start).map((word) => start - word.end));
  const otherGap = gap(other);
  return otherGap <= 30 && otherGap < gap(code) ? WRONG : 0;
}

/** The line above a number that stands alone is its label. */
function wrongLabel(lines: readonly ReadLine[], index: number): number {
  const above = lines[index - 1];
  if (above !== undefined && isPromotion(above.text)) return WRONG;
  if (above === undefined || above.code.length > 0 || above.text.length > 60) return 0;
  return above.other.length > 0 ? WRONG : 0;
}

function contextOf(text: string, { start, end }: CodeCandidate): string {
  const from = Math.max(0, start - (CONTEXT_CHARACTERS - (end - start)) / 2);
  return text.slice(from, from + CONTEXT_CHARACTERS).trim();
}
