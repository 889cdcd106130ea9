/**
 * The header section of an email as it stands: its fields in order, and what in its form lets two readers see two
 * different mails. Nothing is decoded, nothing is believed. Linear in the bytes.
 */

export interface RawField {
  /** Lower case, without the white space that RFC 5322 section 4.5.8 allows before the colon. */
  readonly name: string;
  /** Unfolded (RFC 5322 section 2.2.3), one character per byte, encoded words as they are. */
  readonly value: string;
}

export interface HeaderSection {
  /** Topmost first. */
  readonly fields: readonly RawField[];
  /** Why no authority can be taken from it, a sentence's end; null where it is sound. */
  readonly flaw: string | null;
}

/** More than any honest mail has; verifying signatures costs the square of the number of lines. */
const MOST_BYTES = 256 * 1024;
const MOST_LINES = 4000;
/** RFC 5322 section 3.6.8: printable ASCII but the colon. */
const FIELD = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:/;

export function readHeaderSection(raw: Buffer): HeaderSection {
  const text = raw.subarray(0, MOST_BYTES).toString('latin1');
  const lines = headLines(text);
  const fields: RawField[] = [];
  let flaw: string | null = lines.ended || raw.length <= MOST_BYTES ? null : 'its header section is too long';
  if (lines.head.length > MOST_LINES) flaw ??= 'its header section has too many lines';
  let field: { name: string; value: string } | undefined;
  for (const line of lines.head) {
    // RFC 5322 section 2.2: neither may stand there, and readers differ in what they make of it.
    if (line.includes('\r') || line.includes('\0')) flaw ??= 'its header section holds stray control characters';
    const [start, name] = FIELD.exec(line) ?? [];
    if (start !== undefined && name !== undefined) {
      field = { name: name.toLowerCase(), value: line.slice(start.length) };
      fields.push(field);
    } else if (field !== undefined && /^[ \t]/.test(line)) {
      field.value += line;
    } else {
      flaw ??= 'its header section holds a line that is no header field';
    }
  }
  return { fields, flaw };
}

function headLines(text: string): { head: string[]; ended: boolean } {
  const head: string[] = [];
  let at = 0;
  while (at < text.length) {
    const feed = text.indexOf('\n', at);
    const line = feed === -1 ? text.slice(at) : text.slice(at, text[feed - 1] === '\r' && feed > at ? feed - 1 : feed);
    if (line === '') return { head, ended: true };
    head.push(line);
    if (feed === -1) break;
    at = feed + 1;
  }
  return { head, ended: false };
}
