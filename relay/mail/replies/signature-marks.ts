/** The lines by which mail programs and people close a mail: "-- ", "Sent from my phone". Constant work per line. */
import { bareLine } from './attributions.ts';

const MAX_FOOTER = 200;

/** RFC 3676 section 4.3; programs lose the trailing space. */
export function isSignatureMark(line: string): boolean {
  return /^--\s?$/.test(line);
}

/** Nothing but strokes: what is left over when the thing it separated was cut away. */
export function isRule(line: string): boolean {
  return line.length <= MAX_FOOTER && /^\s*(?:[-_=*—–~#]\s?){2,}\s*$/u.test(line);
}

const DEVICE =
  '(?:iphon|ipad|ipod|apple|mac\\b|android|galaxy|samsung|htc|nokia|blackberry|windows|outlook|mailbox|yahoo|aol|gmail|airmail|\\w*mail\\b|proton|spark|superhuman|front\\b|hey\\b|canary|edison|k-9|fairemail|thunderbird|huawei|honor|xiaomi|redmi|pixel|alcatel|sony|xperia|motorola|oneplus|oppo|vivo|lg\\b|ti-\\d+|phone|\\w*phone|mobile?\\w*|cell|tablet|handheld|device|gerät|handy|portable|appareil|téléphone|móvil|celular|dispositivo|telefono|telefoon|telefon\\w*|puhelime\\w*|surface|\\bapp\\b|courrier|correo|correio|posta\\b|почт\\w*|телефон\\w*|мобильн\\w*|яндекс\\w*|web\\.de|gmx|orange|naver|daum|qq|网易|小米|华为|手机|手機|ios)';
const near = (start: string): RegExp =>
  new RegExp(`^(?:${start})(?=[\\s:\\u3000]|[^\\x00-\\x7f]).{0,70}?${DEVICE}`, 'iu');

const FOOTERS: readonly RegExp[] = [
  new RegExp(`^(?:message )?sent (?:from|via|with|using|by)\\b[^,.;]{0,60}?${DEVICE}`, 'iu'),
  new RegExp(`^(?:from my|someone from(?: my)?) .{0,30}?\\b${DEVICE}.{0,10}$`, 'iu'),
  near('von meine[mr]|gesendet (?:von|mit|aus)|von unterwegs|diese (?:nachricht|e-mail|mail) wurde (?:von|mit)'),
  near('envoyée? (?:de|depuis|à partir de|avec|par|via)|message envoyé (?:de|depuis)|enviat des'),
  near('enviado (?:desde|do|da|de|a partir do|a través de|com|con|via|pelo|por)'),
  near('inviat[oa] (?:da|dal|dall|con|tramite|dalla)|inviato dall.'),
  near('(?:verzonden|verstuurd) (?:vanaf|met|van|via|vanuit|door)'),
  near('(?:skickat|skickades|sendt|sänt) (?:från|fra|via|med|ifrån)'),
  /^lähetetty .{0,40}(?:iphon|ipad|puhelime|android|samsung|galaxy|outlook|laitte|mail)/iu,
  near('(?:wysłan[eoay]) (?:z|ze|za pomocą|przez)|wysłane'),
  near('odesláno (?:z|ze|pomocí)|odosl(?:ané|ané) (?:z|zo|pomocou)|poslano (?:s|z|iz)'),
  near('trimis (?:de pe|din|cu|de la)'),
  near('(?:στάλθηκε|εστάλη) (?:από|με)'),
  near('отправлено (?:с|из|через|от)|надіслано (?:з|із|через|від)|изпратено от'),
  near('đã gửi từ|được gửi từ|gửi từ'),
  near('أُ?رسلت من|تم الإرسال (?:من|باستخدام)|مرسل من'),
  near('נשלח מ\\S*|נשלח באמצעות'),
  near(
    'ส่งจาก|ส่งโดยใช้|dikirim dari|dihantar dari|išsiųsta (?:iš|naudojant)|nosūtīts no|saadetud|sent úr|ارسال شده از|послато са|poslato sa',
  ),
  /^.{0,30}(?:iphon|ipad|android|galaxy).{0,12} से भेजा गया/iu,
  /^(?:從我的|从我的|发自我的|發自我的|来自我的|來自我的|发送自|传送自|傳送自|發自|发自|從|从)\s?.{1,30}(?:傳送|发送|發送|寄出|$)/u,
  /^.{0,30}(?:iphon|ipad|android|galaxy|outlook|スマートフォン|携帯|xperia).{0,12}(?:から送信|で送信|에서 보냄|에서 발송|에서 보내|傳送|发送|gönderildi|küldve|küldtem)/iu,
  /^(?:yahoo ?!?メールから|나의 .{0,20}에서 보냄)/iu,
  /^az? .{0,20}(?:iphone|ipad|android|telefon).{0,12}küldve/iu,
  /^(?:get|obtenir|télécharger|obtener|obtén|ottieni|scarica|obter|obtenha|baixar|skaffa|hämta|hent|få|skaff|hanki|pobierz|uzyskaj|získat|získejte|stáhnout|holen sie sich|скачать|получить|завантажити|获取|取得|下載|下载) .{0,20}outlook\b.{0,60}$/iu,
  /^\[?outlook (?:für|voor|for|pour) (?:ios|android)\]?.{0,40}(?:beziehen|herunterladen|downloaden|を入手.{0,6})/iu,
  /^(?:ios|android).{0,6}outlook.{0,40}$/iu,
  /^get \[?the .{0,40}app/iu,
  /^yahoo mail: search, organi[sz]e, conquer/iu,
  /^(?:virus-free|virenfrei|garanti sans virus|libre de virus|sin virus|privo di virus|virusvrij|без вирусов|viruksesta vapaa|wolny od wirusów)\s?\.?\s?(?:www\.|<|\[|https?:|$)/iu,
];

/** What people write of a mail they sent: a question, "Sent by email.", "Sent with the app to all customers yesterday". */
const SENTENCES: readonly RegExp[] = [
  /[?？:：]$/u,
  /^\p{L}+ (?:by|via|per|par|por|door|med|przez|по|mit|con|com) (?:the |der |la |l['’])?(?:e-?mail|mail|courriel|correo|correio|e-post|posta|почте|app|phone|telefon|téléphone)[.!]?$/iu,
  /^(?:message )?sent (?!.{0,20}\bmy\b).{0,200}?\s(?:to|yesterday|today|tonight|tomorrow|this|last|already|again|before|after|because|when|ago|earlier)(?=[\s,.;!]|$)/iu,
  /^(?:gesendet|diese) (?!.{0,20}\bmeine).{0,200}?\s(?:an|gestern|heute|bereits|schon|am)(?=[\s,.;!]|$)/iu,
  /^(?:message )?envoyée? .{0,200}?\s(?:à(?! partir)|aux?|hier|déjà|lundi|ce matin)(?=[\s,.;!]|$)/iu,
  /^(?:enviad[oa]|inviat[oa]) .{0,200}?\s(?:al?(?! (?:través|partir))|ayer|hoy|ya|ieri|oggi|già|ontem|hoje|aos?)(?=[\s,.;!]|$)/iu,
  /^(?:verzonden|verstuurd|skickat|skickades|sendt|sänt) .{0,200}?\s(?:naar|aan|gisteren|vandaag|till|til|igår|i går|idag|i dag)(?=[\s,.;!]|$)/iu,
];

/** A line that a program put under the mail; brackets and a link around it do not matter. */
export function isFooter(line: string): boolean {
  if (line.length > MAX_FOOTER) return false;
  const bare = bareLine(line).replace(/^[<([{]+|[>)\]}]+$/gu, '');
  if (bare === '' || !FOOTERS.some((footer) => footer.test(bare))) return false;
  return !SENTENCES.some((sentence) => sentence.test(bare));
}

const ANY_DEVICE = new RegExp(`(?:^|[^\\p{L}])${DEVICE}`, 'iu');

/** Under an element that sets a footer apart one device is enough, in any language. */
export function namesDevice(line: string): boolean {
  return line.length <= 80 && !/[?？]$/u.test(line) && ANY_DEVICE.test(bareLine(line));
}

/** Mailman's footer: a rule, then the list's name. */
export function isListFooter(line: string, next: string): boolean {
  return /^_{20,}$/.test(line) && next.length <= MAX_FOOTER && /^\S+ mailing list(?: --|$)/.test(next);
}

const MAX_NOTICE = 3000;
const CONFIDENTIAL =
  /\b(?:confidential\w*|privileged|vertraulich\w*|confidentiel\w*|confidencial\w*|riservat\w*|vertrouwelijk\w*|konfidenti\w*|fortrolig\w*|luottamuksellis\w*|poufn\w*|důvěrn\w*|dôvern\w*|bizalmas\w*|gizli\w*)|конфиденциал|конфіденційн|機密|机密|기밀/iu;
const THIS_MAIL =
  /\b(?:(?:this|the) (?:information (?:contained )?in this )?(?:e-?mail|message|communication|transmission)|diese (?:e-?mail|nachricht)|ce (?:message|courriel|mail)|cet e-?mail|este (?:mensaje|correo|e-?mail|mensagem)|esta mensagem|questa (?:e-?mail|comunicazione)|questo messaggio|(?:deze|dit) (?:e-?mail|bericht)|(?:detta|denna|denne|dette) (?:e-?post\w*|meddelande\w*|e-?mail|melding\w*|besked)|tämä (?:sähköposti|viesti)|t[aę] wiadomoś\w+|tento e-?mail|bu (?:e-?posta|ileti|mesaj))|(?:это|данное) (?:сообщение|письмо)|(?:это|данное) электронное|цей лист|このメール|本メール|本邮件|此邮件|本郵件|이 (?:메일|이메일)/iu;
const SCANNED =
  /(?:checked|scanned|scanné|geprüft|verificat[oa]|analizado|comprobado|analysé|contrôlé|gecontroleerd|проверено|skontrolován\w*|sprawdzon\w*).{0,80}(?:virus|viren|virussen|вирус\w*|wirus\w*|vir[uů]|antivirus)|virus.{0,40}(?:checked|scanned|geprüft)|auf viren/iu;

/** A paragraph that a mail server or a virus scanner put under the mail. */
export function isNotice(lines: readonly string[]): boolean {
  const text = lines.join(' ').slice(0, MAX_NOTICE);
  if (text.length < 40) return false;
  if (SCANNED.test(text) && /avast|avg\b|antivirus|norton|mcafee|kaspersky|eset|sophos|antiviren/iu.test(text))
    return true;
  return text.length > 80 && CONFIDENTIAL.test(text) && THIS_MAIL.test(text);
}
