/**
 * An email's plain text and its HTML should say the same. Decides which of the two is shown, or that they do not say the
 * same: compared by letters and digits only, since white space, markup and links differ between them. Linear time.
 */
import type { NewWords } from '../contracts.ts';

/** `unsure`: the HTML has no new words, the text has. */
export type Choice = 'plain' | 'rich' | 'mismatch' | 'unsure';

interface Parts {
  readonly plain: NewWords;
  readonly rich: NewWords;
  /** All of each, in its own order. */
  readonly text: string;
  readonly richText: string;
  /** The HTML says itself what is quoted. */
  readonly structured: boolean;
}

/** Nobody writes so much by hand; a log is shown as it came. */
const MAX_COMPARED = 256 * 1024;

/** Programs put this in place of a text. */
const STUB =
  /^(?:.{0,80}\b(?:html|rich text)\b.{0,200}\b(?:view|display|support|read|client|program|reader|enable)|.{0,80}\b(?:your|this) (?:e-?mail|mail) (?:client|program|reader)\b)/iu;

export function compareParts({ plain, rich, text, richText, structured }: Parts): Choice {
  if (text.length > MAX_COMPARED || richText.length > MAX_COMPARED) return text.trim() === '' ? 'rich' : 'plain';
  const [said, richSaid] = [letters(plain.body), letters(rich.body)];
  // The HTML knows where a paragraph ends; programs break the lines of the text.
  if (said === richSaid) return 'rich';
  const [all, richAll] = [letters(text), letters(richText)];
  if (all === '' || (STUB.test(plain.body.slice(0, 400)) && plain.body.length < 400)) return 'rich';
  if (richAll === '') return 'plain';
  const richHeld = holdsLines(all, rich.body);
  if (!richHeld || !(holdsLines(richAll, plain.body) || rich.notes.length > 0)) return 'mismatch';
  // They differ in the cut alone.
  if (richSaid === '') return isSignatureInBoth(text, plain, rich) ? 'rich' : 'unsure';
  if (structured && rich.notes.length === 0) return 'rich';
  return said.length >= richSaid.length ? 'plain' : 'rich';
}

/** A program's signature and nothing else: the text has its mark, the HTML its element. */
function isSignatureInBoth(text: string, plain: NewWords, rich: NewWords): boolean {
  return /(?:^|\n)--\s?\n/.test(text) && holdsLines(letters(rich.signature ?? ''), plain.body);
}

/** The lines of the HTML; where the text has the very same line, with the text's own spaces: HTML has only one in a row. */
export function mergeLines(plain: string, rich: string): string {
  const squeeze = (line: string): string => line.trim().replace(/\s+/g, ' ');
  const spaced = new Map(plain.split('\n').map((line) => [squeeze(line), line]));
  return rich
    .split('\n')
    .map((line) => {
      const same = spaced.get(squeeze(line))?.trim();
      return same === undefined || same === '' ? line : `${/^\s*/.exec(line)?.[0] ?? ''}${same}`;
    })
    .join('\n');
}

/** Without links, pictures' names and everything that is no letter, digit or emoji. */
export function letters(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/(?:https?:\/\/|mailto:|www\.)[^\s<>[\]()]{1,2000}/giu, '')
    .replace(/\[(?:image|cid|img|bild|inline)[^\]\n]{0,200}\]|<[^<>\s@]{1,100}@[^<>\s]{1,200}>/giu, '')
    .replace(/[^\p{L}\p{N}\p{Extended_Pictographic}]+/gu, '')
    .toLowerCase();
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&nbsp;': ' ',
  '&gt;': '>',
  '&lt;': '<',
  '&quot;': '"',
  '&#39;': "'",
  '&apos;': "'",
  '&amp;': '&',
};

/**
 * Some programs (QQ) make the text from the HTML and leave its entities in. The HTML says what is meant: an entity that is
 * no words there is none here.
 */
export function withoutEntities(text: string, richText: string): string {
  if (!text.includes('&') || richText.trim() === '') return text;
  const meant = new Set(Object.keys(ENTITIES).filter((name) => richText.includes(name)));
  return text.replace(/&(?:nbsp|gt|lt|quot|#39|apos|amp);/g, (name) =>
    meant.has(name) ? name : (ENTITIES[name] ?? name),
  );
}

/** Are the lines of `body` in `text`, in their order? */
export function holdsLines(text: string, body: string): boolean {
  let from = 0;
  for (const line of body.split('\n')) {
    const part = letters(line);
    if (part === '') continue;
    from = endOf(text, part, from);
    if (from < 0) return false;
  }
  return true;
}

/**
 * Where `part` ends in `text`, from `from` on; -1: nowhere. By Knuth, Morris and Pratt: a search of the built-in kind is
 * quadratic on hostile text.
 */
function endOf(text: string, part: string, from: number): number {
  const borders = new Int32Array(part.length + 1);
  for (let at = 1, k = 0; at < part.length; at += 1) {
    while (k > 0 && part[at] !== part[k]) k = borders[k] ?? 0;
    if (part[at] === part[k]) k += 1;
    borders[at + 1] = k;
  }
  let k = 0;
  for (let at = from; at < text.length; at += 1) {
    while (k > 0 && text[at] !== part[k]) k = borders[k] ?? 0;
    if (text[at] === part[k]) k += 1;
    if (k === part.length) return at + 1;
  }
  return -1;
}
