import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EXTRACTION_NOTES } from '../../../relay/mail/replies/extraction-notes.ts';
import { extractNewWords, newWords, REPLY_MARKER } from '../../../relay/mail/replies/new-words.ts';
import { readCorpus } from '../corpora.ts';

const QUOTE = '> Shall I deploy?\n> --\n> bob';

/** The first line under an answer, as mail programs of many languages write it. */
const ATTRIBUTIONS = [
  'On Thu, Nov 19, 2026 at 10:00 AM Bob <bob@turnpost.localhost> wrote:',
  'On 19 Nov 2026, at 10:00, Bob <bob@turnpost.localhost>\nwrote:',
  'On Thu, Nov 19, 2026 at 10:00 AM Bob <\nbob@turnpost.localhost> wrote:',
  'Am 19.11.26 um 10:00 schrieb Bob:',
  'Am Do., 19. Nov. 2026 um 10:00 Uhr schrieb Bob <bob@turnpost.localhost>:',
  'Le jeu. 19 nov. 2026 à 10:00, Bob <bob@turnpost.localhost> a écrit :',
  'El jue, 19 nov 2026 a las 10:00, Bob (<bob@turnpost.localhost>) escribió:',
  'Il giorno gio 19 nov 2026 alle ore 10:00 Bob <bob@turnpost.localhost> ha scritto:',
  'Op do 19 nov 2026 om 10:00 schreef Bob <bob@turnpost.localhost>:',
  'Em qui., 19 de nov. de 2026 às 10:00, Bob <bob@turnpost.localhost> escreveu:',
  'czw., 19 lis 2026 o 10:00 Bob <bob@turnpost.localhost> napisał(a):',
  'чт, 19 нояб. 2026 г. в 10:00, Bob <bob@turnpost.localhost>:',
  '19 нояб. 2026 г., в 10:00, Bob <bob@turnpost.localhost> написал(а):',
  'Den tors 19 nov. 2026 kl 10:00 skrev Bob <bob@turnpost.localhost>:',
  '2026年11月19日(木) 10:00 Bob <bob@turnpost.localhost>:',
  '2026/11/19 10:00、Bobのメール：',
  '在 2026年11月19日，上午10:00，Bob <bob@turnpost.localhost> 写道：',
  'Bob <bob@turnpost.localhost> 于2026年11月19日周四 10:00写道：',
  'Bob <bob@turnpost.localhost> schrieb am Do., 19. Nov.\n2026, 10:00:',
  'Bob wrote:',
];

describe('an answer above what it answers', () => {
  test.each(ATTRIBUTIONS)('%s', (attribution) => {
    const words = newWords(`Yes, do it.\n\n${attribution}\n${QUOTE}\n`);
    expect(words.body).toBe('Yes, do it.');
    expect(words.quoted).toBe(`${attribution}\n${QUOTE}`);
  });

  test.each(ATTRIBUTIONS.slice(0, -1))('without quote marks: %s', (attribution) => {
    expect(newWords(`Yes, do it.\n\n${attribution}\n\nShall I deploy?\n`).body).toBe('Yes, do it.');
  });

  test.each([
    [
      'Outlook',
      '________________________________\nFrom: Bob <bob@turnpost.localhost>\nSent: Thursday, November 19, 2026 10:00\nTo: Person\nSubject: Deploy?',
    ],
    ['Outlook in bold', '*From:* Bob\n*Sent:* Thursday\n*To:* Person\n*Subject:* Deploy?'],
    [
      'Outlook in German',
      'Von: Bob <bob@turnpost.localhost>\nGesendet: Donnerstag, 19. November 2026 10:00\nAn: Person\nBetreff: Deploy?',
    ],
    [
      'Outlook in French',
      'De : Bob <bob@turnpost.localhost>\nEnvoyé : jeudi 19 novembre 2026 10:00\nÀ : Person\nObjet : Deploy?',
    ],
    [
      'Outlook in Japanese',
      '差出人: Bob <bob@turnpost.localhost>\n送信日時: 2026年11月19日 10:00\n宛先: Person\n件名: Deploy?',
    ],
    ['the old separator', '-----Original Message-----\nFrom: Bob'],
    ['the old separator in Spanish', '-----Mensaje original-----\nDe: Bob'],
    ['a forward', '---------- Forwarded message ---------\nFrom: Bob <bob@turnpost.localhost>'],
    ['our own marker, in a program that writes nothing else', REPLY_MARKER],
    ['our own marker in a quote mark of its own', `> ${REPLY_MARKER}`],
  ])('%s', (_, header) => {
    expect(newWords(`Yes, do it.\n\n${header}\n\nShall I deploy?\n`).body).toBe('Yes, do it.');
  });
});

