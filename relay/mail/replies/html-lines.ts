/**
 * The text of an HTML email as lines, as a person would see it, each with what the elements around it say: how deep it is
 * quoted, and whether it announces a quote, closes the mail or begins another one. What is hidden is left out.
 *
 * Promises linear time and no recursion on any input.
 */
import { type HtmlElement, type HtmlVisitor, walkHtml } from '../parse/html-elements.ts';
import { bareStyle, hiddenNames, hides, isTight, keepsSpaces, strongColour } from '../parse/html-style.ts';
import { type Role, roleOf } from './html-roles.ts';

export interface HtmlLine {
  /** Without the ">" of its depth. */
  readonly text: string;
  readonly depth: number;
  /** `code`: preformatted code, whatever it looks like. */
  readonly role: Exclude<Role, 'quote' | 'frame'> | 'code' | null;
  /** Written in a strong colour, and no link: how people set their answers apart in a mail that is quoted without marks. */
  readonly coloured: boolean;
}

export function readHtmlLines(html: string): HtmlLine[] {
  const renderer = new Renderer(hiddenNames(html));
  walkHtml(html, renderer);
  return renderer.finish();
}

const UNSEEN = new Set(
  'head title style script template noscript iframe object embed applet audio video select textarea svg math'.split(
    ' ',
  ),
);
/** Block elements and the line ends around them: 2 is an empty line. */
const BLOCKS: ReadonlyMap<string, number> = new Map([
  ...'address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form header hgroup html legend li main nav section signature summary table tr caption'
    .split(' ')
    .map((name): [string, number] => [name, 1]),
  ...'p h1 h2 h3 h4 h5 h6 ul ol pre'.split(' ').map((name): [string, number] => [name, 2]),
]);
const MAX_LINK = 2000;
const MAX_BLANKS = 2;
const PICTOGRAPH = /^\p{Extended_Pictographic}(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\u200d|\ufe0f){0,10}$/u;
const LEAVES = new Set(['br', 'img', 'hr']);

/** What an element changed, to be taken back at its end. */
interface Frame {
  readonly hidden: boolean;
  readonly breaks: number;
  readonly role: Role | null;
  readonly pre: boolean;
  readonly code: boolean;
  readonly list: boolean;
  readonly href: string | null;
  /** Null: says nothing of it. */
  readonly colour: boolean | null;
}

const NO_LINE = { depth: 0, role: null, coloured: false };
const NO_CHANGE: Frame = {
  hidden: false,
  breaks: 0,
  role: null,
  pre: false,
  code: false,
  list: false,
  href: null,
  colour: null,
};

interface List {
  readonly ordered: boolean;
  next: number;
}

class Renderer implements HtmlVisitor {
  readonly #lines: HtmlLine[] = [];
  readonly #frames: Frame[] = [];
  readonly #lists: List[] = [];
  /** Open elements by what they do. */
  readonly #count = { hidden: 0, quote: 0, mark: 0, signature: 0, pre: 0, code: 0 };
  /** The line that is being written. */
  #pieces: string[] = [];
  #line: Omit<HtmlLine, 'text'> = NO_LINE;
  readonly #colours: boolean[] = [];
  #blanks = 0;
  #space = false;
  /** Line ends wanted before the next text. */
  #wanted = 0;
  #next: 'original' | 'border' | 'foot' | null = null;
  #bullet = '';
  #link = '';
  /** Names that a style sheet hides. */
  readonly #hidden: ReadonlySet<string>;

  constructor(hidden: ReadonlySet<string>) {
    this.#hidden = hidden;
  }

