/**
 * An HTML email as a walk over its elements and texts, in order, each element closed once: what a renderer needs, without
 * a tree. Only the tokenizer of htmlparser2 is used: its own stack of open elements costs the square of their number.
 *
 * Promises linear time and a stack of at most MAX_DEPTH on any input: deeper elements, and those after MAX_TAGS, are
 * passed over, their text is not.
 */
import { Tokenizer } from 'htmlparser2';

export interface HtmlElement {
  /** Lower case. */
  readonly name: string;
  /** Lower-case names; of two with one name the first counts, as in browsers. */
  readonly attributes: ReadonlyMap<string, string>;
}

export interface HtmlVisitor {
  open(element: HtmlElement): void;
  close(element: HtmlElement): void;
  /** May come in several pieces; entities are decoded. */
  text(text: string): void;
}

const MAX_DEPTH = 256;
/** Of more tags only the text between them is read: no mail that somebody wrote has so many. */
const MAX_TAGS = 20_000;
const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();

/** https://html.spec.whatwg.org/#void-elements */
const VOID = new Set('area base br col embed hr img input link meta source track wbr'.split(' '));

/** An end tag of one of these leaves block elements that are open in it alone. */
const INLINE = new Set(
  'a abbr b big cite code del em font i ins kbd label mark q s small span strike strong sub sup tt u var o:p'.split(
    ' ',
  ),
);

/** What a start tag closes without an end tag (https://html.spec.whatwg.org/#optional-tags). */
const CLOSES: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ...'address article blockquote center div dl fieldset footer form h1 h2 h3 h4 h5 h6 header hr main nav ol p pre section table ul'
    .split(' ')
    .map((name): [string, ReadonlySet<string>] => [name, new Set(['p'])]),
  ['li', new Set(['p', 'li'])],
  ['dt', new Set(['p', 'dt', 'dd'])],
  ['dd', new Set(['p', 'dt', 'dd'])],
  ['tr', new Set(['p', 'td', 'th', 'tr'])],
  ['td', new Set(['p', 'td', 'th'])],
  ['th', new Set(['p', 'td', 'th'])],
  ['option', new Set(['option'])],
]);

export function walkHtml(html: string, visitor: HtmlVisitor): void {
  const walk = new Walk(visitor);
  const piece = (start: number, end: number): string => html.slice(start, end);
  const nothing = (): void => undefined;
  const tokenizer = new Tokenizer(
    {},
    {
      onopentagname: (start, end) => walk.startTag(piece(start, end).toLowerCase()),
      onattribname: (start, end) => walk.startAttribute(piece(start, end).toLowerCase()),
      onattribdata: (start, end) => walk.addValue(piece(start, end)),
      onattribentity: (code) => walk.addValue(String.fromCodePoint(code)),
      onattribend: () => walk.endAttribute(),
      onopentagend: () => walk.endTag(),
      onselfclosingtag: () => walk.endTag(),
      onclosetag: (start, end) => walk.closeTag(piece(start, end).toLowerCase()),
      ontext: (start, end) => visitor.text(piece(start, end)),
      ontextentity: (code) => visitor.text(String.fromCodePoint(code)),
      oncdata: nothing,
      oncomment: nothing,
      ondeclaration: nothing,
      onprocessinginstruction: nothing,
      onend: nothing,
    },
  );
  tokenizer.write(html);
  tokenizer.end();
  walk.closeAll();
}

class Walk {
  readonly #visitor: HtmlVisitor;
  readonly #stack: HtmlElement[] = [];
  /** Where elements of a name stand in the stack, and where block elements do: an end tag costs one look. */
  readonly #open = new Map<string, number[]>();
  readonly #blocks: number[] = [];
  /** Elements that were too deep, by name: their end tags close nothing. */
  readonly #tooDeep = new Map<string, number>();
  #tags = 0;
  #tag = '';
  #attributes: Map<string, string> | null = null;
  #attribute = '';
  #value: string[] = [];

  constructor(visitor: HtmlVisitor) {
    this.#visitor = visitor;
  }

  startTag(name: string): void {
    this.#tag = name;
    this.#attributes = null;
  }

  startAttribute(name: string): void {
    this.#attribute = name;
    this.#value = [];
  }

  addValue(value: string): void {
    this.#value.push(value);
  }

  endAttribute(): void {
    this.#attributes ??= new Map();
    if (!this.#attributes.has(this.#attribute)) this.#attributes.set(this.#attribute, this.#value.join(''));
  }

  /** A self-closing slash means nothing in HTML. */
  endTag(): void {
    this.#tags += 1;
    if (this.#tags > MAX_TAGS) return;
    const element = { name: this.#tag, attributes: this.#attributes ?? NO_ATTRIBUTES };
    const closes = CLOSES.get(element.name);
    while (closes?.has(this.#stack.at(-1)?.name ?? '')) this.#pop();
    if (VOID.has(element.name)) {
      this.#visitor.open(element);
      this.#visitor.close(element);
    } else if (this.#stack.length >= MAX_DEPTH) {
      this.#tooDeep.set(element.name, (this.#tooDeep.get(element.name) ?? 0) + 1);
    } else {
      this.#push(element);
    }
  }

  closeTag(name: string): void {
    if (this.#tags > MAX_TAGS) return;
    if (name === 'br') this.#lineBreak();
    const tooDeep = this.#tooDeep.get(name) ?? 0;
    if (tooDeep > 0) this.#tooDeep.set(name, tooDeep - 1);
    const at = tooDeep > 0 ? undefined : this.#open.get(name)?.at(-1);
    if (at === undefined || (INLINE.has(name) && at < (this.#blocks.at(-1) ?? -1))) return;
    while (this.#stack.length > at) this.#pop();
  }

  /** "</br>" breaks a line too. */
  #lineBreak(): void {
    this.startTag('br');
    this.endTag();
  }

  closeAll(): void {
    while (this.#stack.length > 0) this.#pop();
  }

  #push(element: HtmlElement): void {
    const at = this.#stack.push(element) - 1;
    const positions = this.#open.get(element.name);
    if (positions === undefined) this.#open.set(element.name, [at]);
    else positions.push(at);
    if (!INLINE.has(element.name)) this.#blocks.push(at);
    this.#visitor.open(element);
  }

  #pop(): void {
    const element = this.#stack.pop();
    if (element === undefined) return;
    this.#open.get(element.name)?.pop();
    if (!INLINE.has(element.name)) this.#blocks.pop();
    this.#visitor.close(element);
  }
}