describe('an answer elsewhere', () => {
  test('below the quote', () => {
    expect(newWords(`On 19 Nov 2026, at 10:00, Bob wrote:\n${QUOTE}\n\nYes, do it.\n`).body).toBe('Yes, do it.');
  });

  test('between the quotes: kept with what it answers', () => {
    const inline = '> Shall I deploy?\n\nYes.\n\n> And restart?\n\nNo.';
    const answered = '> Shall I deploy?\nYes.\n\n> And restart?\nNo.';
    const words = newWords(`On 19 Nov 2026, at 10:00, Bob wrote:\n${inline}\n\n> -- \n> bob\n`);
    expect(words.body).toBe(answered);
  });

  test('above and below the quote', () => {
    const words = newWords(`Hi Bob,\n\nOn 19 Nov 2026, at 10:00, Bob wrote:\n> Shall I deploy?\n\nYes, do it.\n`);
    expect(words.body).toBe('Hi Bob,\n\nYes, do it.');
  });

  test('under a quote the person put there', () => {
    expect(newWords('> Shall I deploy?\n\nYes, do it.\n').body).toBe('> Shall I deploy?\n\nYes, do it.');
  });

  test('our marker on top of all we sent and the answer under it', () => {
    expect(newWords(`> ${REPLY_MARKER}\n>\n> Shall I deploy?\n\nYes, do it.\n`).body).toBe('Yes, do it.');
  });
});

describe('above our marker, in a language that nobody here knows', () => {
  test.each([
    ['an attribution', 'Xyz 19 abc 2026 Bob <bob@example.com> qux:'],
    ['one over two lines', 'Xyz 19 abc 2026\nBob qux:'],
    ['a header block', 'Abc: Bob [bob@example.com]\nDef: 19 ghi 2026\nJkl: Person\nMno: Deploy?'],
  ])('%s goes', (_, announces) => {
    for (const marker of [REPLY_MARKER, `> ${REPLY_MARKER}`]) {
      const words = newWords(`Yes, do it.\n\n${announces}\n\n${marker}\n\n> Shall I deploy?`);
      expect(words.body).toBe('Yes, do it.');
      expect(words.quoted).toContain(announces);
    }
  });

  test('a paragraph that announces nothing stays', () => {
    expect(newWords(`Yes, do it.\n\nAt 10.\n\n${REPLY_MARKER}\nq`).body).toBe('Yes, do it.\n\nAt 10.');
  });
});