  open(element: HtmlElement): void {
    const leaf = LEAVES.has(element.name);
    const frame = leaf ? NO_CHANGE : this.#read(element);
    this.#frames.push(frame);
    if (frame.hidden) this.#count.hidden += 1;
    if (this.#count.hidden > 0) return;
    if (leaf) this.#leaf(element);
    else this.#begin(element, frame);
  }

  close(element: HtmlElement): void {
    const frame = this.#frames.pop();
    if (frame === undefined) return;
    const unseen = this.#count.hidden > 0;
    if (frame.hidden) this.#count.hidden -= 1;
    if (unseen) return;
    if (frame.breaks > 0) this.#block(frame.breaks);
    if (frame.role === 'border' && this.#next === 'border') this.#next = null;
    this.#enter(element, frame, -1);
    if (frame.href !== null) this.#showHref(frame.href);
  }

  #leaf(element: HtmlElement): void {
    if (element.name === 'br') {
      this.#endLine();
      if (element.attributes.size > 0 && roleOf(element, '') === 'foot') this.#next = 'foot';
    }
    if (element.name === 'img') this.#image(element);
    if (element.name === 'hr') this.#rule(roleOf(element, '') === 'original');
  }

  #begin(element: HtmlElement, frame: Frame): void {
    if (frame.breaks > 0) this.#block(frame.breaks);
    if (element.name === 'td' || element.name === 'th') this.#space = this.#pieces.length > 0;
    if (frame.role === 'original') this.#next = 'original';
    if (frame.role === 'border') this.#next ??= 'border';
    if (frame.href !== null) this.#link = '';
    this.#enter(element, frame, 1);
  }

  text(text: string): void {
    if (this.#count.hidden > 0) return;
    if (this.#count.pre > 0) this.#preserve(text);
    else this.#flow(text);
  }

  #preserve(text: string): void {
    const [first = '', ...more] = text.replace(/\r\n?/g, '\n').split('\n');
    this.#write(first);
    for (const line of more) {
      this.#endLine();
      this.#write(line);
    }
  }

  finish(): HtmlLine[] {
    if (this.#pieces.length > 0) this.#endLine();
    return this.#lines;
  }

  #read({ name, attributes }: HtmlElement): Frame {
    // Most elements have no attributes; a mail of nothing but line breaks should cost nothing.
    const plain = attributes.size === 0;
    const bare = plain ? '' : bareStyle(attributes.get('style') ?? '');
    const breaks = BLOCKS.get(name) ?? 0;
    const tight =
      breaks > 1 &&
      (isTight(bare) || /\bMsoNormal\b|\bMsoListParagraph/.test(attributes.get('class')?.slice(0, 200) ?? ''));
    const inner = this.#lists.length > 0 && (name === 'ul' || name === 'ol' || name === 'p');
    return {
      hidden:
        UNSEEN.has(name) ||
        attributes.has('hidden') ||
        (bare !== '' && hides(bare)) ||
        this.#isHiddenByName(attributes),
      breaks: tight || inner ? 1 : breaks,
      role: plain && name !== 'blockquote' && name !== 'signature' ? null : roleOf({ name, attributes }, bare),
      pre: name === 'pre' || (bare !== '' && keepsSpaces(bare)),
      code: name === 'code' && this.#count.pre > 0,
      list: name === 'ul' || name === 'ol',
      href: name === 'a' ? (attributes.get('href') ?? null) : null,
      colour: plain ? null : name === 'a' ? false : strongColour(bare, attributes.get('color')),
    };
  }

  #isHiddenByName(attributes: HtmlElement['attributes']): boolean {
    if (this.#hidden.size === 0 || attributes.size === 0) return false;
    const classes = (attributes.get('class') ?? '').slice(0, 1000).toLowerCase().split(/\s+/);
    const id = `#${(attributes.get('id') ?? '').slice(0, 100).toLowerCase()}`;
    return this.#hidden.has(id) || classes.some((name) => this.#hidden.has(`.${name}`));
  }

  #enter(element: HtmlElement, frame: Frame, by: 1 | -1): void {
    const { role } = frame;
    if (role === 'quote' || role === 'mark' || role === 'signature') this.#count[role] += by;
    if (frame.pre) this.#count.pre += by;
    if (frame.code) this.#count.code += by;
    if (frame.colour !== null && by === 1) this.#colours.push(frame.colour);
    if (frame.colour !== null && by === -1) this.#colours.pop();
    if (frame.list && by === 1) this.#lists.push({ ordered: element.name === 'ol', next: 1 });
    if (frame.list && by === -1) this.#lists.pop();
    if (element.name === 'li') this.#bullet = by === 1 ? this.#nextBullet() : '';
  }

