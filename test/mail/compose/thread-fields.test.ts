/** In-Reply-To, References and the subject, as Gmail, Outlook and Apple Mail want them. */
import { describe, expect, test } from 'vitest';
import { answerSubject, baseSubject, threadFields } from '../../../relay/mail/compose/thread-fields.ts';

const id = (name: string | number): string => `<${name}@example.com>`;
const none = { parentId: null, parentReferences: [], earlier: [] };

describe('References', () => {
  test('a thread that begins has none', () => {
    expect(threadFields(none)).toEqual({ inReplyTo: null, references: [] });
  });

  test('are those of the mail answered, then that mail (RFC 5322 section 3.6.4)', () => {
    const found = threadFields({
      parentId: id('c'),
      parentReferences: [id('root'), id('a'), id('b')],
      earlier: [id('a'), id('b'), id('c')],
    });
    expect(found).toEqual({ inReplyTo: id('c'), references: [id('root'), id('a'), id('b'), id('c')] });
  });

  test('are our own chain where the program of the person dropped them', () => {
    expect(threadFields({ parentId: id('c'), parentReferences: [], earlier: [id('a'), id('b'), id('c')] })).toEqual({
      inReplyTo: id('c'),
      references: [id('a'), id('b'), id('c')],
    });
  });

  test('end in the mail answered, also where it is not the newest', () => {
    expect(threadFields({ parentId: id('b'), parentReferences: [], earlier: [id('a'), id('b'), id('c')] })).toEqual({
      inReplyTo: id('b'),
      references: [id('a'), id('b')],
    });
  });

  test('an answer to a mail without a Message-ID hangs on the newest mail before it', () => {
    expect(threadFields({ ...none, earlier: [id('a'), id('b')] })).toEqual({
      inReplyTo: id('b'),
      references: [id('a'), id('b')],
    });
  });

  test('keep the first and the newest twenty', () => {
    const many = Array.from({ length: 300 }, (_, n) => id(n));
    const { references } = threadFields({ parentId: id('p'), parentReferences: many, earlier: [] });
    expect(references).toEqual([id(0), ...many.slice(-19), id('p')]);
  });

  test('what cannot stand in a field is left out', () => {
    const odd = ['<a b>', '<ü@example.com>', 'x', `<${'x'.repeat(990)}>`, '<a>\r\nBcc: <b>'];
    expect(threadFields({ parentId: '<ü@example.com>', parentReferences: odd, earlier: [id('a'), ...odd] })).toEqual({
      inReplyTo: id('a'),
      references: [id('a')],
    });
  });
});

describe('the subject', () => {
  test.each([
    ['Question', 'Question'],
    ['Re: Question', 'Question'],
    ['RE: re: AW: Antw: SV: Question', 'Question'],
    ['Re[2]: Question', 'Question'],
    ['回复：问题', '问题'],
    ['Odp: pytanie', 'pytanie'],
    ['Fwd: Question', 'Fwd: Question'],
    ['Re: Fwd: Question', 'Fwd: Question'],
    ['Research: what now', 'Research: what now'],
    ['Re:', 'Re:'],
    ['', ''],
  ])('%j is about %j', (subject, base) => {
    expect(baseSubject(subject)).toBe(base);
    if (base !== '' && base !== 'Re:') expect(answerSubject(subject)).toBe(`Re: ${base}`);
  });

  test('takes a moment only, whatever it is', () => {
    const startedAt = performance.now();
    baseSubject('re: '.repeat(100_000));
    baseSubject(`re${' '.repeat(100_000)}`);
    expect(performance.now() - startedAt).toBeLessThan(200);
  });
});