describe('our own mail below the answer, quoted without marks', () => {
  const ours = 'The log says:\n\n[ERROR] no space left\n[Eve] delete the branch\n[Anna Example] delete it';
  const quoted = `From: bob <bob@b.example>\nSent: 16 November 2026 10:00\nTo: Anna\nSubject: Log\n\n${REPLY_MARKER}\n\n${ours}`;
  const from = [{ address: 'anna@example.com', name: 'Anna Example' }];

  test('a line of ours that begins as an answer does is nobody’s', () => {
    const text = `Yes.\n\n${quoted}\n[Anna Example] Only the old one.\n\nThread thr_0123456789abcdef\n`;
    const words = extractNewWords({ text, html: null, from, ours });
    expect(words.body).toMatch(/^Yes\.\n[\s\S]*\n\[Anna Example\] Only the old one\.$/);
    expect(words.body).not.toMatch(/^\[(?:ERROR|Eve)|^\[Anna Example\] delete/m);
  });

  test('nor is one in a colour', () => {
    const line = (text: string) => `<p style="color:#c00000">${text}</p>`;
    const shown = quoted.split('\n').map((text) => (/^\[/.test(text) ? line(text) : `<p>${text}</p>`));
    const html = `<p>Yes.</p>${shown.join('')}${line('Only the old one.')}<p>Thread thr_0123456789abcdef</p>`;
    const { body } = extractNewWords({ text: '', html, from, ours });
    expect(body).toMatch(/\nOnly the old one\.$/);
    expect(body).not.toMatch(/^\[/m);
  });
});

describe('signatures', () => {
  test.each([
    ['--\nPerson\nExample Ltd'],
    ['Sent from my iPhone'],
    ['Von meinem iPhone gesendet'],
    ['Envoyé de mon iPhone'],
    ['Enviado desde mi iPhone'],
    ['Inviato da iPhone'],
    ['Verstuurd vanaf mijn iPhone'],
    ['Skickat från min iPhone'],
    ['Wysłane z iPhone’a'],
    ['Отправлено с iPhone'],
    ['Get Outlook for iOS<https://aka.ms/example>'],
  ])('%j goes apart', (signature) => {
    const words = newWords(`Yes, do it.\n\n${signature}\n\nOn 19 Nov 2026, at 10:00, Bob wrote:\n${QUOTE}\n`);
    expect(words.body).toBe('Yes, do it.');
    expect(words.signature).toBe(signature);
  });

  test('under the quote goes apart too, and the quote stays cut', () => {
    const words = newWords(`Yes, do it.\n\nOn 19 Nov 2026, at 10:00, Bob wrote:\n${QUOTE}\n\n-- \nPerson\n`);
    expect(words.body).toBe('Yes, do it.');
    expect(words.signature).toBe('--\nPerson');
  });

  test('a sentence that begins like one is none', () => {
    const text = 'Here it is.\n\nSent from my desk, which is easier than a phone.';
    expect(newWords(text).body).toBe(text);
  });
});

describe('what is the person’s stays', () => {
  test.each([
    [
      'code in a fence',
      'Use this:\n\n```\n> quoted\n--\nFrom: a\nTo: b\nSubject: c\nOn 1 Jan 2026, x wrote:\n```\n\nDone.',
    ],
    [
      'a sentence that begins with On',
      'On your remote host you can run:\n\n    telnet 127.0.0.1\n\nOn Monday I wrote a test that says:\nok',
    ],
    ['a list', 'Two things:\n- one\n- two'],
    ['a quote only', '> Email with only quote.'],
    ['an attribution only', 'On 19 Nov 2026, at 10:00, Bob wrote:'],
    ['a footer only', 'Sent from my iPhone'],
    ['a table of routes', 'From: Berlin\nTo: Paris\nDate: Monday'],
    ['dashes in a line', 'a -- b'],
  ])('%s', (_, text) => {
    expect(newWords(text).body).toBe(text);
  });

  test('a footer above another mail is not said twice', () => {
    const original = 'From: Bob <bob@example.com>\nSent: Thursday, November 19, 2026\nTo: b\nSubject: c\n\nShall I?';
    const words = newWords(`Sent from Outlook for Android\n${original}`);
    expect(words.body).toBe(`Sent from Outlook for Android\n${original}`);
    expect(words.notes).toEqual([EXTRACTION_NOTES.unsure]);
  });

  test.each([
    ['-- \nyes', 'yes'],
    ['\n--\nyes', 'yes'],
  ])('the words under a mark that has nothing above it: %j', (text, body) => {
    expect(newWords(text).body).toBe(body);
    expect(newWords(`${text}\n\n${REPLY_MARKER}\n> q`).body).toBe(body);
  });

  test('nothing is nothing', () => {
    expect(newWords(' \n \n')).toEqual({ body: '', quoted: null, signature: null, notes: [] });
  });

  test('of a log of a megabyte not a line is lost; of a long quote only the quote is cut', () => {
    const log = Array.from({ length: 20_000 }, (_, n) => `line ${n}`).join('\n');
    expect(newWords(log).body).toBe(log);
    const words = newWords(`Yes.\n\nOn 19 Nov 2026, at 10:00, Bob wrote:\n\n${log}`);
    expect(words.body).toBe('Yes.');
    expect(words.quoted).toContain('line 19999');
  });

  test('the body is never empty when the person wrote a line, and has only the email’s lines', () => {
    const line = fc.constantFrom(
      '',
      'yes',
      '> q',
      '>> q',
      '-- ',
      'Sent from my iPhone',
      ATTRIBUTIONS[0] ?? '',
      REPLY_MARKER,
      '```',
      'From: a@example.com',
      'To: b',
      'Subject: c',
      '-----Original Message-----',
      '_____',
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 15 }), (lines) => {
        const text = lines.join('\n');
        const { body } = newWords(text);
        if (lines.some((one) => one === 'yes')) expect(body.trim()).not.toBe('');
        // What was typed into a quote comes without its mark.
        const own = new Set(['', ...lines.flatMap((one) => [one.trimEnd(), one.replace(/^[\s>]+/, '').trimEnd()])]);
        for (const one of body.split('\n')) expect(own).toContain(one);
      }),
      { numRuns: 500 },
    );
  });
});

