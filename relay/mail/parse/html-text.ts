/**
 * The text of an HTML email, as a person would see it: what is hidden by `hidden` or an inline style is left out, quoted
 * blocks come out with ">" before each line. Promises linear time on hostile input: the size is capped first.
 */
import { type HtmlLine, readHtmlLines } from '../replies/html-lines.ts';

export const MAX_HTML = 512 * 1024;
const MAX_SHOWN_DEPTH = 20;

export interface HtmlText {
  readonly text: string;
  readonly problems: readonly string[];
}

/** Pictures that stand in the HTML itself are as large as pictures are, and no text. */
export function withoutPictures(html: string): string {
  return html.replace(/data:image\/[^"'\s<>)]+/gi, '');
}

export function htmlToPlain(html: string): HtmlText {
  const problems = html.length > MAX_HTML ? [`the HTML was cut at ${MAX_HTML / 1024} KiB`] : [];
  const lines = readHtmlLines(html.slice(0, MAX_HTML)).map(showLine);
  const start = lines.findIndex((line) => line !== '');
  return { text: start < 0 ? '' : lines.slice(start).join('\n').trimEnd(), problems };
}

/** With ">" before it for each quote it stands in. */
export function showLine({ text, depth }: HtmlLine): string {
  if (depth === 0) return text;
  return `${'>'.repeat(Math.min(depth, MAX_SHOWN_DEPTH))} ${text}`.trimEnd();
}

/** A plain part between HTML parts, as it is. */
export function plainToHtml(text: string): string {
  return `<pre>${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</pre>`;
}
