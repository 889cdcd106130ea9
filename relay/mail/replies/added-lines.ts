/**
 * Lines that neither the person nor the quoted mail wrote: a server's warning on top ("[EXTERNAL EMAIL] ..."), and the
 * line by which Gmail explains a reaction. Promises constant work: only the first lines of a mail are looked at.
 *
 * Never takes what a person might have typed: a warning must both begin as one and say that the mail is from outside.
 */
import { bareLine } from './attributions.ts';

const MAX_BANNER_LINES = 5;
const MAX_LINE = 500;

/** "[EXTERNAL]", "CAUTION:", "External sender -": how a warning begins, with a sign before it or stars around it. */
const TAG =
  /^(?:[[(<{]\s?(?:ext|extern\w*|external (?:e-?mail|mail|message|sender)|caution|warning|achtung|extern(?:e|al) (?:e-?mail|mail)|externe? absender|externo|esterno|外部邮件|外部郵件|外部メール|외부 메일)\s?[\])>}]|(?:caution|warning|attention|notice|achtung|vorsicht|warnung|hinweis|atención|precaución|advertencia|atenção|aviso|attenzione|avvertenza|let op|waarschuwing|varning|obs|advarsel|uwaga|внимание|увага|dikkat|警告|注意)\s?[:：!–-]|external (?:e-?mail|mail|message|sender)\b)/iu;
/** What it says: this mail, from outside. */
const MAIL =
  /\b(?:e-?mail|mail|message|sender|nachricht|absender|courriel|messag\w*|expéditeur|correo|mensaje|remitente|mensagem|remetente|mittente|bericht|afzender|meddelande\w*|avsändare\w*|melding\w*|afsender|wiadomość)\b|письм|сообщени|лист|邮件|郵件|メール|메일|ileti|e-posta/iu;
const OUTSIDE =
  /\b(?:outside|external|extern\w*|außerhalb|ausserhalb|extérieur|esterno|estern[ao]|fuera|fora|buiten|utanför|udefra|utenfor|spoza|zewnątrz|dışından)\b|внешн|извне|зовнішн|外部|외부/iu;
/** Lines that go on with a warning: a sentence more, or the rest of a wrapped one. */
const GOES_ON =
  /^(?:do not|don['’]t|please do not|never|be careful|please be careful|use caution|exercise caution|think before|klicken sie|öffnen sie|ne cliquez|no haga clic|não clique|non cliccare|klik niet)\b.{0,200}\b(?:links?|attachments?|sender|anhänge|liens?|pièces|enlaces|adjuntos|anexos|allegati|bijlagen|content|caution)\b|^unless you (?:recogni[sz]e|know|trust)|^(?:of )?(?:(?:the|our|your) )?(?:company|organi[sz]ation|network)[.!]|^(?:(?:links )?or (?:open )?|open )attachments unless\b/iu;
/** Exchange's own, which has no tag. */
const SELDOM =
  /^(?:you don['’]t often get|some people who received this message don['’]t often get) e-?mail from \S+@/iu;

/** How many of the first lines are a warning of a server; 0: none. Blank lines before it count. */
export function bannerLength(texts: readonly string[]): number {
  const start = texts.slice(0, 3).findIndex((text) => text.trim() !== '');
  if (start < 0) return 0;
  const first = bareLine((texts[start] ?? '').slice(0, MAX_LINE)).replace(/^[^\p{L}\p{N}[({<]+/u, '');
  if (SELDOM.test(first)) return start + 1;
  const tag = TAG.exec(first)?.[0];
  if (tag === undefined) return 0;
  // The tag alone, in brackets.
  if (/^[[({<]/.test(tag) && tag === first) return start + 1;
  let said = '';
  for (let at = start; at < start + MAX_BANNER_LINES; at += 1) {
    const text = texts[at] ?? '';
    if (text.trim() === '' || text.length > MAX_LINE) return 0;
    said = `${said} ${bareLine(text)}`.trim();
    // "[EXTERNAL] ok, go" is the person's line; so is "CAUTION: the external mail server is down".
    if (saysOutside(said.slice(tag.length), tag)) return goesOn(texts, at + 1);
  }
  return 0;
}

/** The mail itself is what is from outside: "This message was sent from outside ...", "external sender". */
function saysOutside(rest: string, tag: string): boolean {
  const bracketed = /^[[({<]/.test(tag);
  const itself =
    /\b(?:this|diese|dieses|cet?|cette|este|esta|questa|questo|deze|dit|detta|det här|denne|dette|ta|bu)\s(?:\S+\s){0,2}?(?:e-?mail|mail|message|nachricht|courriel|correo|mensaje|mensagem|messaggio|bericht|meddelande\w*|melding\w*|wiadomość|ileti|e-posta)\b|(?:это|данное|цей|此|本|이)\s?(?:\S+\s)?(?:письмо|сообщение|лист|邮件|郵件|メール|메일)/iu;
  const from =
    /\b(?:originated|sent|came|comes|received|is from|stammt|kommt|wurde|provient|vient|procede|proviene|viene|veio|vem|komt|kommer|pochodzi)\b|来自|來自|отправлен|получен/iu;
  return MAIL.test(rest) && OUTSIDE.test(rest) && itself.test(rest) && (bracketed || from.test(rest));
}

function goesOn(texts: readonly string[], from: number): number {
  let end = from;
  while (end < from + MAX_BANNER_LINES && GOES_ON.test(bareLine((texts[end] ?? '').slice(0, MAX_LINE)))) end += 1;
  return end;
}

const REACTION = /^\p{Extended_Pictographic}(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\u200d|\ufe0f){0,10}$/u;
const GMAIL_PAGE = /^[<([]?https?:\/\/www\.google\.com\/gmail\/[^\s<>]{0,200}[>)\]]?$/u;

/**
 * The places of "Kim Doe reacted via Gmail" with its link, under an emoji that is all the mail says above it. By the link
 * it is known in any language.
 */
export function reactionLines(texts: readonly string[]): number[] {
  const said = texts.slice(0, 8).flatMap((text, at) => (text.trim() === '' ? [] : [at]));
  const [emoji = -1, notice = -1, next = -1] = said;
  const text = bareLine((texts[notice] ?? '').slice(0, MAX_LINE));
  if (!REACTION.test((texts[emoji] ?? '').trim()) || text.length > 300) return [];
  const [, words = '', link = ''] = /^(.{0,120}?\bGmail)\s*([<([]https?:\S+)?$/u.exec(text) ?? [];
  if (words === '') return [];
  if (GMAIL_PAGE.test(link)) return [notice];
  const linked = link === '' && next === notice + 1 && GMAIL_PAGE.test((texts[next] ?? '').trim());
  if (linked) return [notice, next];
  return link === '' && / reacted via Gmail$/.test(words) ? [notice] : [];
}
