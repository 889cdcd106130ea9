import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEmail } from '../../../relay/mail/parse/parse-email.ts';
import { rtfToText, unpackRtf } from '../../../relay/mail/parse/rtf-text.ts';
import { openArmour } from '../../../relay/mail/parse/sealed-email.ts';
import { readTnef } from '../../../relay/mail/parse/tnef.ts';
import { buildTnef, storeRtf } from '../../support/build-tnef.ts';

const CASES = path.join(import.meta.dirname, '../../cases/sealed');
const readCase = (name: string) => parseEmail(readFileSync(path.join(CASES, `${name}.eml`)));

describe('signed mail is read', () => {
  // Made with OpenSSL and GnuPG.
  test.each(['smime-opaque', 'smime-opaque-ber', 'smime-detached'])('%s', async (name) => {
    const { text, encryption } = await readCase(name);
    expect(text).toContain('Yes, deploy it. Grüße');
    expect(encryption).toBeNull();
  });

  test.each(['openpgp-clearsigned', 'openpgp-mime-signed'])('%s', async (name) => {
    const { text, encryption } = await readCase(name);
    expect(text.split('\n')[0]).toBe('Yes, deploy it.');
    expect(text).not.toContain('PGP');
    expect(encryption).toBeNull();
  });

  test('a signature mark that the armour escaped is one again', async () => {
    expect((await readCase('openpgp-clearsigned')).text).toBe('Yes, deploy it.\n-- \nPerson\n');
  });
});

describe('encrypted mail is named, never shown as text', () => {
  test.each([
    ['smime-encrypted', 'S/MIME'],
    ['smime-signed-and-encrypted', 'S/MIME'],
    ['openpgp-mime-encrypted', 'OpenPGP'],
    ['openpgp-inline-encrypted', 'OpenPGP'],
  ])('%s: %s', async (name, encryption) => {
    const parsed = await readCase(name);
    expect(parsed.encryption).toBe(encryption);
    expect(parsed.problems).toEqual([`the email is encrypted (${encryption}) and cannot be read here`]);
  });

  test('words of the person beside an encrypted block are read', () => {
    const block = '-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\n';
    expect(openArmour(`Can you open this?\n\n${block}`).encryption).toBeNull();
    expect(openArmour(`> before\n${block}`).encryption).toBe('OpenPGP');
  });

  test('many beginnings without an end are looked at once', () => {
    const text = '-----BEGIN PGP MESSAGE-----\n'.repeat(40_000);
    expect(openArmour(text)).toEqual({ text, encryption: null });
    const signed = '-----BEGIN PGP SIGNED MESSAGE-----\nHash: x\n\n'.repeat(20_000);
    expect(openArmour(signed).text).toBe(signed);
  });
});

