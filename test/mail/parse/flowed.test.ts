import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeFlowed } from '../../../relay/mail/parse/flowed.ts';

/** RFC 3676; each title is the rule. */
describe('format=flowed', () => {
  test.each([
    [
      'a quote of another depth ends the paragraph (4.5), as Thunderbird sends it',
      '> please \nYES deploy',
      '> please\nYES deploy',
    ],
    ['a deeper quote ends it too', '> q \nown', '> q\nown'],
    ['every change of depth does', '>> a \n> b \nc', '>> a\n> b\nc'],
    ['the signature separator is never joined (4.3)', 'para \n-- \nBob', 'para\n-- \nBob'],
    ['a line of one depth is joined, its mark written once', '> a \n> b', '> a b'],
    ['stuffing is taken out (4.4)', ' From here', 'From here'],
    ['a stuffed quote mark is text', ' >x', '>x'],
    ['soft breaks are taken out, hard ones stay', 'one \ntwo\nthree', 'one two\nthree'],
    ['an empty quoted line stays', '>\n> a', '>\n> a'],
    ['line ends may be CRLF', 'one \r\ntwo\r\n', 'one two\n'],
    ['a last soft break ends with the text', 'one ', 'one'],
    ['a quoted signature separator stands alone', '> p \n> -- \n> n', '> p\n> -- \n> n'],
  ])('%s', (_, flowed, plain) => {
    expect(decodeFlowed(flowed, false)).toBe(plain);
  });

  test('with DelSp the space goes with the break (4.1)', () => {
    expect(decodeFlowed('日本 \n語です\n-- \n名', true)).toBe('日本語です\n-- \n名');
  });

  test('loses no visible character', () => {
    const line = fc.string({ unit: fc.constantFrom('a', '>', ' ', '-', 'é'), maxLength: 6 });
    const visible = (text: string) => text.replace(/[>\s]/g, '');
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.boolean(), (lines, delSp) => {
        expect(visible(decodeFlowed(lines.join('\n'), delSp))).toBe(visible(lines.join('\n')));
      }),
    );
  });

  test('ends on long input', () => {
    expect(decodeFlowed('a \n'.repeat(50_000), false)).toHaveLength(99_999 + 1);
    expect(decodeFlowed('>'.repeat(100_000), false)).toHaveLength(100_000);
  });
});
