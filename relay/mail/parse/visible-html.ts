/**
 * What a person sees of an HTML email as lines, and its links with what they say: for finding codes and links, where
 * layout tables and buttons matter and quotes do not. Promises linear time and no recursion on any input.
 */
import { type HtmlElement, type HtmlVisitor, walkHtml } from './html-elements.ts';
import { bareStyle, hides } from './html-style.ts';
import { MAX_HTML } from './html-text.ts';

export interface SeenLink {
  /** As written. */
  readonly href: string;
  /** What it says, the text of its pictures included. */
  readonly text: string;
  /** Looks like a button. */
  readonly button: boolean;
  /** The line it begins on. */
  readonly line: number;
}

export interface VisibleHtml {
  /** Without empty ones. */
  readonly lines: readonly string[];
  readonly links: readonly SeenLink[];
}

export function readVisibleHtml(html: string): VisibleHtml {
  const reader = new Reader();
  walkHtml(html.slice(0, MAX_HTML), reader);
  return reader.finish();
}

const UNSEEN = new Set(
  'head title style script template noscript iframe object embed applet audio video svg math'.split(' '),
);
const BLOCKS = new Set(
  'address article aside blockquote body br center dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section table tr ul'.split(
    ' ',
  ),
);
const CELLS = new Set(['td', 'th']);
const MAX_LINKS = 500;
const MAX_LINK_TEXT = 300;

interface OpenLink {
  readonly href: string;
  readonly button: boolean;
  readonly line: number;
  text: string;
}

class Reader implements HtmlVisitor {
  readonly #lines: string[] = [];
  readonly #links: SeenLink[] = [];
  #line: string[] = [];
  #hidden = 0;
  /** For each open element: does it hide what is in it, is it a link? */
  readonly #open: { readonly hides: boolean; readonly link: OpenLink | null }[] = [];
  #link: OpenLink | null = null;

  open(element: HtmlElement): void {
    const { name, attributes } = element;
    const bare = attributes.size === 0 ? '' : bareStyle(attributes.get('style') ?? '');
    const hidden = UNSEEN.has(name) || attributes.has('hidden') || hides(bare);
    if (hidden) this.#hidden += 1;
    const visible = this.#hidden === 0;
    if (visible) this.#layOut(name);
    const link = visible && name === 'a' ? this.#beginLink(attributes, bare) : null;
    this.#open.push({ hides: hidden, link });
    if (visible && name === 'img') this.text(` ${attributes.get('alt') ?? ''} `);
  }

  close({ name }: HtmlElement): void {
    const frame = this.#open.pop();
    if (frame?.link) this.#endLink(frame.link);
    if (frame?.hides) this.#hidden -= 1;
    else if (this.#hidden === 0 && name !== 'br') this.#layOut(name);
  }

  text(text: string): void {
    if (this.#hidden > 0 || text === '') return;
    this.#line.push(text);
    if (this.#link !== null && this.#link.text.length < MAX_LINK_TEXT) this.#link.text += text.slice(0, MAX_LINK_TEXT);
  }

  finish(): VisibleHtml {
    this.#endLine();
    return { lines: this.#lines, links: this.#links };
  }

  #layOut(name: string): void {
    if (CELLS.has(name)) this.text(' ');
    else if (BLOCKS.has(name)) this.#endLine();
  }

  #endLine(): void {
    const line = this.#line.join('').replace(/\s+/g, ' ').trim();
    this.#line = [];
    if (line !== '') this.#lines.push(line);
  }

  #beginLink(attributes: ReadonlyMap<string, string>, bare: string): OpenLink | null {
    const href = attributes.get('href')?.trim() ?? '';
    if (href === '' || this.#links.length >= MAX_LINKS) return null;
    const looks = `${attributes.get('class') ?? ''} ${attributes.get('role') ?? ''}`.slice(0, 500);
    const button = /\b(?:btn|button|cta)/i.test(looks) || /(?:^|;)(?:background|padding|border-radius)/.test(bare);
    this.#link = { href, button, line: this.#lines.length, text: '' };
    return this.#link;
  }

  #endLink(link: OpenLink): void {
    this.#links.push({ ...link, text: link.text.replace(/\s+/g, ' ').trim() });
    this.#link = null;
  }
}