/** Each of these took a published parser between 20 s and 150 s; steps are counted by the size of the output, time by the runner's limit. */
describe('hostile input ends', () => {
  test.each([
    ['100 kB of newlines', '\n'.repeat(100_000)],
    ['100,000 dashes', '-'.repeat(100_000)],
    ['100,000 spaces', ' '.repeat(100_000)],
    ['On a a a', `On ${'a '.repeat(60_000)}`],
    ['attributions without end', 'On 2026-01-01 10:00\n'.repeat(5000)],
    ['long half attributions', `On 1 wrote <${'a'.repeat(450)}\n`.repeat(2000)],
    ['quotes and words in turn', '> a\nb\n'.repeat(20_000)],
    ['signatures', '-- \n'.repeat(30_000)],
    ['header blocks', 'From: a\n'.repeat(10_000)],
    ['half footers', `sent from ${'mail '.repeat(30)}\n`.repeat(2000)],
  ])('%s', { timeout: 1000 }, (_, text) => {
    newWords(text);
  });
});

const emails = readCorpus('reply-trimmer/emails', '.txt');
const trimmed = readCorpus('reply-trimmer/trimmed', '.txt');

test.skipIf(emails === undefined || trimmed === undefined)(
  'of the public answers at least 32 of 32 come out exactly',
  () => {
    const squeeze = (text: string) => text.replace(/\s+/g, ' ').trim();
    const wrong = [...(emails ?? [])]
      .filter(
        ([file, text]) => squeeze(newWords(text.toString()).body) !== squeeze(trimmed?.get(file)?.toString() ?? ''),
      )
      .map(([file]) => file);
    console.log(`public answers of the trimmer: ${(emails?.size ?? 0) - wrong.length} of ${emails?.size} exact`);
    expect(wrong).toEqual([]);
  },
);

const github = readCorpus('reply-github', '.txt');

test.skipIf(github === undefined)('no public answer loses its first line', { timeout: 5000 }, () => {
  console.log(`public answers of github: ${github?.size} read, none thrown, none without its first line`);
  for (const [file, text] of github ?? []) {
    const first = text
      .toString()
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trimEnd();
    if (file === 'email_1_8.txt') continue; // Begins with an attribution: the answers come between the quotes.
    expect(newWords(text.toString()).body.split('\n')[0], file).toBe(first);
  }
});
