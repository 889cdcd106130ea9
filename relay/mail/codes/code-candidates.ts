/**
 * What on a line has the shape of a one-time code: `482913`, `123 456`, `1 2 3 4 5 6`, `ABC-123`, `G-482913`, `X7K9QD`.
 * Prices, dates, times and phone numbers have other shapes and are none.
 */

export interface CodeCandidate {
  /** As it would be typed: digits of groups joined, letters and dashes as they are. */
  readonly code: string;
  /** In the line. */
  readonly start: number;
  readonly end: number;
  /** How much its shape alone says. */
  readonly base: number;
  /** Shape alone says nothing: could be any word. */
  readonly needsWord: boolean;
}

/** Scripts without spaces between words: their letters end a token, as marks that never stand in a code do. */
const TOKEN =
  /[^\s:=|…"'`“”„‘’«»<>()[\]{}*_~•·!?;，。：；、！？（）「」『』【】《》\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]+/gu;

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export function candidatesIn(line: string): CodeCandidate[] {
  const tokens = tokensOf(line);
  const found: CodeCandidate[] = [];
  for (let at = 0; at < tokens.length; ) {
    const run = digitRun(line, tokens, at);
    if (run.length > 1) {
      found.push(...fromRun(line, run));
      at += run.length;
    } else {
      const [token] = tokens.slice(at, at + 1);
      if (token !== undefined) found.push(...fromToken(line, token));
      at += 1;
    }
  }
  return found;
}

function tokensOf(line: string): Token[] {
  return [...line.matchAll(TOKEN)].flatMap(({ 0: whole, index }) => {
    const text = whole.replace(/[.,]+$/, '');
    return text === '' ? [] : [{ text, start: index, end: index + text.length }];
  });
}

const isGroup = (token: Token | undefined): token is Token => token !== undefined && /^\+?\d{1,10}$/.test(token.text);

/** Groups of digits with one space (or bracket) between them. */
function digitRun(line: string, tokens: readonly Token[], at: number): Token[] {
  const run: Token[] = [];
  for (let next = tokens[at]; isGroup(next); next = tokens[at + run.length]) {
    const last = run.at(-1);
    if (last !== undefined && !/^[ )]{1,2}[ (]?$/.test(line.slice(last.end, next.start))) break;
    run.push(next);
  }
  return run;
}

function fromRun(line: string, run: readonly Token[]): CodeCandidate[] {
  const digits = run.map(({ text }) => text).join('');
  const [first, last] = [run[0], run.at(-1)];
  if (first === undefined || last === undefined) return [];
  // "+49 30 ...", "(555) 010 ...", or more than any code has: a phone, bank or parcel number.
  if (digits.startsWith('+') || digits.length > 10 || isBracketed(line, first)) return [];
  const sizes = new Set(run.map(({ text }) => text.length));
  const isEven = sizes.size === 1 && !(sizes.has(2) && run.length > 4);
  if (isEven && digits.length >= 4) {
    return [{ code: digits, start: first.start, end: last.end, base: digits.length > 8 ? 10 : 30, needsWord: false }];
  }
  return run.flatMap((token) => fromToken(line, token));
}

const isBracketed = (line: string, { start, end }: Token): boolean => line[start - 1] === '(' && line[end] === ')';

function fromToken(line: string, token: Token): CodeCandidate[] {
  const marked = token.text.startsWith('#');
  const text = token.text.replace(/^#/, '');
  const shape = shapeOf(text);
  if (shape === undefined || isPartOfMore(line, token)) return [];
  const start = token.start + (marked ? 1 : 0);
  const one = {
    code: shape.code,
    start,
    end: token.end,
    base: shape.base - (marked ? 30 : 0),
    needsWord: shape.needsWord,
  };
  // Some take the digits alone: "G-482913".
  const tail = /^[A-Z]{1,2}-(\d{4,8})$/.exec(text)?.[1];
  return tail === undefined ? [one] : [one, { ...one, code: tail, base: one.base - 15 }];
}

/** Masked card numbers, a currency before it, a time. */
function isPartOfMore(line: string, { start, end }: Token): boolean {
  const before = line.slice(Math.max(0, start - 5), start);
  const after = line.slice(end, end + 3);
  return (
    /[$€£¥₹]\s?$|[*•xX.]{3,}\s?$|\d:$|\b(?:USD|EUR|GBP|INR|JPY|CHF|CNY|Rs\.?|kr)\s?$/i.test(before) ||
    /^:\d\d|^\s?[$€£¥₹]/.test(after)
  );
}

interface Shape {
  readonly code: string;
  readonly base: number;
  readonly needsWord: boolean;
}

const DIGIT_BASE: Readonly<Record<number, number>> = { 4: 20, 5: 20, 6: 32, 7: 20, 8: 24, 9: 8, 10: 5 };

function shapeOf(text: string): Shape | undefined {
  if (/^\d{4,10}$/.test(text)) {
    const base = DIGIT_BASE[text.length] ?? 0;
    // A year is one unless somebody calls it a code.
    return { code: text, base: /^(?:19|20)\d\d$/.test(text) ? -5 : base, needsWord: text.length < 5 };
  }
  const alnum = text.replaceAll('-', '');
  if (!/^[A-Za-z0-9]{4,10}$/.test(alnum) || /^-|-$|--/.test(text)) return undefined;
  if (/^\d+$/.test(alnum)) return dashedDigits(text, alnum);
  return letters(text, alnum);
}

function dashedDigits(text: string, digits: string): Shape | undefined {
  const sizes = new Set(text.split('-').map((part) => part.length));
  // 555-0100 and 2026-11-20 are no codes; 482-913, 12-34-56 and 1234-5678 may be.
  if (sizes.size > 1 || text.split('-').length > 3) return undefined;
  const [day = 0, month = 0] = text.split('-').map(Number);
  const isDate = text.length === 8 && Math.min(day, month) <= 12 && Math.max(day, month) <= 31;
  return { code: digits, base: isDate ? -10 : 26, needsWord: text.split('-').length > 2 };
}

function letters(text: string, alnum: string): Shape | undefined {
  const hasDigit = /\d/.test(alnum);
  const isUpper = alnum === alnum.toUpperCase();
  const dashed = text.includes('-');
  if (dashed && text.split('-').some((part) => part.length > 8)) return undefined;
  if (/^[A-Z]{1,3}-\d{4,8}$/.test(text)) return { code: text, base: 30, needsWord: true };
  if (dashed)
    return isUpper
      ? { code: text, base: 26, needsWord: true }
      : hasDigit
        ? { code: text, base: 12, needsWord: true }
        : undefined;
  // "4pm", "2nd", "100th", "iPhone15", "H264"
  if (/^\d+(?:st|nd|rd|th|am|pm|h|x|k|m|px|kg|km|gb|mb|min|mins|hrs?)$/i.test(text)) return undefined;
  if (hasDigit) return { code: text, base: isUpper ? 24 : 12, needsWord: true };
  return isUpper ? { code: text, base: -4, needsWord: true } : undefined;
}
