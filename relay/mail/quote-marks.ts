/**
 * The lines by which mail programs announce what they quote: attributions ("On ... wrote:"), separators
 * ("-----Original Message-----"), header blocks (Outlook). In the words of many languages, since programs write them.
 *
 * Promises constant work per line: a line or joined candidate over MAX_MARK is no mark.
 */

const MAX_MARK = 500;
/** Attributions are wrapped by the sender's program, seldom over more lines than this. */
const MAX_WRAPPED = 4;

/** How a line at the start of an attribution begins: a word for "on", a date, a weekday. */
const STARTER =
  /^[\s*_-]*(?:\d|在|(?:on|am|le|el|il|op|em|den|dne|dňa|dnia|w dniu|på|ke|la|στις|v|pada|vào|a\(z\)|mon|tue|wed|thu|fri|sat|sun|pon|wt|śr|czw|pt|sob|niedz|пн|вт|ср|чт|пт|сб|вс|нд|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье|lun|mar|mer|jeu|ven|sam|dim|gio|mån|tis|ons|tors|fre|lör|sön|man|lør|søn)[\s.,])/iu;
const NAME_FIRST = /^[^<>]{0,100}<[^<>\s]{1,254}@[^<>\s]{1,254}>[^<>]{0,40}/u;
/** "wrote" stands at the end: "On Monday I wrote a letter that says:" is a person's sentence. */
const WROTE = /(?:^|[\s>"”])(?:wrote|writes|said)\s*(?:[:：]|-{2,})?$/iu;
const VERB =
  /(?:^|[\s>"”日分）)\d])(?:schrieb|a écrit|escribió|escribio|ha scritto|scrisse|schreef|geschreven|escreveu|napisał(?:a|\(a\))?|написал(?:а|\(а\))?|написав|написала|пишет|пише|skrev|kirjoitti|写道|寫道|写到|yazdı|έγραψε|napsal(?:a|\(a\))?|napísal(?:a|\(a\))?|írta|a scris|va escriure|menulis|đã viết|님이 작성|작성)(?=[\s:：<"“]|$)|写道|寫道|のメール|さんは書きました/iu;
const DATED = /\d{1,2}[:.h]\d{2}|\b(?:19|20)\d{2}\b|\d{4}[年/-]|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}月/u;
const ENDS = /(?:[:：]|-{2,})\s*$/u;

const QUOTE_LINE = /^\s{0,3}[>|]/;

/**
 * How many lines from `at` on are an attribution; 0: none. Joined over line ends, and over a blank line where the next
 * one goes on with "<" (some programs wrap the address so).
 */
export function attributionLength(lines: readonly string[], at: number): number {
  const start = lines[at] ?? '';
  if (start.length > MAX_MARK || !(STARTER.test(start) || NAME_FIRST.test(start) || isBareWrote(lines, at))) return 0;
  let joined = '';
  let wrapped = 0;
  for (let end = at; end < lines.length && wrapped < MAX_WRAPPED + 2; end += 1) {
    const line = (lines[end] ?? '').trim();
    if (line === '' && !/^\s*<\s*$/.test(lines[end + 1] ?? '')) return 0;
    // A quoted mark of its own line: the attribution did not end before the quote began.
    if (end > at && QUOTE_LINE.test(lines[end] ?? '') && !/^\s*>\s*\S{0,15}\s*[:：]/u.test(lines[end] ?? '')) return 0;
    joined = `${joined} ${line}`.trim();
    wrapped += line === '' ? 0 : 1;
    if (joined.length > MAX_MARK) return 0;
    if (isAttribution(joined.replace(/[*_]/g, ''), nextIsQuote(lines, end + 1))) return end - at + 1;
  }
  return 0;
}

function isAttribution(text: string, quoteFollows: boolean): boolean {
  const dated = DATED.test(text);
  const wrote = WROTE.test(text) || (ENDS.test(text) && VERB.test(text));
  if (wrote && (dated || text.includes('@') || quoteFollows)) return true;
  // Gmail in some languages has no verb: "2016-10-24 15:36 GMT+02:00 Name <person@example.com>:".
  if (dated && /<[^<>]*@[^<>]*>\s*[:：]$/u.test(text)) return true;
  return quoteFollows && dated && /^\d/.test(text) && /<[^<>\s]+@[^<>\s]+>$/u.test(text);
}

/** "Name wrote:" alone, before a quote. */
function isBareWrote(lines: readonly string[], at: number): boolean {
  const line = lines[at] ?? '';
  return (
    line.length < 120 &&
    /[:：]\s*$/u.test(line) &&
    (WROTE.test(line.trim()) || VERB.test(line)) &&
    nextIsQuote(lines, at + 1)
  );
}

function nextIsQuote(lines: readonly string[], from: number): boolean {
  const near = lines.slice(from, from + 3).find((line) => line.trim() !== '');
  return near !== undefined && QUOTE_LINE.test(near);
}

const SEPARATOR =
  /^[\s*_]*[-_*=—]{2,}\s*(?:original (?:message|appointment|email)|forwarded (?:message|by)|ursprüngliche (?:nachricht|e-mail)|original-nachricht|originalnachricht|weitergeleitete nachricht|message d.origine|message (?:original|transféré|initial)|mensaje (?:original|reenviado)|mensagem (?:original|encaminhada)|messaggio (?:originale|inoltrato)|oorspronkelijk bericht|origineel bericht|doorgestuurd bericht|originalmeddelande|ursprungligt meddelande|vidarebefordrat meddelande|oprindelig (?:meddelelse|besked)|opprinnelig melding|videresendt (?:meddelelse|melding)|(?:wiadomość oryginalna|oryginalna wiadomość|wiadomość przekazana)|(?:исходное|оригинальное|пересылаемое) сообщение|пересланное сообщение|原始邮件|原始郵件|转发的邮件|元のメッセージ|転送メッセージ|원본 메시지|alkuperäinen viesti|özgün ileti|eredeti üzenet|původní zpráva|mesaj original|αρχικό μήνυμα)[^\n]{0,60}[-_*=—]{2,}[\s*_]*$/iu;
const BEGIN_FORWARD =
  /^\s*(?:begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-mail)|début du message (?:réexpédié|transféré)|inizio messaggio inoltrato|inicio del mensaje reenviado|begin doorgestuurd bericht|vidarebefordrat brev|start på videresendt melding)\s*:?\s*$/iu;

