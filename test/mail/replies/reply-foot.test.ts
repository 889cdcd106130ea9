/** What programs and servers add to an answer goes; what a person might have typed stays. */
import { describe, expect, test } from 'vitest';
import { extractNewWords, newWords, REPLY_MARKER } from '../../../relay/mail/replies/new-words.ts';

const QUOTE = 'On 19 Nov 2026, at 10:00, Bob <bob@example.com> wrote:\n> Shall I deploy?';

describe('a footer of a program nobody listed goes, by its shape', () => {
  test.each([
    'Sent with Aqua Mail for Android\nhttps://example.com/aqua-mail',
    'Get BlueMail for Android',
    'Get NineMail for iOS <https://example.com/get>',
    'Von Proton Mail für Android gesendet',
    'Mit der Nine Mail-App gesendet',
    'Télécharger NineMail pour iOS',
    'Obtener BlueMail para Android',
    'Ladda ner NineMail för iOS',
    'Скачать НовоMail для Android',
    'Sent with Shortwave\nhttps://www.shortwave.com',
    'Sent via Shortwave <https://shortwave.com/>',
    'Enviado con Shortwave\n<https://www.shortwave.com>',
    'ส่งจาก iPhone ของฉัน',
    'Dikirim dari iPhone saya',
  ])('%j', (footer) => {
    const words = newWords(`Yes, do it.\n\n${footer}\n\n${QUOTE}\n`);
    expect(words.body).toBe('Yes, do it.');
    expect(words.signature).toBe(footer);
  });
});

describe('a line that only looks like a footer is the person’s', () => {
  const LIKE_FOOTERS = [
    'Sent with love from Rome',
    'Sent from Rome',
    'Sent via FedEx',
    'Sent via FedEx\nhttps://www.fedex.com/track/123456',
    'Sent by email.',
    'Sent by mail to Anna yesterday.',
    'Sent with the app to all customers this morning',
    'Sent from the Samsung portal to the customer.',
    'Sent using Outlook:\nhttps://example.com/the/report',
    'Get Slack for Android?',
    'Get Slack for Android',
    'Get Outlook for iOS?',
    'Get milk for Anna',
    'Envoyé par mail à Anna.',
    'Envoyé par mail.',
    'Enviado por correo a Ana.',
    'Enviado por correo.',
    'Verzonden via mail.',
    'Gesendet mit Outlook an alle Kunden.',
    'Von Anna gesendet',
    'https://example.com/the/report',
  ];
  test.each(LIKE_FOOTERS)('at the foot: %j', (line) => {
    expect(newWords(`Yes, do it.\n\n${line}\n\n${QUOTE}\n`).body).toBe(`Yes, do it.\n\n${line}`);
  });

  test.each([...LIKE_FOOTERS, 'Get BlueMail for Android', 'Von Proton Mail für Android gesendet'])(
    'as all there is: %j',
    (line) => {
      expect(newWords(`${line}\n\n${QUOTE}\n`).body).toBe(line);
    },
  );

  test.each(['Sent with love from Rome', 'Get BlueMail for Android', 'Sent from my iPhone'])(
    'in the middle: %j',
    (line) => {
      expect(newWords(`One.\n\n${line}\n\nTwo.\n\n${QUOTE}\n`).body).toBe(`One.\n\n${line}\n\nTwo.`);
    },
  );

  test('not set apart: "Get BlueMail for Android" in a list of things to do', () => {
    const text = 'To do:\nBuy a phone\nGet BlueMail for Android';
    expect(newWords(`${text}\n\n${QUOTE}\n`).body).toBe(text);
  });
});

describe("under Apple's line break before a signature", () => {
  const html = (line: string): string =>
    `<div dir="ltr">Yes, do it.<br id="lineBreakAtBeginningOfSignature"><div dir="ltr">${line}</div></div><blockquote type="cite">Shall I deploy?</blockquote>`;

  test('one line that names a device goes, in any language', () => {
    const words = extractNewWords({ text: '', html: html('Xyz qux iPhone abc') });
    expect(words).toMatchObject({ body: 'Yes, do it.', signature: 'Xyz qux iPhone abc' });
  });

  test.each(['And ask Anna too.', 'Is that an iPhone?'])('what was typed in its place stays: %s', (line) => {
    expect(extractNewWords({ text: '', html: html(line) }).body).toBe(`Yes, do it.\n${line}`);
  });
});

