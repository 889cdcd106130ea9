/**
 * The words beside a number that say what it is: a one-time code, in the languages sign-up mails are written in, or
 * something else that looks like one. Bounded repetition only, so that a line costs linear time.
 */

/** Latin words end where letters end; the others stand as they are. */
const CODE_WORDS = [
  // "code" and its compounds: Bestätigungscode, verificatiecode, aktiveringskode, vahvistuskoodi
  String.raw`(?<!\p{L})\p{L}{0,20}?(?:code|kode|koodi|kood|kodas|kods|kod|kód|código|codigo|codice|codul|cod)(?:s|n|en|et|u|em|unuz|unuzu|ja|ą|as|a|i|sı|e|in|simi|si|nne|ni|ja|jód|ot|na)?(?!\p{L})`,
  String.raw`(?<!\p{L})(?:otp|tan|mtan|pin|passcode|password|token|sandi|senha|clave|contraseña|parola|şifre|heslo|hasło|wachtwoord|kennwort|einmalkennwort|einmalpasswort|einmal-passwort|mot de passe|lösenord|jelszó|mật khẩu|mã)(?!\p{L})`,
  // "Use 4821 to verify", "Enter 4821 to sign in"
  String.raw`(?<=\d )to (?:verify|confirm|log ?in|sign ?in|continue|complete|finish|authenticate|approve|activate)(?!\p{L})`,
  String.raw`(?<!\p{L})(?:код\p{L}{0,4}|пароль|пароля|κωδικ\p{L}{0,4})`,
  'コード|認証番号|確認番号|暗証番号|ワンタイムパスワード|验证码|驗證碼|校验码|动态码|动态密码|確認碼|确认码|验证代码|安全码|安全碼|代码|인증번호|인증코드|인증 코드|확인 코드|보안 코드|코드',
  'رمز|كود|کد|קוד|कोड|ओटीपी|รหัส',
];

/** They say "code" and mean another, or name what numbers usually are. */
const OTHER_WORDS = [
  String.raw`(?<!\p{L})(?:zip|post|postal|country|area|error|status|source|dress|sort|qr|bar|promo|promotion|promotional|discount|voucher|coupon|gift|referral|booking|reservation|tracking|reference|product|item|article|ref|loyalty|routing|tax|hs|currency|swift|rabatt|gutschein|aktions)[- ]?code(?:s|n)?(?!\p{L})`,
  String.raw`(?<!\p{L})(?:code (?:promo|postal|barre|de réduction)|código (?:postal|promocional|de descuento|de barras)|codice (?:sconto|fiscale|promozionale|postale)|kod rabatowy|kod pocztowy|промокод\p{L}{0,3}|gutscheincode|rabattcode|rabattkod|code of conduct|decode|encode|unicode)(?!\p{L})`,
  String.raw`(?<!\p{L})(?:order|orders|invoice|receipt|booking|reservation|reference|ref|ticket|case|tracking|shipment|parcel|package|policy|phone|telephone|tel|call|fax|mobile|hotline|whatsapp|zip|postcode|plz|suite|floor|room|box|street|avenue|road|vat|tax|iban|card|ending|ends|since|version|build|issue|request id|registration (?:no|number)|company (?:no|number)|invoice no|total|amount|price|balance|sku|serial|model|flight|gate|seat|pull request|(?:customer|client|account|member|membership|user)[ -]?(?:no|nr|number|id))(?:'s)?(?!\p{L})`,
  String.raw`(?<!\p{L})(?:bestell\p{L}{0,10}|auftrag\p{L}{0,8}|rechnung\p{L}{0,8}|kundennummer|kundennr|sendung\p{L}{0,8}|vorgang\p{L}{0,8}|aktenzeichen|referenz\p{L}{0,6}|telefon\p{L}{0,8}|amtsgericht|hrb|ust|endet auf|mitgliedsnummer)(?!\p{L})`,
  String.raw`(?<!\p{L})(?:commande|facture|référence|dossier|colis|téléphone|siret|siren|rcs|pedido|factura|referencia|cliente|envío|teléfono|ordine|fattura|riferimento|spedizione|telefono|fatura|encomenda|referência|telefone|bestelling|bestelnummer|factuur|klantnummer|ordernummer|zending|kvk|zamówieni\p{L}{0,3}|faktur\p{L}{0,3}|objednávk\p{L}{0,3}|sipariş|tilaus\p{L}{0,8}|beställning\p{L}{0,4}|ordrenummer|rendelés\p{L}{0,4}|comanda)(?!\p{L})`,
  String.raw`(?<!\p{L})(?:заказ\p{L}{0,3}|сч[её]т\p{L}{0,2}|телефон\p{L}{0,2}|замовлен\p{L}{0,3}|παραγγελί\p{L}{0,3}|τηλ)`,
  '注文番号|電話|お問い合わせ番号|予約番号|会員番号|订单|訂單|电话|電話|客服|运单|주문번호|주문|전화|고객센터|طلب رقم|رقم الطلب|הזמנה|טלפון',
];

/** After a number: it counts something. */
const UNITS =
  /^\s?(?:%|°|€|£|¥|₹|\$|(?:usd|eur|gbp|chf|jpy|kr|zł|euro|euros|dollars?|points?|punkte|credits?|minutes?|mins?|minuten|minutos|minuti|hours?|stunden|days?|tage|jours|weeks?|months?|years?|seconds?|users?|members?|people|items?|customers|followers|views|downloads|stars|km|kg|gb|mb|kb|px)(?!\p{L}))/iu;

export interface Word {
  readonly start: number;
  readonly end: number;
}

const CODE = new RegExp(CODE_WORDS.join('|'), 'giu');
const OTHER = new RegExp(OTHER_WORDS.join('|'), 'giu');

const find = (pattern: RegExp, line: string): Word[] =>
  [...line.matchAll(pattern)].map(({ index, 0: text }) => ({ start: index, end: index + text.length }));

/** Where a line speaks of a code, and where of something else. */
export function findWords(line: string): { readonly code: readonly Word[]; readonly other: readonly Word[] } {
  const other = find(OTHER, line);
  const code = find(CODE, line).filter(({ start, end }) => !other.some((word) => word.start < end && start < word.end));
  return { code, other };
}

/** Advertising: its code buys something. */
const PROMOTION =
  /% off|\bcheckout\b|\bdiscount\b|\bfree shipping\b|\brabatt|\bsconto\b|\bremise\b|\bdescuento\b|\bsale\b/iu;

export const isPromotion = (line: string): boolean => PROMOTION.test(line);

export const countsSomething = (after: string): boolean => UNITS.test(after);