export function isSeparator(line: string): boolean {
  return line.length <= MAX_MARK && (SEPARATOR.test(line) || BEGIN_FORWARD.test(line));
}

const FROM_KEYS = new Set(
  'from|von|de|da|van|från|fra|od|от|від|差出人|送信者|发件人|寄件者|보낸 사람|kimden|lähettäjä|feladó|odesílatel|expéditeur|mittente|remitente|remetente|afzender|avsändare|afsender|nadawca|отправитель'.split(
    '|',
  ),
);
const SUBJECT_KEYS = new Set(
  'subject|betreff|objet|asunto|assunto|oggetto|onderwerp|ämne|emne|temat|тема|件名|主题|主旨|제목|konu|aihe|tárgy|předmět|subiect|θέμα'.split(
    '|',
  ),
);
const OTHER_KEYS = new Set(
  "sent|date|to|cc|bcc|reply-to|reply to|importance|gesendet|gesendet am|datum|an|kopie|envoyé|envoyé le|date d'envoi|à|enviado|enviado el|enviada em|fecha|para|data|data di invio|inviato|a|risposta|rispondi a|verzonden|aan|skickat|till|sendt|til|dato|wysłano|data wysłania|do|dw|отправлено|дата|кому|копия|надіслано|送信日時|日時|宛先|发送时间|日期|收件人|抄送|寄件日期|收件者|副本|보낸 날짜|받는 사람|참조|tarih|kime|gönderilme|lähetetty|päivämäärä|vastaanottaja|küldve|címzett|odesláno|datum odeslání|komu".split(
    '|',
  ),
);
const HEADER_BLOCK_LINES = 8;

function headerKey(line: string): string | undefined {
  if (line.length > MAX_MARK) return undefined;
  return /^[\s*_]*([\p{L}][\p{L}' -]{0,20}?)\s?[*_]*\s?[:：]/u.exec(line)?.[1]?.toLowerCase();
}

/** A block that begins with a From line, has a subject or an address in it, and two more known fields (Outlook, forwards). */
export function isHeaderBlock(lines: readonly string[], at: number): boolean {
  const first = headerKey(lines[at] ?? '');
  if (first === undefined || !FROM_KEYS.has(first)) return false;
  const block = lines.slice(at, at + HEADER_BLOCK_LINES);
  const end = block.findIndex((line) => line.trim() === '');
  const near = end < 0 ? block : block.slice(0, end);
  const keys = near
    .slice(1)
    .map(headerKey)
    .filter((key) => key !== undefined);
  const subject = keys.some((key) => SUBJECT_KEYS.has(key));
  const others = keys.filter((key) => SUBJECT_KEYS.has(key) || OTHER_KEYS.has(key)).length;
  return others >= 2 && (subject || near.some((line) => line.length <= MAX_MARK && line.includes('@')));
}