  #nextBullet(): string {
    const list = this.#lists.at(-1);
    const indent = '  '.repeat(Math.min(10, Math.max(0, this.#lists.length - 1)));
    if (list === undefined || !list.ordered) return `${indent}- `;
    list.next += 1;
    return `${indent}${list.next - 1}. `;
  }

  /** White space is one space, none at the start of a line (CSS Text 3, section 4.1). */
  #flow(text: string): void {
    const flat = text.replace(/[ \t\r\n\f]+/g, ' ');
    const words = flat.startsWith(' ') ? flat.slice(1) : flat;
    if (flat !== words) this.#space = true;
    if (words === '') return;
    const trailing = words.endsWith(' ');
    this.#write(trailing ? words.slice(0, -1) : words);
    this.#space = trailing;
  }

  #write(text: string): void {
    if (text === '') return;
    if (this.#pieces.length === 0) this.#beginLine();
    else if (this.#space && this.#count.pre === 0) this.#pieces.push(' ');
    this.#space = false;
    const shown = text.replaceAll('\u00a0', ' ');
    this.#pieces.push(shown);
    if (this.#link.length < MAX_LINK) this.#link += shown;
  }

  #beginLine(): void {
    const last = this.#lines.at(-1);
    const depth = this.#count.quote;
    if (this.#wanted > 1 && last !== undefined && last.text !== '') {
      this.#lines.push({ ...NO_LINE, text: '', depth: Math.min(depth, last.depth) });
    }
    this.#wanted = 0;
    this.#line = { depth, role: this.#role(), coloured: this.#colours.at(-1) ?? false };
    this.#next = null;
    if (this.#bullet !== '') this.#pieces.push(this.#bullet);
    this.#bullet = '';
  }

  #role(): HtmlLine['role'] {
    if (this.#next !== null) return this.#next;
    if (this.#count.mark > 0) return 'mark';
    if (this.#count.signature > 0) return 'signature';
    return this.#count.code > 0 ? 'code' : null;
  }

  #endLine(): void {
    const text = this.#pieces.join('').trimEnd();
    this.#blanks = text === '' ? this.#blanks + 1 : 0;
    const line = this.#pieces.length > 0 ? this.#line : { ...NO_LINE, depth: this.#count.quote };
    if (this.#blanks <= MAX_BLANKS) this.#lines.push({ text, ...line });
    this.#pieces = [];
    this.#space = false;
  }

  #block(breaks: number): void {
    if (this.#pieces.length > 0) this.#endLine();
    this.#space = false;
    this.#wanted = Math.max(this.#wanted, breaks);
  }

  #rule(begins: boolean): void {
    this.#block(1);
    const next = begins ? 'original' : this.#next;
    this.#next = null;
    this.#write('-'.repeat(20));
    this.#block(1);
    this.#next = next;
  }

  /** Programs show emoji as pictures: those are the person's words. */
  #image({ attributes }: HtmlElement): void {
    const alt = attributes.get('alt') ?? '';
    if (alt.length <= 20 && PICTOGRAPH.test(alt)) this.#write(alt);
  }

  #showHref(href: string): void {
    const address = href.trim();
    const said = this.#link.trim();
    if (said === '' || address.length > MAX_LINK || !/^(?:https?:|mailto:|tel:|ftp:)/i.test(address)) return;
    const bare = (url: string): string =>
      url
        .replace(/^(?:mailto:|tel:|https?:\/\/)/i, '')
        .replace(/\/$/, '')
        .toLowerCase();
    // RFC 3986 appendix C: in angle brackets, so that it ends where it ends.
    const shown = address.replace(/^mailto:/i, '').replace(/[\s<>]/g, encodeURIComponent);
    if (bare(address) !== bare(said)) this.#write(` <${shown}>`);
  }
}
