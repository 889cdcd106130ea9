/**
 * How much of a tool's result reaches a model. Codex cuts the middle out of what is over 10,000 bytes for some of its
 * models and over 10,000 tokens for others (https://github.com/openai/codex/issues/7906), and says so to nobody here; so
 * nothing longer may be made. Counted is the structured content as JSON, which Codex and Claude Code show: with names,
 * escapes and headers, in UTF-8 bytes. The text beside it is shorter.
 */

/** For one result; the rest is for what Codex writes around it. */
export const RESULT_BYTES = 9_500;

/** Of a value as JSON. */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value), 'utf8');
}

/** Of a text inside a JSON string. */
export const textBytes = (text: string): number => jsonBytes(text) - 2;

/**
 * Where the text from `offset` on must end to take at most `limit` bytes: at a line end where there is one in the second
 * half, else between characters, never inside a surrogate pair, and never before the first character. `next` is where
 * the rest begins, undefined where there is none.
 */
export function cutToBytes(text: string, offset: number, limit: number): { shown: string; next: number | undefined } {
  const length = longestFitting(text.slice(offset, offset + limit), limit);
  if (offset + length >= text.length) return { shown: text.slice(offset), next: undefined };
  const end = offset + wholeCharacters(text.slice(offset, offset + length + 1), length);
  const lineEnd = text.lastIndexOf('\n', end);
  const at = lineEnd > offset + (end - offset) / 2 ? lineEnd + 1 : end;
  return { shown: text.slice(offset, at).replace(/\n$/, ''), next: at < text.length ? at : undefined };
}

/** How many code units of the text fit. By halving: a longer beginning is never smaller, but for half a character. */
function longestFitting(text: string, limit: number): number {
  if (textBytes(text) <= limit) return text.length;
  let fits = 0;
  let tooLong = text.length;
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (textBytes(text.slice(0, middle)) <= limit) fits = middle;
    else tooLong = middle;
  }
  return fits;
}

function wholeCharacters(text: string, length: number): number {
  const end = Math.max(1, length);
  if (!/[\ud800-\udbff]/.test(text.charAt(end - 1))) return end;
  return end === 1 ? 2 : end - 1;
}
