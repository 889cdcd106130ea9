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
  /(?:^|;)(?:display:none|visibility:(?:hidden|collapse)|mso-hide:all|(?:font-size|max-height|opacity):(?:0(?:\.0*)?|\.0+)(?:px|pt|em|rem|%)?|font:0[/a-z][^;]*|(?:left|top):-\d{3,}(?:px|pt|em)?|text-indent:-\d{3,}(?:px|em))(?:!important)?(?=;|$)/;

/** A box without height that shows nothing beyond its edge. */
const FLAT = /(?:^|;)height:0(?:px|pt)?(?:!important)?(?=;|$)/;
const CLIPPED = /(?:^|;)overflow:hidden/;

export const hides = (bare: string): boolean =>
  HIDING.test(bare) || (FLAT.test(bare) && CLIPPED.test(bare) && !bare.includes('min-height'));

export const keepsSpaces = (bare: string): boolean => /(?:^|;)white-space:(?:pre|break-spaces)/.test(bare);

/** Paragraphs that follow each other without an empty line: Outlook's. */
export const isTight = (bare: string): boolean => /(?:^|;)margin(?:-top)?:0/.test(bare);

/** Programs indent by a quote without a border; that is no quote. */
export const isIndent = (bare: string): boolean => /(?:^|;)border:(?:none|0)/.test(bare) && !/border-left/.test(bare);

/** The line Outlook draws above the mail it answers. */
export const hasOutlookBorder = (bare: string): boolean =>
  /(?:^|;)border:none;border-top:solid/.test(bare) ||
  /(?:^|;)border-top:(?:solid#|1px)?[^;]{0,40}(?:e1e1e1|b5c4df)/.test(bare);

const NAMED_COLOURS = new Set(
  'red blue green purple orange magenta fuchsia teal navy maroon brown crimson darkred darkblue darkgreen'.split(' '),
);

/** Is this colour far from black, grey and white? Null where no colour is named. */
export function strongColour(bare: string, attribute: string | undefined): boolean | null {
  const colour = /(?:^|;)color:([^;!]{1,40})/.exec(bare)?.[1] ?? attribute?.slice(0, 40).toLowerCase();
  if (colour === undefined) return null;
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/.exec(colour) ?? /^rgb\((\d+),(\d+),(\d+)\)$/.exec(colour);
  if (hex === null) return NAMED_COLOURS.has(colour);
  const channels = hex.slice(1).map((channel) => Number.parseInt(channel, colour.startsWith('#') ? 16 : 10));
  return Math.max(...channels) - Math.min(...channels) > 90;
}

const MAX_SHEET = 50_000;
const MAX_HIDDEN = 1000;

/** The classes (".name") and ids ("#name") that the mail's style sheets hide, everywhere and without conditions. */
export function hiddenNames(html: string): ReadonlySet<string> {
  const names = new Set<string>();
  const lower = html.toLowerCase();
  let start = -1;
  for (let at = lower.indexOf('<style'); at >= 0; at = lower.indexOf('<style', at + 1)) {
    const end = lower.indexOf('</style', at);
    // The tag's own end is looked for once: of a thousand tags without one each would search to the end of the mail.
    if (start < at) start = lower.indexOf('>', at) + 1;
    if (start === 0) break;
    const sheet = lower.slice(start, end < 0 ? undefined : end);
    for (const { selector, style } of readRules(sheet.slice(0, MAX_SHEET))) {
      if (!hides(bareStyle(style))) continue;
      for (const one of selector.split(',')) {
        const name = /^[a-z]{0,20}([.#][\w-]{1,100})$/.exec(one.trim())?.[1];
        if (name !== undefined && names.size < MAX_HIDDEN) names.add(name);
      }
    }
    if (end < 0) break;
    at = end;
  }
  return names;
}

/** Rules outside of at-rules: what a media query hides is seen by others. */
function readRules(sheet: string): { selector: string; style: string }[] {
  const rules: { selector: string; style: string }[] = [];
  let depth = 0;
  let start = 0;
  let selector = '';
  for (const { index, 0: brace } of sheet.matchAll(/[{}]/g)) {
    const piece = sheet.slice(start, index);
    start = index + 1;
    if (brace === '{' && depth === 0) selector = piece.replace(/\/\*[^*]*\*\/|<!--/g, '').trim();
    if (brace === '}' && depth === 1 && !selector.startsWith('@')) rules.push({ selector, style: piece });
    depth = Math.max(0, depth + (brace === '{' ? 1 : -1));
  }
  return rules;
}
