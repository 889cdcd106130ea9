/**
 * What the names that mail programs give their elements say of the lines in them: quoted, an attribution, a signature, or
 * that another mail begins. A table; the program that writes a name is beside it.
 */
import type { HtmlElement } from '../parse/html-elements.ts';
import { hasOutlookBorder, isIndent } from '../parse/html-style.ts';

/**
 * `quote`: its lines are quoted. `mark`: they announce a quote. `signature`: they close the mail. `original`: another
 * mail begins at its next line. `border`: perhaps so, if that line is a header field. `frame`: holds a quote and what
 * announces it, and answers between. `foot`: the next line is perhaps a program's footer.
 */
export type Role = 'quote' | 'mark' | 'signature' | 'original' | 'border' | 'frame' | 'foot';

/** By class or id. Programs that quote a mail put `x_` (Outlook) or `m_123` (Gmail) before the names in it. */
const BY_NAME: Readonly<Record<Exclude<Role, 'border'>, string>> = {
  quote: [
    'yahoo_quoted yqt', // Yahoo
    'isreplycontent ntes-quote', // 163, 126
    'qmquote qqmail_quote', // QQ
    'blockquote_zmail', // Zoho
  ].join(' '),
  mark: [
    'gmail_attr', // Gmail
    'moz-cite-prefix moz-email-headers-table', // Thunderbird
    'airmail_on', // Airmail
    'reply-intro', // Roundcube
    '-x-evo-attribution', // Evolution
    'tutanota_attribution',
    'missive_attribution',
    'sh-attribution',
  ].join(' '),
  signature: [
    'gmail_signature gmail_signature_prefix', // Gmail
    'moz-signature', // Thunderbird
    'ms-outlook-mobile-signature', // Outlook for iOS and Android
    'applemailsignature', // Apple
    'protonmail_signature_block protonmail_signature_block-user protonmail_signature_block-proton', // Proton
    'composer_signature', // Samsung
    'sh-signature', // Superhuman
    'zm-_id_-sgn', // Zoho
    'bloop_sign airmail_sign', // Airmail
    '_rc_sig rcmsig v1_rc_sig', // Roundcube
    '-x-evo-signature', // Evolution
    'missive_signature',
    'tutanota_signature',
    'front-signature',
    'spneditorsign ntes-sign', // 163, 126
    'ymail_signature yahoo-signature ydp-signature', // Yahoo
    'signature mail-signature email-signature mail_signature email_signature', // Fastmail, GMX, web.de, Outlook on the web
    'mobile-signature',
  ].join(' '),
  original: [
    'appendonsend divrplyfwdmsg', // Outlook on the web
    'outlookmessageheader', // Outlook
    'mail-editor-reference-message-container ms-outlook-mobile-reference-message', // Outlook, new and mobile
    'moz-forward-container', // Thunderbird
    'replywrap', // Naver
    'zwchr', // Zimbra
  ].join(' '),
  frame: [
    'gmail_quote gmail_quote_container gmail_extra', // Gmail, Superhuman, Mailspring
    'protonmail_quote', // Proton
    'zmail_extra', // Zoho
    'tutanota_quote',
    'missive_quote',
    'spark_quote',
    'bloop_original_html',
    'wmi-quote', // Yandex
    'mail-quote-collapse', // mail.ru
  ].join(' '),
  foot: 'linebreakatbeginningofsignature', // Apple, on phones
};

const ROLE_BY_NAME: ReadonlyMap<string, Role> = new Map(
  // `Object.entries` forgets that the keys are roles.
  (Object.entries(BY_NAME) as [Role, string][]).flatMap(([role, names]) =>
    names.split(' ').map((name): [string, Role] => [name, role]),
  ),
);

/** By the attributes `name`, `data-marker` and `data-smartmail`. */
const ROLE_BY_ATTRIBUTE: ReadonlyMap<string, Role> = new Map([
  ['quote', 'quote'], // GMX, web.de
  ['messagesignaturesection', 'signature'], // Spark
  ['messagereplysection', 'frame'], // Spark
  ['_mailoriginal', 'original'], // Outlook's bookmark
  ['_mailautosig', 'signature'], // Outlook's bookmark
  ['gmail_signature', 'signature'],
  ['__divider__', 'original'], // Zimbra
  ['__headers__', 'original'], // Zimbra
  ['__quoted_text__', 'quote'], // Zimbra
  ['__sig_pre__', 'signature'], // Zimbra
  ['__sig_post__', 'signature'], // Zimbra
]);

export function roleOf({ name, attributes }: HtmlElement, bare: string): Role | null {
  if (name === 'blockquote') return isIndent(bare) && attributes.get('type') !== 'cite' ? null : 'quote';
  if (name === 'signature') return 'signature';
  for (const one of namesOf(attributes)) {
    const role = ROLE_BY_NAME.get(one.replace(/^(?:x_)+|^m_-?\d+/, ''));
    if (role !== undefined) return role;
  }
  for (const key of ['name', 'data-marker', 'data-smartmail']) {
    const role = ROLE_BY_ATTRIBUTE.get((attributes.get(key) ?? '').toLowerCase());
    if (role !== undefined) return role;
  }
  if (attributes.get('data-signature-widget') === 'content') return 'signature'; // mail.ru
  return hasOutlookBorder(bare) ? 'border' : null;
}

/** Yahoo numbers its ids ("yahoo_quoted_1234567890"). */
function namesOf(attributes: ReadonlyMap<string, string>): string[] {
  const id = (attributes.get('id') ?? '').slice(0, 100).toLowerCase();
  const classes = (attributes.get('class') ?? '').slice(0, 1000).toLowerCase();
  return [id.replace(/_\d+$/, ''), ...classes.split(/\s+/)];
}
