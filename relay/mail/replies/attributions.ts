/**
 * The lines by which mail programs announce what they quote: "On ... wrote:", in the words of many languages, since
 * programs write them, and wrapped over lines.
 *
 * Promises constant work per line: a line or joined candidate over MAX_MARK is no mark.
 */

export const MAX_MARK = 500;
/** Attributions are wrapped by the sender's program, seldom over more lines than this. */
const MAX_WRAPPED = 4;
/** Marks around what is written from right to left, and invisible spaces (UAX #9). */
const INVISIBLE = /[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** What most lines have nothing of. */
const TO_BARE = /[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\u0660-\u0669\u06f0-\u06f9*_\u00a0\u202f]/;

/** As it is compared: trimmed, without invisible characters and emphasis, with ASCII digits. */
export function bareLine(line: string): string {
  if (!TO_BARE.test(line)) return line.trim();
  return line
    .replace(INVISIBLE, '')
    .replace(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => String((digit.codePointAt(0) ?? 0) & 15))
    .replace(/[*_]/g, '')
    .replace(/[\u00a0\u202f]/g, ' ')
    .trim();
}

/** How an attribution begins: a word for "on", and soon a digit of the date. */
const PREPOSITIONS =
  'on|in|at|am|le|el|il|op|em|às|no dia|a|den|dne|dňa|dnia|w dniu|på|ke|la|pe|în|in data|v|na|στις|pada|vào|a\\(z\\)|en date de|em data de|на|в|вы писали|ви писали';
const WEEKDAYS =
  '(?:mon|tues|wednes|thurs|fri|satur|sun)day|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье|понеділок|вівторок|середа|п.ятниця|субота|неділя';
/** Words of their own in other languages: right before the day. */
const SHORT_WEEKDAYS = [
  'mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim|gio|sab|dom|mié|jue|vie|sáb|seg|ter|qua|qui|sex',
  'mån|tis|ons|tors?|fre|lör|sön|man|lør|søn|tir|ma|ti|to|ke|pe|la|su|zo|wo|vr|za|pon|wt|śr|czw|pt|sob|niedz',
  'po|út|ut|st|čt|št|pá|pi|ne|lu|mi|jo|vi|sâ|du|uto|sri|čet|pet|sub|ned|пн|вт|ср|чт|пт|сб|вс|нд',
].join('|');
const STARTER = new RegExp(
  `^(?:[-–—]{2,}\\s*)?(?:\\d|在|於|于|في|בתאריך|ב-\\d|ביום|ในวันที่|เมื่อ|(?:quoting|wiadomość napisana|zitat von|citando a?|citaat van|missatge de)\\s|(?:${PREPOSITIONS}|${WEEKDAYS})[\\s.,].{0,40}?\\d|(?:${SHORT_WEEKDAYS})[.,]*\\s+\\d)`,
  'iu',
);
/** The same without the digit alone: a line that goes on with a date is not the beginning of another attribution. */
const WORD_STARTER = new RegExp(
  `^(?:${PREPOSITIONS}|${WEEKDAYS})[\\s.,].{0,40}?\\d|^(?:${SHORT_WEEKDAYS})[.,]*\\s+\\d`,
  'iu',
);
const NAME_FIRST = /^[^<>]{0,100}<\s?(?:mailto:)?[^<>\s]{1,254}@[^<>\s]{1,254}>/u;

/** "wrote" stands at the end, or before the date: "On Monday I wrote a letter that says:" is a person's sentence. */
const WROTE =
  /(?:^|[\s>"”),])(?:(?:wrote|writes|said)|wrote (?:on|at|the following)\b[^:：]{0,20}[\d:.,/ \w+-]{0,60})\s*[:：]?\s*(?:-{2,})?$/iu;

/** "wrote" in other languages, where it stands in the middle as often as at the end. */
const VERBS = [
  'schrieb(?:en)?|a écrit|écrit|escribió|escribio|ha scritto|scrisse|schreef|geschreven|escreveu|va escriure|escribiu|idatzi du',
  'skrev|kirjoitti|napsal(?:a|\\(a\\)|/a)?|napísal(?:a|\\(a\\)|/a)?|odesílatel|používateľ|napisał(?:a|\\(a\\)|/a)?|pisze|napisana przez',
  'írta|a scris|scris|έγραψε|написал(?:а|\\(а\\)|/а)?|написав(?:ла)?|написала|написа|пишет|пише|писали|је написао|je napisao(?:/la)?|je napisala|napisala|pisao',
  'yazdı|menulis|đã viết|viết|rašė|rakstīja|kirjutas|skrifaði|parašė',
].join('|');
const VERB = new RegExp(`(?:^|[\\s>"”)\\d,])(?:${VERBS})(?=[\\s:：<"“,(]|$)`, 'iu');
/** Scripts without spaces between words, or without a stop at the end. */
const JOINED_VERB =
  /写道|寫道|写到|のメール|さんは書きました|が書きました|님이 작성|님이 쓴|작성\s*[:：]|쓴 글|썼습니다|كتب|كتبت|كتابة ما يلي|כתב|כתבה|מאת|เขียนว่า|ने लिखा|نوشت/u;

/** A year with a day, as "19.11.26", "2026-11-19", "19 nov. 2026", "2026年11月19日". */
const FULL_DATE = /\b(?:19|20)\d{2}\b|(?:19|20)\d{2}[년年]|\b\d{1,2}[./-]\s?\d{1,2}[./-]\s?\d{2,4}\b/u;
const DATED = /\d{1,2}[:.h]\d{2}|\b(?:19|20)\d{2}\b|\d{4}[년年/-]|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}月/u;
const ENDS = /(?:[:：]|-{2,})$/u;
/** ">", "|", or the initials of whom is quoted ("b>"). */
const QUOTE_LINE = /^\s{0,3}[>|]|^\s{0,8}\p{L}{1,12}>(?:\s|$)/u;
const ADDRESS_AT_END = /<[^<>]*@[^<>]*>\)?\s*[:：]$/u;

/** What is known of the lines around: is this one quoted by the elements around it? */
export type IsQuote = (at: number) => boolean;

/**
 * How many lines from `at` on are an attribution; 0: none. Joined over line ends, and over a blank line where the next
 * one goes on with "<" (some programs wrap the address so).
 */
export function attributionLength(lines: readonly string[], at: number, isQuote: IsQuote = () => false): number {
  const quoted = (n: number): boolean => isQuote(n) || QUOTE_LINE.test(lines[n] ?? '');
  const first = lines[at] ?? '';
  if (first.trim() === '' || first.length > MAX_MARK) return 0;
  const start = bareLine(first);
  if (isNamed(start, quoteFollows(lines, at + 1, quoted))) return 1;
  const anchored = STARTER.test(start) || NAME_FIRST.test(start);
  const opens = (at === 0 || (lines[at - 1] ?? '').trim() === '') && (DATED.test(start) || /<[^<>]*@/.test(start));
  if (!anchored && !opens) return 0;
  let joined = '';
  let wrapped = 0;
  for (let end = at; end < lines.length && wrapped < MAX_WRAPPED + 2; end += 1) {
    const line = lines[end] ?? '';
    if (line.length > MAX_MARK || (line.trim() === '' && !/^\s*<\s*$/.test(lines[end + 1] ?? ''))) return 0;
    // A quoted mark of its own line: the attribution did not end before the quote began.
    if (end > at && quoted(end) && !/^\s*>\s*\S{0,15}\s*[:：]/u.test(line)) return 0;
    // The sentence before an attribution may begin like one.
    if (end > at && !FULL_DATE.test(joined) && WORD_STARTER.test(bareLine(line)) && FULL_DATE.test(line)) return 0;
    joined = `${joined} ${bareLine(line)}`.trim();
    wrapped += line.trim() === '' ? 0 : 1;
    if (joined.length > MAX_MARK) return 0;
    const follows = quoteFollows(lines, end + 1, quoted);
    if (anchored && isAttribution(joined, follows)) return end - at + 1;
    // Without a known beginning it must not swallow the person's last line.
    if (opens && wrapped <= 2 && follows && isDatedHead(joined)) return end - at + 1;
  }
  return 0;
}

function isAttribution(text: string, follows: boolean): boolean {
  const dated = DATED.test(text);
  if (WROTE.test(text) && (dated || text.includes('@') || follows)) return true;
  const said = ENDS.test(text) && (VERB.test(text) || JOINED_VERB.test(text));
  if (said && (follows || text.includes('@') || FULL_DATE.test(text))) return true;
  // Gmail in some languages has no verb: "2016-10-24 15:36 GMT+02:00 Name <person@example.com>:".
  if (dated && ADDRESS_AT_END.test(text)) return true;
  if (/^(?:quoting|zitat von|citando|citaat van) .{0,200}@.{0,200}[:：]$/iu.test(text)) return true;
  return follows && dated && /^\d/.test(text) && /<[^<>\s]+@[^<>\s]+>$/u.test(text);
}

/** "Name wrote:", "Name schrieb am 19.11.2026:" in one line, before a quote. */
function isNamed(text: string, follows: boolean): boolean {
  if (text.length > 160 || !(ENDS.test(text) || JOINED_VERB.test(text))) return false;
  const said = WROTE.test(text) || VERB.test(text) || JOINED_VERB.test(text);
  return said && (follows || (text.includes('@') && FULL_DATE.test(text)));
}

/** Supercite's: '>>>>> "name" == Name <address> writes:'. */
export function isSupercite(line: string): boolean {
  return line.length <= MAX_MARK && /^>{2,} ?"[^"]{1,60}" == .{1,300}(?:writes|wrote):$/.test(line);
}

/** A paragraph of its own right above a quote, with a date and a time or an address, in whatever language. */
function isDatedHead(text: string): boolean {
  if (!ENDS.test(text) || !FULL_DATE.test(text)) return false;
  return /\d{1,2}[:.h]\d{2}/.test(text) || /@/.test(text);
}

function quoteFollows(lines: readonly string[], from: number, quoted: IsQuote): boolean {
  for (let at = from; at < Math.min(lines.length, from + 3); at += 1) {
    if ((lines[at] ?? '').trim() !== '') return quoted(at);
  }
  return false;
}
