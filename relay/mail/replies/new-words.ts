/**
 * What a person wrote in an answer, without what their program quoted below, above or around it.
 *
 * Promises: linear time on any input; body, quoted and signature hold only the email's own lines; the body is empty only
 * where nobody wrote a line; in doubt everything is the body, since a lost word is worse than a quoted line too many.
 */
import type { Answer, NewWords } from '../contracts.ts';
import { MAX_HTML, withoutPictures } from '../parse/html-text.ts';
import { EXTRACTION_NOTES } from './extraction-notes.ts';
import { findOwnWords, NO_CLUES, type OwnWords } from './own-words.ts';
import { type Line, type ReplyLines, readHtmlReply, readTextReply } from './reply-lines.ts';
import { compareParts, mergeLines, withoutEntities } from './two-parts.ts';

export { REPLY_MARKER } from './reply-lines.ts';

/** The new words of a plain text. */
export function newWords(text: string, clues = NO_CLUES): NewWords {
  const reply = readTextReply(text);
  return writeWords(reply, findOwnWords(reply, clues));
}

/** The new words of an email with a text, an HTML, or both, which then should say the same. */
export function extractNewWords({ text: written, html, from = [], ours = '' }: Answer): NewWords {
  const clues = { name: from[0]?.name ?? '', ours };
  if (html === null || html.trim() === '') return newWords(written, clues);
  const bare = withoutPictures(html);
  const reply = readHtmlReply(bare.slice(0, MAX_HTML));
  const rich = writeWords(reply, findOwnWords(reply, clues));
  const richText = [...reply.lines.map((line) => line.text), ...reply.tail].join('\n');
  const structured = reply.structured && bare.length <= MAX_HTML;
  const text = bare.length <= MAX_HTML ? withoutEntities(written, richText) : written;
  const plain = newWords(text, clues);
  const choice = compareParts({ plain, rich, text, richText, structured });
  if (choice === 'rich')
    return { ...rich, body: mergeLines(plain.body, rich.body), quoted: longer(plain.quoted, rich.quoted) };
  if (choice === 'plain') return plain;
  if (choice === 'unsure') return { ...plain, notes: [EXTRACTION_NOTES.unsure] };
  // What the HTML says else stays readable.
  return {
    ...plain,
    quoted: join([plain.quoted ?? '', '', rich.body]),
    notes: [EXTRACTION_NOTES.mismatch, ...plain.notes],
  };
}

/** One of the two parts may have been cut off on its way. */
function longer(plain: string | null, rich: string | null): string | null {
  return (plain?.length ?? 0) > 2 * (rich?.length ?? 0) ? plain : rich;
}

/** Everything as the body: what is left to say where the extraction failed. */
export function wholeEmail(text: string, note: string): NewWords {
  return { body: join(text.replace(/\r\n?/g, '\n').split('\n')), quoted: null, signature: null, notes: [note] };
}

function writeWords({ lines, tail }: ReplyLines, own: OwnWords): NewWords {
  const text = (at: number): string => lines[at]?.text ?? '';
  const body = own.parts.flatMap(({ question, answer, inQuote }, at) => [
    ...(at > 0 ? [''] : []),
    ...question.map((place) => (text(place).startsWith('>') ? text(place) : `> ${text(place)}`)),
    ...(question.length > 0 ? trimBlanks(answer, lines) : answer).map((place) =>
      inQuote ? text(place).replace(/^[\s>]+/, '') : text(place),
    ),
  ]);
  const kept = new Set([...own.parts.flatMap(({ question, answer }) => [...question, ...answer]), ...own.signature]);
  const cut = lines.filter((_, at) => !kept.has(at)).map((line) => line.text);
  return {
    body: withoutStrayBlank(join([...body, ...(own.openEnd ? tail : [])])),
    quoted: join([...cut, ...(own.openEnd ? [] : tail)]) || null,
    signature: join(own.signature.map(text)) || null,
    notes: own.unsure ? [EXTRACTION_NOTES.unsure] : [],
  };
}

function trimBlanks(places: readonly number[], lines: readonly Line[]): readonly number[] {
  const isSaid = (at: number): boolean => lines[at]?.kind !== 'blank';
  return places.slice(Math.max(0, places.findIndex(isSaid)), places.findLastIndex(isSaid) + 1);
}

/** Without blank lines around; the first line keeps its indent. */
function join(lines: readonly string[]): string {
  const start = lines.findIndex((line) => line.trim() !== '');
  return start < 0 ? '' : lines.slice(start).join('\n').trimEnd();
}

/** Yahoo begins its text with a blank. An indent that other lines share, as of code or of a diff, stays. */
function withoutStrayBlank(body: string): string {
  if (!/^[ \u00a0]{1,2}[^\s]/.test(body)) return body;
  return /\n(?:[ \t\u00a0]|[-+]\S)/.test(body) ? body : body.trimStart();
}
