/** The lines by which mail programs and people close a mail: "-- ", "Sent from my phone". Constant work per line. */

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
  '(?:iphone|ipad|ipod|android|galaxy|samsung|htc|nokia|blackberry|windows|outlook|mailbox|yahoo|gmail|airmail|mail|proton|spark|huawei|xiaomi|pixel|alcatel|sony|xperia|motorola|oneplus|lg|ti-\\d+|phone|smartphone|mobile|cell|tablet|handheld|device|mobil\\w*|handy|portable|téléphone|móvil|celular|telefono|telefoon|telefon\\w*|surface)';

const FOOTERS: readonly RegExp[] = [
  new RegExp(`^sent (?:from|via|with|using|by)\\b[^,.;]{0,60}\\b${DEVICE}\\b`, 'iu'),
  new RegExp(`^(?:from|someone from) (?:my )?.{0,30}\\b${DEVICE}\\b.{0,10}$`, 'iu'),
  /^get (?:\[?outlook for|\[?the )/iu,
  /^get outlook for/iu,
  new RegExp(
    `^(?:von meinem|gesendet von|gesendet mit|von unterwegs|diese nachricht wurde von meinem).{0,60}(?:gesendet|${DEVICE})`,
    'iu',
  ),
  /^(?:envoyé|envoyée) (?:de|depuis|à partir de|avec|par).{0,60}/iu,
  /^envoyé de mon /iu,
  /^enviado (?:desde|do|a partir do|a través de|com|con|via)\b.{0,60}/iu,
  /^inviat[oa] (?:da|dal|con|tramite)\b.{0,60}/iu,
  /^(?:verzonden|verstuurd) (?:vanaf|met|van|via|vanuit)\b.{0,60}/iu,
  /^(?:skickat|sendt|sent|lähetetty) (?:från|fra|via|med)\b.{0,60}/iu,
  /^(?:wysłane|wysłano) (?:z|za pomocą|przez)\b.{0,60}/iu,
  /^отправлено (?:с|из|через)(?=\s).{0,60}/iu,
  /^надіслано (?:з|із|через)(?=\s).{0,60}/iu,
  /^(?:從我的|发自我的|從|发自)\s?.{0,30}(?:傳送|$)/u,
  /^.{0,30}(?:iPhone|iPad|Android).{0,10}(?:から送信|에서 보냄|傳送|发送|gönderildi)/iu,
  /lähetetty .{0,30}(?:iphonesta|ipadista|puhelimesta)/iu,
];

/** A line that a program put under the mail; brackets and a link around it do not matter. */
export function isFooter(line: string): boolean {
  if (line.length > MAX_FOOTER) return false;
  const bare = line.trim().replace(/^[<([{*_]+|[>)\]}*_]+$/gu, '');
  return bare !== '' && FOOTERS.some((footer) => footer.test(bare));
}

/** Mailman's footer: a rule, then the list's name. */
export function isListFooter(line: string, next: string): boolean {
  return /^_{20,}$/.test(line) && next.length <= MAX_FOOTER && /^\S+ mailing list$/.test(next);
}
