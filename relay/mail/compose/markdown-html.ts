/**
 * An agent's words as HTML: paragraphs, lists, code, quotes, bold and links of Markdown, everything else as it stands.
 *
 * Promises that nothing is lost but Markdown's own marks, that every character of it is escaped, that links go to http,
 * https and mailto only and say where, and linear time. Colours are the frame's; all else stands at the elements, since
 * some mail programs drop style sheets.
 */

const BREAKS = 'overflow-wrap:anywhere;word-break:break-word';
const PARAGRAPH = `margin:0 0 12px;white-space:pre-wrap;${BREAKS}`;
const CODE = `margin:0 0 12px;padding:10px 12px;border-radius:6px;font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;${BREAKS}`;
const INLINE_CODE = `padding:1px 4px;border-radius:4px;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:0.9em;${BREAKS}`;
const QUOTE = 'margin:0 0 12px;padding-left:12px;border-left-width:3px;border-left-style:solid';
const LIST = `margin:0 0 12px;padding-left:24px;${BREAKS}`;

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^#{1,6} +(\S.*)$/;
const ITEM = /^( {0,12})(?:[-*+]|(\d{1,9})[.)]) +(\S.*)$/;
const QUOTED = /^> ?/;

export function markdownToHtml(text: string): string {
  const lines = text.split(/\r\n|\r|\n/);
  const blocks: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const block = readBlock(lines, at);
    if (block.html !== '') blocks.push(block.html);
    at = block.next;
  }
  return blocks.join('\n');
}

interface Block {
  readonly html: string;
  /** The line after it. */
  readonly next: number;
}

function readBlock(lines: readonly string[], at: number): Block {
  const line = lines[at] ?? '';
  if (line.trim() === '') return { html: '', next: at + 1 };
  if (FENCE.test(line)) return readCode(lines, at);
  const [, heading] = HEADING.exec(line) ?? [];
  if (heading !== undefined)
    return { html: `<p dir="auto" style="${PARAGRAPH}"><b>${inline(heading)}</b></p>`, next: at + 1 };
  if (QUOTED.test(line)) return readQuote(lines, at);
  if (ITEM.test(line)) return readList(lines, at);
  if (isRow(line)) return readTable(lines, at);
  return readParagraph(lines, at);
}

const asCode = (text: string): string => `<pre class="code" dir="ltr" style="${CODE}">${escapeHtml(text)}</pre>`;

/** Up to the closing fence, or to the end where there is none. */
function readCode(lines: readonly string[], at: number): Block {
  const [, fence = ''] = FENCE.exec(lines[at] ?? '') ?? [];
  const closes = (line: string): boolean =>
    line.trim().startsWith(fence) && line.trim().replaceAll(fence[0] ?? '', '') === '';
  const end = endOf(lines, at + 1, (line) => !closes(line));
  const code = lines.slice(at + 1, end).join('\n');
  return { html: asCode(code), next: end + 1 };
}

function readQuote(lines: readonly string[], at: number): Block {
  const end = endOf(lines, at, (line) => QUOTED.test(line));
  const words = lines.slice(at, end).map((line) => line.replace(QUOTED, ''));
  const html = `<div class="rule" dir="auto" style="${QUOTE};white-space:pre-wrap;${BREAKS}">${inline(words.join('\n'))}</div>`;
  return { html, next: end };
}

const isRow = (line: string): boolean => line.trimStart().startsWith('|') && line.trimEnd().endsWith('|');

/** Rows of a table keep their columns, as code does. */
function readTable(lines: readonly string[], at: number): Block {
  const end = endOf(lines, at, (line) => isRow(line));
  return { html: asCode(lines.slice(at, end).join('\n')), next: end };
}

/** Items and the indented lines that belong to them. Deeper items are moved in; numbers stay as they were written. */
function readList(lines: readonly string[], at: number): Block {
  const end = endOf(lines, at, (line, index) => ITEM.test(line) || (index > at && /^ {2,}\S/.test(line)));
  const items: { readonly style: string; readonly words: string[] }[] = [];
  for (const line of lines.slice(at, end)) {
    const [, indent, number, rest] = ITEM.exec(line) ?? [];
    if (indent === undefined || rest === undefined) {
      items.at(-1)?.words.push(line.trim());
      continue;
    }
    const margin = `margin:0 0 4px ${Math.min(Math.floor(indent.length / 2), 4) * 16}px`;
    items.push(
      number === undefined
        ? { style: margin, words: [rest] }
        : { style: `${margin};list-style-type:none`, words: [`${number}. ${rest}`] },
    );
  }
  const html = items.map(
    ({ style, words }) => `<li dir="auto" style="${style};white-space:pre-wrap">${inline(words.join('\n'))}</li>`,
  );
  return { html: `<ul style="${LIST}">${html.join('')}</ul>`, next: end };
}

/** The lines as they stand: an agent's line ends and spaces mean something more often than not. */
function readParagraph(lines: readonly string[], at: number): Block {
  const isOther = (line: string): boolean =>
    line.trim() === '' || FENCE.test(line) || HEADING.test(line) || QUOTED.test(line) || ITEM.test(line) || isRow(line);
  const end = endOf(lines, at, (line, index) => index === at || !isOther(line));
  return { html: `<p dir="auto" style="${PARAGRAPH}">${inline(lines.slice(at, end).join('\n'))}</p>`, next: end };
}

function endOf(lines: readonly string[], from: number, belongs: (line: string, index: number) => boolean): number {
  let end = from;
  while (end < lines.length && belongs(lines[end] ?? '', end)) end += 1;
  return end;
}

/** Code, bold, a link with words, a bare link. Every repetition has an end, so the time stays in proportion. */
const INLINE =
  /`([^`\n]{1,500})`|\*\*([^*\n]{1,500})\*\*|\[([^\][\n]{1,300})\]\(((?:https?:\/\/|mailto:)[^\s()<>"]{1,2000})\)|\b(?:https?:\/\/)[^\s<>"'`\\^{|}]{1,2000}/g;

function inline(text: string): string {
  let html = '';
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    html += escapeHtml(text.slice(at, match.index)) + render(match);
    at = match.index + match[0].length;
  }
  return html + escapeHtml(text.slice(at));
}

function render([whole, code, bold, words, target]: RegExpExecArray): string {
  if (code !== undefined) return `<code class="code" style="${INLINE_CODE}">${escapeHtml(code)}</code>`;
  if (bold !== undefined) return `<b>${escapeHtml(bold)}</b>`;
  if (words !== undefined && target !== undefined) return namedLink(words, target);
  // What ends a sentence does not belong to the address in it.
  const url = whole.replace(/[.,;:!?)\]]{1,10}$/, '');
  return link(url, url) + escapeHtml(whole.slice(url.length));
}

/** Words that look like an address may name another one than the link goes to: then both are shown. */
function namedLink(words: string, target: string): string {
  const looksLikeAddress = /:\/\/|@|[\w-]\.\w/.test(words);
  return looksLikeAddress && words !== target ? `${escapeHtml(words)} (${link(target, target)})` : link(target, words);
}

const link = (target: string, words: string): string =>
  `<a href="${escapeHtml(target)}" rel="noopener noreferrer" style="${BREAKS}">${escapeHtml(words)}</a>`;

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
