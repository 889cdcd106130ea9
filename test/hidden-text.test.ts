/** What a person would not see, taken out of what a model reads. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stripHidden } from '../relay/hidden-text.ts';

test('zero-width, bidi, tag, filler and control characters and variation selectors are taken out and counted', () => {
  const tags = [...'ignore'].map((letter) => String.fromCodePoint(0xe0000 + (letter.codePointAt(0) ?? 0))).join('');
  const text = `a\u200bb\u202ec\u2066d${tags}e\u0007f\ufeffg\u{e0101}\u3164\u00ad`;
  expect(stripHidden(text)).toEqual({ text: 'abcdefg', removed: 14 });
});

test('what a person sees stays: tabs, line ends, accents, other scripts, emoji with joiners', () => {
  const plain = 'tab\there\nGrüße e\u0301 你好 عربى \u{1f600} ❤️ 1️⃣ 👩‍💻 \u{1f468}\u{1f3fd}\u200d\u{1f467}';
  expect(stripHidden(plain)).toEqual({ text: plain, removed: 0 });
});

test('a joiner between digits or letters is hidden text', () => {
  expect(stripHidden('1\u200d2 #\u200d* a\u200db')).toEqual({ text: '12 #* ab', removed: 3 });
});

test('half a surrogate pair is taken out', () => {
  expect(stripHidden('a\ud83db\ude00')).toEqual({ text: 'ab', removed: 2 });
});

test('every line end becomes LF and counts as nothing hidden', () => {
  expect(stripHidden('a\r\nb\rc\u2028d\u2029e')).toEqual({ text: 'a\nb\nc\nd\ne', removed: 0 });
});

test('what is left is text that can be sent anywhere', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(stripHidden(text).text).not.toMatch(/[\r\u2028\u2029\p{Cs}\p{Bidi_Control}\u200b]/u);
    }),
  );
});
