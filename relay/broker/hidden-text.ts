/** Takes out of a text what a person would not see but a model would read: zero-width, bidi and tag characters. */

/**
 * What Unicode calls format characters, default ignorable or control: zero-width, bidi (UAX #9), tag characters,
 * fillers, variation selectors. Tab, line feed and what builds emoji stay (U+FE0F, and U+200D between emoji).
 */
const HIDDEN =
  /[[\p{Cf}\p{Default_Ignorable_Code_Point}\p{Cc}]--[\t\n\ufe0f\u200d]]|(?<![[\p{Emoji}--\p{ASCII}]\ufe0f])\u200d|\u200d(?![\p{Emoji}--\p{ASCII}])/gv;

/** The text without hidden characters, and how many there were. CRLF becomes LF and does not count. */
export function stripHidden(text: string): { readonly text: string; readonly removed: number } {
  const lines = text.replace(/\r\n?/g, '\n');
  let removed = 0;
  const clean = lines.replace(HIDDEN, () => {
    removed += 1;
    return '';
  });
  return { text: clean, removed };
}
