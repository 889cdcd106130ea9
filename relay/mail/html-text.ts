/**
 * The text of an HTML email, as a person would see it: what is hidden by `hidden` or an inline style is left out, quoted
 * blocks come out with ">" before each line. Promises to end soon on hostile input: size and depth are capped first.
 */
import { convert, type DomNode, type HtmlToTextOptions, type RecursiveCallback } from 'html-to-text';

export const MAX_HTML = 512 * 1024;
/** htmlparser2 is quadratic in depth, and browsers flatten anything deeper than 512. */
const MAX_DEPTH = 500;

export interface HtmlText {
  readonly text: string;
  readonly problems: readonly string[];
}

export function htmlToPlain(html: string): HtmlText {
  const problems: string[] = [];
  if (html.length > MAX_HTML) problems.push(`the HTML was cut at ${MAX_HTML / 1024} KiB`);
  const cut = html.slice(0, MAX_HTML);
  if (isTooDeep(cut)) return { text: '', problems: [...problems, `the HTML is nested deeper than ${MAX_DEPTH}`] };
  return { text: convert(cut, OPTIONS), problems };
}

/** An upper bound, in one pass: elements that need no end tag are not counted. */
function isTooDeep(html: string): boolean {
  let depth = 0;
  for (const [, slash] of html.matchAll(
    /<(\/?)(?!(?:area|base|br|col|hr|img|input|link|meta|wbr|p|li|dt|dd|option|tr|td|th|thead|tbody|tfoot|[ovw]:)\b)[a-z]/gi,
  )) {
    depth = slash === '/' ? Math.max(0, depth - 1) : depth + 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

const HIDING =
  /(?:^|;)(?:display:none|visibility:(?:hidden|collapse)|mso-hide:all|(?:font-size|max-height|opacity):0(?:px|pt|em|rem|%)?)(?:!important)?(?=;|$)/;

function isHidden(style: string): boolean {
  const bare = style
    .slice(0, 10_000)
    .toLowerCase()
    .replace(/\/\*.*?\*\//g, '')
    .replace(/\s+/g, '');
  return HIDING.test(bare);
}

/** A visible element with a style is walked again without it, and so gets the formatter of its own tag. */
function unlessHidden(element: DomNode, walk: RecursiveCallback, builder: Parameters<RecursiveCallback>[1]): void {
  const style = element.attribs?.['style'] ?? '';
  if (isHidden(style)) return;
  if (element.attribs !== undefined) delete element.attribs['style'];
  walk([element], builder);
}

const OPTIONS: HtmlToTextOptions = {
  wordwrap: false,
  limits: { maxDepth: MAX_DEPTH, maxInputLength: MAX_HTML, ellipsis: '' },
  formatters: { unlessHidden },
  selectors: [
    { selector: '[hidden]', format: 'skip' },
    { selector: '[style]', format: 'unlessHidden' },
    { selector: 'a', options: { hideLinkHrefIfSameAsText: true, ignoreHref: false, noAnchorUrl: true } },
    { selector: 'img', format: 'skip' },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
    { selector: 'p', options: { leadingLineBreaks: 2, trailingLineBreaks: 2 } },
    { selector: 'blockquote', options: { leadingLineBreaks: 1, trailingLineBreaks: 1 } },
  ],
};
