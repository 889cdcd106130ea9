/** Aligned columns for people, and texts of others made safe for a terminal. */

/** Rows of equal length under their headings; the last column is not padded. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [headings, ...rows].map((row) => row.map(oneLine));
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A column of labels and their values, for one thing. */
export function card(fields: readonly (readonly [string, string])[]): string {
  const width = Math.max(...fields.map(([label]) => label.length));
  return fields.map(([label, value]) => `${label.padEnd(width)}  ${oneLine(value)}`.trimEnd()).join('\n');
}

/** Without escape sequences and other controls, which could rewrite what the terminal shows; line ends and tabs stay. */
export function printable(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/(?![\n\t])\p{Cc}|\p{Bidi_Control}/gu, '');
}

export function oneLine(text: string): string {
  return printable(text).replace(/\s+/g, ' ').trim();
}

/** A time of the wire, in the reader's zone, to the minute. */
export function shortTime(time: string | null | undefined): string {
  return time ? new Date(time).toLocaleString('sv-SE').slice(0, 16) : '-';
}
