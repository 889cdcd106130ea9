/**
 * Which lines of an answer are the person's: pure rules over lines whose kinds are known. In doubt a line is the person's,
 * since a lost word is worse than a quoted line too many.
 */
import { footStart, isOwn, signatureOf } from './reply-foot.ts';
import { isFrameEnd, isReplyMarker, type Line, type ReplyLines } from './reply-lines.ts';
import { isFooter, isRule, isSignatureMark } from './signature-marks.ts';
import { holdsLines, letters } from './two-parts.ts';

/** Places in the lines, in order; what is in none of the lists is quoted. */
export interface OwnWords {
  /** Answers, each with the places of the question above it, where answers stand between quotes. */
  readonly parts: readonly Part[];
  readonly signature: readonly number[];
  /** The last line that was looked at is the person's: so is what follows it. */
  readonly openEnd: boolean;
  /** Nobody can tell what is new; `parts` hold all. */
  readonly unsure: boolean;
}

export interface Part {
  readonly question: readonly number[];
  readonly answer: readonly number[];
  /** Typed into the quote: its ">" are the program's. */
  readonly inQuote?: true;
}

/** What is known from elsewhere; each may be ''. */
export interface Clues {
  /** The author's. */
  readonly name: string;
  /** What we wrote in the mail that is answered. */
  readonly ours: string;
}

export const NO_CLUES: Clues = { name: '', ours: '' };

export function findOwnWords({ lines, tail }: ReplyLines, clues = NO_CLUES): OwnWords {
  const cut = tail.length > 0;
  // The foot of the mail first: it stands below quotes as well.
  const foots = cut ? lines.length : footStart(lines, 0, lines.length);
  const sure = cutAt(lines, foots, clues);
  const bottom = sure.unsure ? lines.length : foots;
  const found = sure.unsure ? cutAt(lines, bottom, clues) : sure;
  const openEnd = cut && found.parts.at(-1)?.answer.at(-1) === lines.length - 1;
  const last = found.parts.length - 1;
  const hasFoot = (at: number): boolean => !found.unsure && (at === 0 || at === last) && !(openEnd && at === last);
  const trimmed = found.parts.map((part, at) => (hasFoot(at) ? trimFoot(lines, part) : { part, foot: [] }));
  const parts = trimmed
    .map(({ part }) => withoutAdded(lines, part))
    .filter(({ answer }) => answer.some((at) => isOwn(lines[at])));
  const foot = [
    ...trimmed.flatMap((one) => one.foot),
    ...range(0, bottom).filter((at) => lines[at]?.kind === 'signature'),
    ...range(bottom, lines.length),
  ].toSorted((a, b) => a - b);
  const signature = signatureOf(lines, foot);
  if (parts.length > 0) return { parts, signature, openEnd, unsure: found.unsure };
  const typed = aboveMarkerInQuote(lines);
  if (typed.length > 0)
    return { parts: [{ question: [], answer: typed, inQuote: true }], signature, openEnd: false, unsure: false };
  const under = saysNothing(lines, foot, cut) ? foot.filter((at) => isWritten(lines[at])) : [];
  if (under.length > 0) return { parts: [asPart(under)], signature: [], openEnd: false, unsure: false };
  if (saysNothing(lines, foot, cut)) return { parts: [], signature, openEnd: false, unsure: false };
  return {
    parts: [{ question: [], answer: range(0, lines.length) }],
    signature: [],
    openEnd: cut,
    unsure: lines.some(isMarked),
  };
}

function withoutAdded(lines: readonly Line[], { question, answer }: Part): Part {
  return { question, answer: answer.filter((at) => lines[at]?.kind !== 'added') };
}

/** Some phones let people type into the quote: above our marker nothing is ours. */
function aboveMarkerInQuote(lines: readonly Line[]): number[] {
  const start = lines.findIndex(isMarked);
  const marker = lines.findIndex(({ text }) => text.startsWith('>') && isReplyMarker(text));
  const from = skip(lines, start, ['mark', 'blank']);
  if (start < 0 || marker < start) return [];
  const places = range(start, marker).filter((at) => lines[at]?.kind === 'quote' || lines[at]?.kind === 'blank');
  return from > marker || !places.some((at) => /[^\s>\ufeff\u200b]/.test(lines[at]?.text ?? '')) ? [] : places;
}

/** A quote that a program announced, perhaps its footer, and nothing else: the person wrote nothing. */
function saysNothing(lines: readonly Line[], foot: readonly number[], cut: boolean): boolean {
  const start = lines.findIndex(({ kind }) => kind === 'mark');
  const quoted = lines.some(({ kind }, at) => kind === 'quote' && at > start);
  const feet = new Set(foot);
  return !cut && start >= 0 && quoted && lines.every((line, at) => !isOwn(line) || feet.has(at));
}

