/**
 * The lines that begin another mail inside a mail: separators ("-----Original Message-----") and blocks of header fields
 * ("From: ... Sent: ... Subject: ..."), in the words of many languages. Promises constant work per line.
 */
import { bareLine, MAX_MARK } from './attributions.ts';

const ORIGINALS = [
  'original (?:message|appointment|e-?mail)|forwarded (?:message|by)|message forwarded|reply (?:message|above this line)', // en
  'ursprüngliche (?:nachricht|e-mail|mitteilung)|original-?nachricht|weitergeleitete (?:nachricht|e-mail)|weitergeleitet von', // de
  "message d['’]origine|message (?:original|transféré|initial|transmis)|courriel original|mail original|e-mail d['’]origine", // fr, ca
  'mensaje (?:original|reenviado)|correo original|missatge (?:original|reenviat)', // es, ca
  'mensagem (?:original|encaminhada|reencaminhada)', // pt
  'messaggio (?:originale|inoltrato)|inoltrato da', // it
  '(?:oorspronkelijk|origineel|doorgestuurd) bericht', // nl
  '(?:original|ursprungligt |vidarebefordrat |vidarebefordrade )(?:meddelande|brev|mail)(?:t)?', // sv
  '(?:oprindelig|original|videresendt) (?:meddelelse|besked|mail|e-mail)|opprinnelig(?: e-post)?(?: melding)?|(?:oprindelig|videresendt|opprinnelig) melding', // da, nb
  '(?:alkuperäinen|edelleenlähetetty|välitetty) viesti|edelleen lähetetty viesti', // fi
  'wiadomość (?:oryginalna|przekazana)|(?:oryginalna|przekazana|pierwotna) wiadomość|treść oryginalnej wiadomości', // pl
  '(?:původní|přeposlaná) (?:zpráva|e-mail)|(?:pôvodná|preposlaná) správa', // cs, sk
  'eredeti (?:üzenet|levél)|továbbított (?:üzenet|levél)', // hu
  'mesaj(?:ul)? (?:original|inițial|redirecționat)', // ro
  '(?:αρχικό|προωθημένο) μήνυμα', // el
  '(?:исходное|оригинальное|пересылаемое|пересланное|первоначальное|переадресованное) (?:сообщение|письмо)', // ru
  '(?:оригінальне|вихідне|початкове|переслане|пересланий) (?:повідомлення|лист)', // uk
  '(?:özgün|orijinal|iletilen|yönlendirilen|asıl) (?:ileti|mesaj)', // tr
  '原始邮件|原始郵件|原始信件|转发的邮件|转发邮件|轉寄郵件|轉寄的郵件|回复的原邮件|回复的邮件|引用元|元のメッセージ|転送メッセージ|オリジナルメッセージ|轉寄者|轉寄訊息|転送された',
  '원본 ?(?:메시지|메일)|전달된 (?:메시지|메일)|전달 메시지', // ko
  'thư gốc|tin nhắn gốc|(?:tin nhắn|thư) (?:được )?chuyển tiếp|thư đã chuyển tiếp', // vi
  'الرسالة الأصلية|رسالة أصلية|رسالة معاد توجيهها|الرسالة المعاد توجيهها|رسالة مُعاد توجيهها', // ar
  'הודעה מקורית|ההודעה המקורית|הודעה שהועברה|הודעה מועברת', // he
].join('|');
const SEPARATOR = new RegExp(`^[-_=—–]{2,}\\s*(?:${ORIGINALS})[^\\n]{0,60}[-_=—–]{2,}$`, 'iu');
const BARE_TITLE = new RegExp(`^(?:${ORIGINALS})\\s*[:：]?$`, 'iu');
/** Apple's, without strokes. */
const BEGIN_FORWARD =
  /^(?:begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-mail)|début du (?:message|courriel) (?:réexpédié|transféré)|début du message réexpédié|inizio(?: del)? messaggio inoltrato|inicio del mensaje reenviado|início da mensagem (?:reencaminhada|encaminhada)|begin doorgestuurd bericht|vidarebefordrat brev|start på (?:videresendt|videresendte) (?:melding|besked)|välitetty viesti alkaa|początek przesyłanej (?:dalej )?wiadomości|začátek přeposílané zprávy|začiatok preposielanej správy|továbbított levél(?: kezdete)?|начало переадресованного сообщения|пересылаемое сообщение|початок переадресованого повідомлення|iletilen (?:ileti|e-posta)(?: başlangıcı)?|転送されたメッセージ|下面是被转发的邮件|以下是轉寄的郵件|開始轉寄郵件|전달된 메시지 시작|전달된 메시지|bắt đầu thư được chuyển tiếp|بداية الرسالة المعاد توجيهها|תחילת ההודעה שהועברה|תחילת הודעה מועברת)\s*[:：]?$/iu;
