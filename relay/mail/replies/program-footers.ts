/**
 * The footers of mail programs whose names nobody listed, by their shape: "Get NAME Mail for Android", "Von NAME für
 * Android gesendet", "Sent with NAME" over the address of NAME's own page. People write such lines too, so a caller must
 * take them only where a blank line sets them apart at the foot, under other words. Constant work per line.
 */
import { bareLine } from './attributions.ts';

const MAX_LINE = 200;
const OS = '(?:Android|iOS|iPadOS|iPhone|iPad|macOS|Mac|Windows(?: \\d{1,2})?|Linux)';
/** The name of a program: up to four words with a capital or a digit each. */
const NAME = "(?=[\\p{L}\\p{N}]*[\\p{Lu}\\p{N}])[\\p{L}\\p{N}][\\p{L}\\p{N}.+&'’-]{0,30}";
const NAMES = `${NAME}(?: ${NAME}){0,3}`;

const GET = [
  'Get|Download|Try|Obtenir|Obtenez|Télécharger|Téléchargez|Obtener|Obtén|Descargar|Descarga|Ottieni|Scarica|Obter|Obtenha|Baixar|Baixe',
  'Skaffa|Hämta|Ladda ner|Hent|Få|Skaff|Last ned|Hanki|Lataa|Pobierz|Uzyskaj|Získat|Získejte|Stáhnout|Stiahnuť|Descarcă|Obțineți|Κατεβάστε|Download de|Holen Sie sich',
  'Скачать|Скачайте|Получить|Загрузить|Завантажити|Отримати|Tải|获取|取得|下載|下载',
].join('|');
const FOR = '(?:for|für|pour|para|per|voor|för|til|dla|pro|pre|pentru|για|для|за|cho|untuk|na)';
/** A mail program says so in its name. "Get Slack for Android" is what a person wants done. */
const MAIL_NAME = /mail|post(?:a|box)?\b|inbox|почт/iu;
const OFFER = new RegExp(`^(?:${GET}) (${NAMES}) ${FOR} ${OS}[.!]?$`, 'u');
const OFFER_LAST = new RegExp(
  `^(${NAMES}) ${FOR} ${OS} (?:herunterladen|holen|beziehen|downloaden|indir|letöltése)[.!]?$`,
  'u',
);
/** German puts the verb last. */
const SENT_LAST = new RegExp(
  `^(?:Von|Mit|Aus|Über) (?:der |dem |meinem |meiner |dem neuen )?(${NAMES})(?: (?:für|auf|unter|am) ${OS})?(?:-App)? (?:gesendet|verschickt|versendet)[.!]?$`,
  'u',
);
const SENT = new RegExp(
  `^(?:Sent (?:from|with|via|using|by)|Gesendet (?:von|mit|über|aus)|Envoyé (?:depuis|avec|via|de|par)|Enviado (?:desde|con|com|via|por|de|do|pelo)|Inviato (?:da|con|tramite)|Verzonden (?:met|via|vanuit|vanaf)|Skickat (?:från|med|via)|Sendt (?:fra|med|via)|Wysłan[eoay] (?:z|za pomocą|przez)|Odesláno (?:z|ze|pomocí)|Trimis (?:din|de pe|cu)|Отправлено (?:с|из|через)|Надіслано (?:з|із|через)) (${NAMES})(?: ${FOR} ${OS})?[.!]?$`,
  'u',
);
const DEVICE_NAME = /mail|\b(?:iphone|ipad|android|outlook|galaxy|proton|tuta|spark|gmx)\b/iu;
const LINK = /^[<([]?(https?:\/\/[^\s<>()[\]]{1,300})[>)\]]?$/u;

/** A line that is an address of the web and nothing else. */
export function isLinkLine(line: string): boolean {
  return line.length <= MAX_LINE * 2 && LINK.test(line.trim());
}

/** `next`: the address on the line below, or "". */
export function isProgramFooter(line: string, next: string): boolean {
  if (line.length > MAX_LINE * 2) return false;
  const bare = bareLine(line);
  const [, words = bare, inline = ''] = /^(.{1,150}?)\s?([<([]https?:\S{1,300})$/u.exec(bare) ?? [];
  const link = inline === '' ? next : inline;
  const offered = (OFFER.exec(words) ?? OFFER_LAST.exec(words))?.[1];
  if (offered !== undefined && MAIL_NAME.test(offered)) return true;
  if (SENT_LAST.test(words) && DEVICE_NAME.test(words)) return true;
  const name = SENT.exec(words)?.[1];
  return name !== undefined && isHomeOf(name, link);
}

/** The first page of the program's own site. "Sent via FedEx" over the address of a parcel is the person's. */
function isHomeOf(name: string, link: string): boolean {
  const address = LINK.exec(link.trim())?.[1];
  if (address === undefined || !URL.canParse(address)) return false;
  const { hostname, pathname } = new URL(address);
  const key = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  return key.length >= 3 && hostname.replace(/[^a-z0-9]/g, '').includes(key) && pathname.length <= 1;
}