/** All that stands in the mail stands under "-- ": a signature perhaps, but the only words there are. */
function isWritten(line: Line | undefined): boolean {
  const { kind = 'blank', text = '' } = line ?? {};
  return isOwn(line) && kind === 'text' && !isFooter(text) && !isRule(text) && !isSignatureMark(text);
}

interface Found {
  readonly parts: readonly Part[];
  readonly unsure: boolean;
}

function cutAt(lines: readonly Line[], bottom: number, clues: Clues): Found {
  const start = lines.findIndex(({ kind }, at) => at < bottom && (kind === 'mark' || kind === 'original'));
  if (start < 0) return { parts: [asPart(aroundQuotes(lines, 0, bottom))], unsure: false };
  const above = aroundQuotes(lines, 0, start);
  const saidAbove = above.slice(0, footOf(lines, above)).some((at) => isOwn(lines[at]));
  const after = skip(lines, start, ['mark', 'original', 'blank']);
  const marked = withForeignQuotes(lines, after);
  // Our marker in a quote of its own, with an answer right below it.
  const inQuote = lines.findIndex(
    ({ text }, at) => at >= start && at < after && text.startsWith('>') && isReplyMarker(text),
  );
  const quotesMore = lines.some(({ kind }, at) => at > after && at < bottom && kind === 'quote');
  const below = inQuote >= 0 && after < bottom && (quotesMore || !saidAbove);
  if (marked[after]?.kind === 'quote' || below) {
    const from = inQuote < 0 ? after : inQuote;
    return { parts: [asPart(above), ...answersBelow(marked, from, bottom)], unsure: false };
  }
  if (saidAbove) return { parts: [asPart(above), ...answersSetApart(lines, start, bottom, clues)], unsure: false };
  // All below is the other mail; ours has an end that is known.
  const under = belowFrame(lines, start, bottom);
  if (under.some((at) => isOwn(lines[at]))) return { parts: [asPart(under)], unsure: false };
  // Nothing stands above: it is all there is, and an attribution alone goes.
  const from = skip(lines, start, ['mark', 'blank']);
  const all = lines[start]?.kind === 'original' ? range(0, bottom) : [...above, ...range(from, bottom)];
  return { parts: [asPart(all)], unsure: after < bottom };
}

/**
 * Answers inside our own mail where it is quoted without ">": Outlook lets people write them in a colour, or puts their
 * name in brackets before each.
 */
function answersSetApart(lines: readonly Line[], start: number, bottom: number, clues: Clues): Part[] {
  const marker = lines.findIndex(({ kind, text }, at) => at >= start && kind === 'mark' && isReplyMarker(text));
  if (marker < 0 || marker - start > 20) return [];
  const isSetApart = setApartBy(clues);
  const isAnswer = (at: number): boolean => isSetApart(lines[at]);
  const end = lines.findIndex(({ text }, at) => at > marker && isFrameEnd(text));
  const answers = range(marker + 1, end < 0 ? bottom : end).filter(isAnswer);
  return answers
    .filter((at) => !isAnswer(at - 1))
    .map((at) => ({ question: paragraphAbove(lines, at, isAnswer), answer: range(at, firstAfter(at, isAnswer)) }));
}

/** A line of ours may look like that too, and be by anybody whom we quote: what we wrote is no answer. */
function setApartBy({ name, ours }: Clues): (line: Line | undefined) => boolean {
  const [own, all] = [letters(name), letters(ours)];
  const ownLines = new Set(ours.split('\n').map(letters));
  return (line) => {
    if (line?.kind !== 'text') return false;
    const said = letters(line.text);
    if (line.coloured === true)
      return !(ownLines.has(said) || (said.length >= SURELY_SAME && holdsLines(all, line.text)));
    const mark = /^\[(\p{Lu}[^[\]]{2,60})\] \S/u.exec(line.text)?.[1];
    return mark !== undefined && own !== '' && letters(mark) === own && !holdsLines(all, line.text);
  };
}

/** So many letters in a row are not in two texts by chance. */
const SURELY_SAME = 16;

function firstAfter(at: number, is: (at: number) => boolean): number {
  let end = at;
  while (is(end)) end += 1;
  return end;
}

function paragraphAbove(lines: readonly Line[], answer: number, isAnswer: (at: number) => boolean): number[] {
  let end = answer;
  while (end > 0 && lines[end - 1]?.kind === 'blank') end -= 1;
  let start = end;
  while (start > 0 && lines[start - 1]?.kind === 'text' && !isAnswer(start - 1)) start -= 1;
  return range(start, end);
}

/** What stands under the last line of our own mail, where its first one stands above. */
function belowFrame(lines: readonly Line[], start: number, bottom: number): number[] {
  const marker = lines.findIndex(({ kind, text }, at) => at >= start && kind === 'mark' && isReplyMarker(text));
  const end = lines.findLastIndex(({ text }, at) => at > marker && at < bottom && isFrameEnd(text));
  if (marker < 0 || end < 0) return [];
  const blank = lines.findIndex(({ kind }, at) => at > end && kind === 'blank');
  return blank < 0 ? [] : range(blank, bottom);
}

