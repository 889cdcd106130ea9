/**
 * Takes out of a text what a person would not see but a model would read. The one rule for all that is shown to a model:
 * injections and tools' results. Pure, imports nothing.
 */

/**
 * What Unicode calls format characters, default ignorable or control: zero-width, bidi (UAX #9), tag characters,
 * fillers, variation selectors; and lone surrogates. Tab, line feed and what builds emoji stay (U+FE0F, and U+200D
 * between emoji). https://www.unicode.org/reports/tr36/ sections 2.5 and 3
 */
const HIDDEN =
  /[[\p{Cf}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cs}]--[\t\n\ufe0f\u200d]]|(?<![[\p{Emoji}--\p{ASCII}]\ufe0f])\u200d|\u200d(?![\p{Emoji}--\p{ASCII}])/gv;

/** The text with LF as its only line end (CRLF, CR, U+2028 and U+2029 become it, uncounted), without hidden characters. */
export function stripHidden(text: string): { readonly text: string; readonly removed: number } {
  const lines = text.replace(/\r\n?|[\u2028\u2029]/g, '\n');
  let removed = 0;
  const clean = lines.replace(HIDDEN, () => {
    removed += 1;
    return '';
  });
  return { text: clean, removed };
}
