/** How a text is written: line ends and indentation, so that what we add looks like what is there. Pure. */

export const BOM = '\uFEFF';

export function lineEnd(text: string): '\r\n' | '\n' {
  return /\r?\n/.exec(text)?.[0] === '\r\n' ? '\r\n' : '\n';
}

/** The blanks that the line holding `offset` begins with. */
export function lineIndent(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, offset))?.[0] ?? '';
}

/** Is there nothing but blanks between the start of the line and `offset`? */
export function beginsLine(text: string, offset: number): boolean {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return start > 0 && text.slice(start, offset).trim() === '';
}

/** Line and column of an offset, from 1. */
export function position(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - (before.lastIndexOf('\n') + 1) + 1 };
}

/**
 * `block` at the end of `text`, a blank line before it. A text without a line end at its end keeps that: the exact
 * opposite is `cutBlock`.
 */
export function appendBlock(text: string, block: readonly string[]): string {
  const eol = lineEnd(text);
  const bare = text.startsWith(BOM) ? text.slice(BOM.length) : text;
  if (bare === '') return text + block.join(eol) + eol;
  return text.endsWith('\n') ? text + eol + block.join(eol) + eol : text + eol + eol + block.join(eol);
}

/** `text` without the lines from offset `from` (a line's start) to `to` (a line's end, its line end not included). */
export function cutBlock(text: string, from: number, to: number): string {
  const before = text.slice(0, from);
  const after = text.slice(to).replace(/^\r?\n/, '');
  const wasLastUnended = to === text.length;
  if (wasLastUnended) return before.replace(/\r?\n\r?\n$/, '');
  return before.replace(/(^|\n)\r?\n$/, '$1') + after;
}
