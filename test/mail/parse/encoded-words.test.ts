import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeRawHeader, decodeWords } from '../../../relay/mail/parse/encoded-words.ts';

describe('encoded words (RFC 2047)', () => {
  test.each([
    ['plain', 'plain'],
    ['=?utf-8?q?a_b=3Dc?=', 'a b=c'],
    ['=?UTF-8?B?w7w=?=', 'ü'],
    ['=?utf-8*en?q?hi?=', 'hi'], // RFC 2231 section 5
    ['=?utf-8?b?w7w=?= \t =?utf-8?q?ber?=', 'über'], // section 6.2
    ['=?utf-8?q?a?= b =?utf-8?q?c?=', 'a b c'],
    ['=?utf-8?b?4g==?= =?utf-8?b?gqw=?=', '€'], // a character cut in two
    ['=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=', '日本'],
    ['=?utf-8?q?a?= =?iso-8859-1?q?=FC?=', 'aü'],
    ['=?windows-1252?q?=93a=94_=80?=', '“a” €'],
    ['=?x-unknown?q?a?=', 'a'],
    ['=?utf-8?x?a?=', '=?utf-8?x?a?='],
    ['=?utf-7?q?+ADw-b+AD4-?=', '+ADw-b+AD4-'],
  ])('%s is %s', (encoded, plain) => {
    expect(decodeWords(encoded)).toBe(plain);
  });

  test('any text is decoded to some text', () => {
    const piece = fc.constantFrom('=?', 'utf-8', '?q?', '?b?', '?=', ' ', '=C3', 'w7w=', 'x');
    fc.assert(fc.property(fc.array(piece), (pieces) => typeof decodeWords(pieces.join('')) === 'string'));
  });
});

test('header bytes are UTF-8, or windows-1252 where they are not', () => {
  expect(decodeRawHeader(Buffer.from('ü').toString('latin1'))).toBe('ü');
  expect(decodeRawHeader('\u00fc\u0080')).toBe('ü€');
});