describe('a warning of a server on top goes', () => {
  test.each([
    '[EXTERNAL EMAIL] This message was sent from outside your organisation. Be careful with links.',
    '[EXTERNAL]',
    '*[EXT]*',
    'CAUTION: This email originated from outside of the organization. Do not click links or open attachments.',
    'CAUTION: This email originated from outside\nof the organization.\nDo not click links or open attachments.',
    '⚠ External email: this message came from an external sender.',
    'ACHTUNG: Diese E-Mail kommt von außerhalb der Firma.',
    'ATTENTION : Ce courriel provient de l’extérieur.',
    'PRECAUCIÓN: Este correo procede de un remitente externo.',
    "You don't often get email from kim@example.com. Learn why this is important <https://example.com/why>",
  ])('%j', (banner) => {
    const words = newWords(`${banner}\n\nok, go\n\n${QUOTE}\n`);
    expect(words.body).toBe('ok, go');
    expect(words.quoted).toContain(banner);
  });

  test.each([
    'CAUTION: external API limits apply, deploy slowly.',
    'CAUTION: the external mail server is down.',
    '[EXTERNAL] stays in the subject line, please.',
    'WARNING: do not deploy before 10.',
    'Attention: the message queue sent outside data.',
    '[EXTERNAL] and [INTERNAL] are the two labels.',
    'External sender names are too long, cut them.',
  ])('the person’s own stays: %j', (line) => {
    expect(newWords(`${line}\n\nok, go\n\n${QUOTE}\n`).body).toBe(`${line}\n\nok, go`);
    expect(newWords(`${line}\n\n${QUOTE}\n`).body).toBe(line);
  });

  test('as all there is, or further down, it stays', () => {
    const banner = 'CAUTION: This email originated from outside of the organization.';
    expect(newWords(`${banner}\n\n${QUOTE}\n`).body).toBe(banner);
    expect(newWords(`Our server writes:\n\n${banner}\n\nWhy?\n\n${QUOTE}`).body).toContain(banner);
  });
});

describe('a reaction', () => {
  const PAGE = 'https://www.google.com/gmail/about/?utm_source=gmail-in-product';
  test.each([`Kim reacted via Gmail\n<${PAGE}>`, `Kim reacted via Gmail <${PAGE}>`, `Kim qux Gmail\n<${PAGE}>`])(
    'is the emoji alone: %j',
    (notice) => {
      expect(newWords(`👍\n\n${notice}\n\n${QUOTE}\n`).body).toBe('👍');
    },
  );

  test.each(['👍\n\nPlease use Gmail', `Kim reacted via Gmail\n<${PAGE}>`])('words stay: %j', (text) => {
    expect(newWords(`${text}\n\n${QUOTE}\n`).body).toBe(text);
  });
});

describe('a text part with the entities of its HTML', () => {
  test('is read as the HTML says', () => {
    const text = 'a &gt; b&nbsp;&amp; c\n\n&gt; q';
    const html = '<div>a &gt; b&nbsp;&amp; c</div><blockquote>q</blockquote>';
    expect(extractNewWords({ text, html })).toMatchObject({ body: 'a > b & c', notes: [] });
  });

  test.each([
    ['the HTML shows them too', '<div>Write &amp;nbsp; there.</div>'],
    ['there is no HTML', null],
  ])('typed by a person they stay: %s', (_, html) => {
    expect(extractNewWords({ text: 'Write &nbsp; there.', html }).body).toBe('Write &nbsp; there.');
  });
});

describe('what is no signature', () => {
  test.each(['________________________________', '--------------------', '--'])('a rule alone: %s', (rule) => {
    expect(newWords(`Yes.\n\n${rule}\n\n${QUOTE}\n`)).toMatchObject({ body: 'Yes.', signature: null });
  });

  test('the end of our own mail, below the person’s', () => {
    const frame = '-- \nbuilder is a coding agent.\nThread thr_01m7wg99mc9sb0h5h7243r6vb3';
    const text = `Yes.\n\n-- \nKim\n\n-----Original Message-----\nFrom: builder\n\nq\n\n${frame}\n`;
    const words = newWords(text);
    expect(words.body).toBe('Yes.');
    expect(words.signature).toBe('--\nKim');
    expect(words.quoted).toContain('Thread thr_');
  });
});

describe('a blank before the first word', () => {
  test('goes', () => {
    expect(newWords(` Sí, mañana.\nGracias\n\n${QUOTE}`).body).toBe('Sí, mañana.\nGracias');
  });

  test.each([' a\n-b\n+c', '  if (a)\n    b()', '    code'])('stays where it means something: %j', (text) => {
    expect(newWords(`${text}\n\n${QUOTE}`).body).toBe(text);
  });
});

test('a short word typed between two header fields is not part of them', () => {
  const text = `${REPLY_MARKER}\nFrom: a@example.com\nyes\nSubject: c\nTo: b\n> q`;
  expect(newWords(text).body).toContain('yes');
});
