/**
 * What an element's inline style says to a reader: hidden, preformatted, without margins, a border on one side. Promises
 * linear time: only the first MAX_STYLE characters of a style are looked at.
 */

const MAX_STYLE = 10_000;

/** Lower case, without comments and white space: `display:none;color:red`. */
export function bareStyle(style: string): string {
  return style
    .slice(0, MAX_STYLE)
    .toLowerCase()
    .replace(/\/\*[^*]*\*\//g, '')
    .replace(/\s+/g, '');
}

const HIDING =
  /(?:^|;)(?:display:none|visibility:(?:hidden|collapse)|mso-hide:all|(?:font-size|max-height|opacity):0(?:\.0+)?(?:px|pt|em|rem|%)?|(?:left|top|text-indent):-\d{4,}(?:px|pt)?)(?:!important)?(?=;|$)/;

export const hides = (bare: string): boolean => HIDING.test(bare);

export const keepsSpaces = (bare: string): boolean => /(?:^|;)white-space:(?:pre|break-spaces)/.test(bare);

/** Paragraphs that follow each other without an empty line: Outlook's. */
export const isTight = (bare: string): boolean => /(?:^|;)margin(?:-top)?:0/.test(bare);

/** Programs indent by a quote without a border; that is no quote. */
export const isIndent = (bare: string): boolean => /(?:^|;)border:(?:none|0)/.test(bare) && !/border-left/.test(bare);

/** The line Outlook draws above the mail it answers. */
export const hasOutlookBorder = (bare: string): boolean =>
  /(?:^|;)border:none;border-top:solid/.test(bare) ||
  /(?:^|;)border-top:(?:solid#|1px)?[^;]{0,40}(?:e1e1e1|b5c4df)/.test(bare);
