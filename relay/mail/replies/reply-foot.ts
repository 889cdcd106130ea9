/**
 * The foot of an answer: where the lines begin by which people, programs and lists close a mail, and what of them is the
 * person's signature. Promises linear time.
 */
import { isLinkLine, isProgramFooter } from './program-footers.ts';
import { isFrameEnd, type Line } from './reply-lines.ts';
import { isFooter, isListFooter, isNotice, isRule, isSignatureMark } from './signature-marks.ts';

/** A signature longer than this is something else that follows "--". */
const MAX_SIGNATURE_LINES = 20;

/** Where the closing lines at the end begin: a signature, footers of programs and lists, rules that separate nothing. */
export function footStart(lines: readonly Line[], from: number, to: number): number {
  const mark = lines.findLastIndex(({ kind, text }, at) => {
    if (at < from || at >= to || kind !== 'text') return false;
    return isSignatureMark(text) || isListFooter(text, lines[at + 1]?.text ?? '');
  });
  const above = lines.slice(from, Math.max(from, mark)).some(({ kind }) => kind !== 'blank');
  const closes = above && to - mark <= MAX_SIGNATURE_LINES && lines.slice(mark, to).every(isPlain);
  let start = closes ? mark : to;
  for (let next = -1; next !== start; ) {
    next = start;
    for (let more = 1; more > 0 && start > from; start -= more) more = closingBefore(lines, from, start);
    const paragraph = paragraphAbove(lines, from, start);
    if (isNotice(paragraph.map((at) => lines[at]?.text ?? ''))) start = paragraph[0] ?? start;
    if (next === start) return start;
  }
  return start;
}

/** How many lines right above `end` close the mail: a footer may have a link under it. */
function closingBefore(lines: readonly Line[], from: number, end: number): number {
  if (isClosing(lines[end - 1])) return 1;
  const linked = isLinkLine(lines[end - 1]?.text ?? '');
  const at = end - (linked ? 2 : 1);
  const line = lines[at];
  if (at <= from || line?.kind !== 'text') return 0;
  if (linked && isFooter(line.text)) return 2;
  const apart = lines[at - 1]?.kind === 'blank' && lines.slice(from, at).some(isOwn);
  return apart && isProgramFooter(line.text, linked ? (lines[end - 1]?.text ?? '') : '') ? end - at : 0;
}

function isPlain({ kind }: Line): boolean {
  return kind === 'text' || kind === 'blank' || kind === 'signature';
}

function isClosing(line: Line | undefined): boolean {
  if (line === undefined || line.kind === 'blank' || line.kind === 'signature') return true;
  return line.kind === 'text' && (isRule(line.text) || isFooter(line.text));
}

/** What of the foot is a signature: not the end of our own mail, nor a rule that separates nothing. */
export function signatureOf(lines: readonly Line[], foot: readonly number[]): number[] {
  const text = (at: number): string => lines[at]?.text ?? '';
  const end = foot.findLastIndex((at) => isFrameEnd(text(at)));
  const mark = foot.findLastIndex((at, n) => n < end && isSignatureMark(text(at)));
  const blank = foot.findIndex((at, n) => n > end && lines[at]?.kind === 'blank');
  const after = blank < 0 ? foot.length : blank;
  const own = end < 0 || mark < 0 ? foot : foot.filter((_, n) => n < mark || n >= after);
  const says = (at: number): boolean => lines[at]?.kind !== 'blank' && !isRule(text(at));
  const start = own.findIndex((at) => says(at) || isSignatureMark(text(at)));
  return own.slice(Math.max(0, start), own.findLastIndex(says) + 1);
}

/** The lines of text right above `end`, over blank ones. */
function paragraphAbove(lines: readonly Line[], from: number, end: number): number[] {
  let last = end;
  while (last > from && lines[last - 1]?.kind === 'blank') last -= 1;
  let start = last;
  while (start > from && lines[start - 1]?.kind === 'text') start -= 1;
  return Array.from({ length: last - start }, (_, n) => start + n);
}

/** Words, whoever wrote them: neither blank nor known to be something else. */
export function isOwn(line: Line | undefined): boolean {
  return line?.kind === 'text' || line?.kind === 'code';
}