const asPart = (answer: readonly number[]): Part => ({ question: [], answer });

/** Some programs put "|" or initials ("b>") before what they quote. Under an attribution only: "mysql>" is a prompt. */
function withForeignQuotes(lines: readonly Line[], after: number): readonly Line[] {
  const prefix = /^\s*(\||\p{L}{1,12}>)/u.exec(lines[after]?.text.slice(0, 40) ?? '')?.[1];
  if (prefix === undefined || lines[after]?.kind !== 'text') return lines;
  return lines.map((line, at) =>
    at >= after && line.kind === 'text' && line.text.trimStart().startsWith(prefix)
      ? { text: line.text, kind: 'quote' }
      : line,
  );
}

/** Below an attribution, with ">" before what is quoted: answers between and under the quotes are the person's. */
function answersBelow(lines: readonly Line[], from: number, bottom: number): Part[] {
  const blocks = readBlocks(lines, from, endOfAnswers(lines, from, bottom));
  // Quotes and answers come in turn, a quote first.
  const answers = blocks.flatMap(({ quote, places }, at) => (quote ? [] : [{ places, above: blocks[at - 1] }]));
  const first = blocks.findIndex(({ quote }) => !quote);
  const between = blocks.slice(first + 1).some(({ quote }) => quote);
  // One quote with one answer under it: the answer alone. Answers between quotes need what they answer.
  if (answers.length <= 1 && !between) return answers.map(({ places }) => asPart(places));
  return answers.map(({ places, above }) => ({ question: lastParagraph(lines, above?.places ?? []), answer: places }));
}

/** Where yet another mail begins below the answers, without ">". */
function endOfAnswers(lines: readonly Line[], from: number, bottom: number): number {
  const last = lines.findLastIndex((line, at) => at >= from && at < bottom && isOwn(line));
  const nested = lines.findIndex((line, at) => at > from && at < bottom && isMarked(line));
  const quotedLater = lines.some(({ kind }, at) => at > nested && at < bottom && kind === 'quote');
  return nested > from && nested < last && !quotedLater ? nested : bottom;
}

interface Block {
  readonly quote: boolean;
  readonly places: number[];
}

/** Quotes and answers in turn; blank lines belong to neither end of an answer. */
function readBlocks(lines: readonly Line[], from: number, to: number): Block[] {
  const blocks: Block[] = [];
  for (let at = from; at < to; at += 1) {
    const kind = lines[at]?.kind ?? 'blank';
    const quote = kind === 'quote' || isMarked(lines[at]);
    const last = blocks.at(-1);
    if (kind === 'blank') last?.places.push(at);
    else if (last?.quote === quote) last.places.push(at);
    else blocks.push({ quote, places: [at] });
  }
  return blocks;
}

/** The question: what stands right above the answer in the quote, up to an empty line. */
function lastParagraph(lines: readonly Line[], places: readonly number[]): number[] {
  const hasWords = (at: number): boolean => /[^\s>|]/.test(lines[at]?.text ?? '') && lines[at]?.kind === 'quote';
  const end = places.findLastIndex(hasWords);
  const start = places.findLastIndex((at, n) => n < end && !hasWords(at));
  return end < 0 ? [] : places.slice(start + 1, end + 1);
}

/** No attribution: a quote above the person's words was put there by the person, one below was not. */
function aroundQuotes(lines: readonly Line[], from: number, to: number): number[] {
  return range(from, lines.findLastIndex((line, at) => at >= from && at < to && isOwn(line)) + 1);
}

function trimFoot(lines: readonly Line[], { question, answer }: Part): { part: Part; foot: number[] } {
  const end = footOf(lines, answer);
  // A mark on top of all there is separates nothing.
  const first = answer.findIndex((at) => lines[at]?.kind !== 'blank');
  const isMark = answer[0] === 0 && isSignatureMark(lines[answer[first] ?? 0]?.text ?? '');
  const said = answer.slice(isMark ? first + 1 : 0, end).filter((at) => lines[at]?.kind !== 'signature');
  return { part: { question, answer: said }, foot: answer.slice(end).filter((at) => lines[at]?.kind !== 'signature') };
}

function footOf(lines: readonly Line[], places: readonly number[]): number {
  const own = places.flatMap((at) => lines[at] ?? []);
  return footStart(own, 0, own.length);
}

function isMarked(line: Line | undefined): boolean {
  return line?.kind === 'mark' || line?.kind === 'original';
}

function skip(lines: readonly Line[], from: number, kinds: readonly Line['kind'][]): number {
  let at = from;
  while (at < lines.length && kinds.includes(lines[at]?.kind ?? 'text')) at += 1;
  return at;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, n) => from + n);
}