function winmail(tnef: Buffer, text = ''): Buffer {
  const lines = [
    'From: person@example.com',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    text,
    '--b',
    'Content-Type: application/ms-tnef; name=winmail.dat',
    'Content-Disposition: attachment; filename=winmail.dat',
    'Content-Transfer-Encoding: base64',
    '',
    tnef.toString('base64').replace(/.{76}/g, '$&\r\n'),
    '--b--',
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}

describe('winmail.dat', () => {
  const files = [
    { name: 'REPORT~1.TXT', longName: 'Überblick 2026.txt', type: 'text/plain', content: Buffer.from('figures') },
    { name: 'plain.bin', content: Buffer.from([1, 2, 3]) },
  ];

  test('its files stand in place of it, with their long names', async () => {
    const parsed = await parseEmail(winmail(buildTnef({ files }), 'See the files.'));
    expect(parsed.text.trim()).toBe('See the files.');
    expect(parsed.attachments.map(({ filename, contentType, content }) => [filename, contentType, content])).toEqual([
      ['Überblick 2026.txt', 'text/plain', Buffer.from('figures')],
      ['plain.bin', 'application/octet-stream', Buffer.from([1, 2, 3])],
    ]);
  });

  test.each([
    ['text', { text: 'Yes, deploy it.' }],
    ['HTML', { html: '<p>Yes, deploy it.</p>' }],
    ['RTF', { rtf: storeRtf('{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}\\f0 Yes, deploy it.\\par}') }],
  ])('its %s is the body where the mail has no other', async (_, body) => {
    expect((await parseEmail(winmail(buildTnef(body)))).text.trim()).toBe('Yes, deploy it.');
  });

  test("the mail's own text goes before the stream's", async () => {
    expect((await parseEmail(winmail(buildTnef({ text: 'other' }), 'own'))).text.trim()).toBe('own');
  });

  test('a message inside brings its files, not deeper than it may', () => {
    const wrap = (inner: Buffer) =>
      buildTnef({ files: [{ name: 'm', content: Buffer.concat([Buffer.alloc(16), inner]) }] });
    expect(readTnef(wrap(buildTnef({ files })), 1e6)?.files.map(({ filename }) => filename)).toEqual([
      'Überblick 2026.txt',
      'plain.bin',
    ]);
    let deep = buildTnef({ files });
    for (let n = 0; n < 50; n += 1) deep = wrap(deep);
    expect(readTnef(deep, 1e6)?.files.map(({ filename }) => filename)).toEqual(['m']);
  });

  test('what is larger than allowed is not unpacked', () => {
    expect(readTnef(buildTnef({ files }), 5)?.files.map(({ filename }) => filename)).toEqual(['plain.bin']);
    const bomb = Buffer.alloc(16);
    bomb.writeUInt32LE(0xfffffff0, 4);
    bomb.writeUInt32LE(0x75465a4c, 8);
    expect(unpackRtf(bomb, 1e6)).toBeUndefined();
  });

  test('what it claims to hold costs no more than what is there', () => {
    const u32 = (value: number) => Buffer.from(new Uint32Array([value]).buffer);
    // PtypMultipleString8 with four thousand million values, of which none is there.
    const properties = Buffer.concat([u32(1), u32(0x1000_101e), u32(0xffffffff)]);
    const head = [buildTnef({}).subarray(0, 6), Buffer.from([1]), u32(0x00069003), u32(properties.length)];
    const started = performance.now();
    expect(readTnef(Buffer.concat([...head, properties, Buffer.alloc(2)]), 1e6)?.text).toBeNull();
    expect(performance.now() - started).toBeLessThan(1000);
    expect(readTnef(buildTnef({ text: `${'\0'.repeat(1_000_000)}x` }), 1e8)?.text).toHaveLength(1_000_001);
    expect(performance.now() - started).toBeLessThan(1000);
    const many = Array.from({ length: 5000 }, () => ({ name: 'a', content: Buffer.from('a') }));
    expect(readTnef(buildTnef({ files: many }), 1e6)?.files.length).toBe(1000);
  });

  test('cut anywhere or with any byte changed, it is read as far as it is sound', () => {
    const whole = buildTnef({ text: 'body', html: '<p>x</p>', rtf: storeRtf('{\\rtf1 x}'), files });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, length) => {
        const broken = Buffer.from(whole);
        broken[at] = byte;
        readTnef(broken.subarray(0, length), 1e6);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('RTF', () => {
  // MS-OXRTFCP section 3.1 gives these bytes and this text.
  test('is unpacked as the specification shows', () => {
    const packed =
      '2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232 0af32068656c090020627705b06c647d0a800fa0';
    expect(unpackRtf(Buffer.from(packed.replace(' ', ''), 'hex'), 1000)).toBe(
      '{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n',
    );
  });

  test('of groups without end, and of what unpacks to many times its size, the beginning is read', () => {
    expect(rtfToText(`{Yes.${'{'.repeat(3_000_000)}`)).toBe('Yes.');
    expect(unpackRtf(storeRtf('x'.repeat(5_000_000)), 1e8)?.length).toBe(4 * 1024 * 1024);
  });

  test('wrapped HTML gives its words and its line ends once', () => {
    const rtf =
      "{\\rtf1\\ansi\\fromhtml1{\\*\\htmltag64 <p>}\\htmlrtf {\\htmlrtf0 Yes, deploy it.{\\*\\htmltag72 </p>}\\htmlrtf\\par}\\htmlrtf0 {\\*\\htmltag64 <p>}Gr\\u252\\'fc\\'dfe{\\*\\htmltag72 </p>}}";
    expect(rtfToText(rtf)).toBe('Yes, deploy it.\nGrüße');
  });
});
