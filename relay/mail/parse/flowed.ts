/**
 * Decodes text/plain; format=flowed (RFC 3676): soft line breaks are taken out, hard ones kept.
 *
 * Promises linear time, and that a line of one quote depth is never joined to a line of another (section 4.5): what a
 * person wrote under a quote stays outside it. Works on text after transfer encoding and charset (section 4.1).
 */

interface FlowedLine {
  readonly depth: number;
  readonly text: string;
}

/** `delSp`: the space before a soft break belongs to the break, not to the text (section 4.1, parameter DelSp). */
export function decodeFlowed(text: string, delSp: boolean): string {
  const lines = text.split(/\r?\n/).map(readLine);
  const out: string[] = [];
  let open: FlowedLine | undefined;
  for (const line of lines) {
    // Section 4.5: a change of depth ends the paragraph. Section 4.3: the signature separator stands alone.
    const joins = open !== undefined && open.depth === line.depth && line.text !== '-- ';
    if (open !== undefined && !joins) out.push(write(open.depth, open.text.replace(/ $/, '')));
    const whole: string = joins && open !== undefined ? softBreak(open.text, delSp) + line.text : line.text;
    open = undefined;
    if (isFlowed(line.text)) open = { depth: line.depth, text: whole };
    else out.push(write(line.depth, whole));
  }
  if (open !== undefined) out.push(write(open.depth, open.text.replace(/ $/, '')));
  return out.join('\n');
}

function readLine(line: string): FlowedLine {
  let depth = 0;
  while (line[depth] === '>') depth += 1;
  const rest = line.slice(depth);
  // Section 4.4: one leading space is stuffing.
  return { depth, text: rest.startsWith(' ') ? rest.slice(1) : rest };
}

function isFlowed(text: string): boolean {
  return text.endsWith(' ') && text !== '-- ';
}

function softBreak(text: string, delSp: boolean): string {
  return delSp ? text.slice(0, -1) : text;
}

function write(depth: number, text: string): string {
  if (depth === 0) return text;
  return text === '' ? '>'.repeat(depth) : `${'>'.repeat(depth)} ${text}`;
}