/** GroupWise: ">>> Name <address> 19.11.2026 10:00 >>>". */
const ARROWS = /^>>> .{1,300}\d{1,2}[:.]\d{2}.{0,40}>>>$/u;
const TITLED_STROKES = /^[-_=—–]{3,}\s*\p{L}[\p{L}\p{M}\s'’.-]{2,60}?\s*[-_=—–]{3,}$/u;

export function isSeparator(line: string): boolean {
  // Of quotes only ">>>" is of interest.
  if (line.length > MAX_MARK || /^\s{0,3}>(?!>>)/.test(line)) return false;
  const bare = bareSeparator(line);
  return SEPARATOR.test(bare) || BEGIN_FORWARD.test(bare) || ARROWS.test(bare);
}

/** "----- words -----": a separator only where a header block follows. */
export function isTitledStrokes(line: string): boolean {
  return line.length <= MAX_MARK && TITLED_STROKES.test(bareSeparator(line));
}

/** The words of a separator without its strokes: one only where a header block follows. */
export function isBareTitle(line: string): boolean {
  return line.length <= 80 && BARE_TITLE.test(bareLine(line));
}

/** Underscores are strokes here, so they stay. */
function bareSeparator(line: string): string {
  return bareLine(line.replaceAll('_', '-'));
}

const words = (text: string): ReadonlySet<string> => new Set(text.split('|'));
const FROM_KEYS = words(
  'from|von|de|da|van|från|fra|od|от|от кого|від|від кого|差出人|送信者|送信元|发件人|发信人|寄件者|寄件人|보낸 사람|보낸사람|발신|kimden|gönderen|lähettäjä|feladó|odesílatel|odosielateľ|expéditeur|mittente|remitente|remetente|afzender|avsändare|afsender|avsender|nadawca|отправитель|відправник|de la|expeditor|από|αποστολέας|từ|người gửi|من|المرسل|מאת|השולח|nuo|saatja|no|dari|จาก|از',
);
const SUBJECT_KEYS = words(
  'subject|betreff|objet|sujet|asunto|assunto|oggetto|onderwerp|ämne|emne|temat|тема|относно|件名|标题|主题|主题词|主旨|主題|제목|konu|aihe|tárgy|předmět|predmet|subiect|θέμα|chủ đề|tiêu đề|الموضوع|נושא|הנדון|zadeva|tema|teema|tēma|assumpte|subjek|perihal|เรื่อง|موضوع',
);
const OTHER_KEYS = words(
  [
    'sent|date|to|cc|bcc|reply-to|reply to|importance|sent at|sent on',
    'gesendet|gesendet am|datum|an|kopie|cc|antwort an|priorität|bis',
    "envoyé|envoyé le|envoyée|date d'envoi|date d’envoi|à|copie à|copie|répondre à|destinataire",
    'enviado|enviado el|enviada em|enviado em|enviada|fecha|para|data|cópia|responder a|enviat|per a',
    'data di invio|inviato|inviato il|a|risposta|rispondi a|copia|destinatario',
    'verzonden|verstuurd|aan|kopie|skickat|skickades|till|kopia|svar till|sendt|til|dato|kopi',
    'lähetetty|päivämäärä|päiväys|vastaanottaja|kopio|wysłano|wysłane|data wysłania|do|dw|udw|odpowiedz',
    'odesláno|datum odeslání|komu|příjemce|odoslané|dátum|kópia|kópie|küldve|elküldve|dátum|címzett|másolatot kap|másolat|trimis|dată|către|catre',
    'στάλθηκε|ημερομηνία|αποστολή|εστάλη|προς|κοιν|κοινοποίηση|отправлено|дата|дата отправки|кому|копия|копія|надіслано|изпратено|до',
    'gönderildi|gönderilme|gönderme tarihi|tarih|kime|alıcı|bilgi|送信日時|日時|日付|宛先|发送时间|发送日期|时间|日期|收件人|抄送|寄件日期|傳送日期|傳送時間|收件者|副本|보낸 날짜|보낸날짜|날짜|받는 사람|받는사람|수신|참조',
    'đã gửi|ngày|ngày gửi|đến|tới|người nhận|تم الإرسال|أُرسلت|أرسلت|التاريخ|تاريخ الإرسال|إلى|نسخة|المرسل إليه|נשלח|תאריך|אל|עותק',
    'poslano|prima|za|išsiųsta|kam|saadetud|adressaat|nosūtīts|dikirim|tanggal|kepada|ke|ส่ง|วันที่|ถึง',
  ].join('|'),
);
const HEADER_BLOCK_LINES = 10;

function headerKey(line: string): string | undefined {
  if (line.length > MAX_MARK * 4) return undefined;
  const key = /^([\p{L}][\p{L}\p{M}'’. -]{0,24}?)\s?[:：]/u.exec(bareLine(line.slice(0, 80)))?.[1];
  return key?.replace(/\.$/, '').toLowerCase();
}

const isKnown = (key: string): boolean => FROM_KEYS.has(key) || SUBJECT_KEYS.has(key) || OTHER_KEYS.has(key);

/**
 * How many lines from `at` on are a block of header fields, as Outlook and forwards write it; 0: none. It has a From
 * field, two more known ones, and an address or a date, so that "From: Berlin, To: Paris" is none.
 */
export function headerBlockLength(lines: readonly string[], at: number): number {
  const first = headerKey(lines[at] ?? '');
  if (first === undefined || !isKnown(first)) return 0;
  const block = lines.slice(at, at + HEADER_BLOCK_LINES);
  const blank = block.findIndex((line) => line.trim() === '');
  const near = blank < 0 ? block : block.slice(0, blank);
  const keys = near.map(headerKey);
  const known = keys.filter((key): key is string => key !== undefined && isKnown(key));
  const kinds = new Set(known);
  const from = known.some((key) => FROM_KEYS.has(key));
  const subject = known.some((key) => SUBJECT_KEYS.has(key));
  const addressed = near.some((line) => line.length <= MAX_MARK * 4 && line.includes('@'));
  const dated = near.some((line) => /\d{1,2}[:.]\d{2}|\b(?:19|20)\d{2}/.test(line.slice(0, MAX_MARK)));
  // "From: the start, To: the end, Subject: deploys" is a person's.
  const certain = addressed || (subject && (dated || kinds.size >= 4));
  if (!from || kinds.size < 3 || !certain) return 0;
  const last = keys.findLastIndex((key) => key !== undefined && isKnown(key));
  const strange = near.slice(0, last).some((line, n) => keys[n] === undefined && !isWrapped(near[n - 1] ?? '', line));
  return strange ? 0 : last + 1;
}

/** A short word between two fields is no rest of a field: somebody typed it. */
function isWrapped(above: string, line: string): boolean {
  return /^\s|[@<>;]/.test(line.slice(0, MAX_MARK)) || above.length >= 40 || /[,;:：]\s*$/u.test(above.slice(-20));
}

/** A block of three "word: value" lines in a language that is not known; counts only before our own marker. */
export function looksLikeHeaders(lines: readonly string[]): boolean {
  return (
    lines.length >= 3 &&
    lines.every((line) => headerKey(line) !== undefined) &&
    lines.some((line) => /[@\d]/.test(line))
  );
}
