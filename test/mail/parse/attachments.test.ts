import { describe, expect, test } from 'vitest';
import { safeFilename } from '../../../relay/mail/parse/attachments.ts';
import { parseEmail } from '../../../relay/mail/parse/parse-email.ts';

interface Part {
  readonly type: string;
  readonly disposition: string;
  readonly content: Buffer;
}

const PNG = Buffer.from(
  '89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000049454e44ae426082',
  'hex',
);
const PROGRAM = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(200)]);

async function parts(...list: readonly Partial<Part>[]) {
  const lines = ['From: person@example.com', 'Content-Type: multipart/mixed; boundary=b', ''];
  for (const {
    type = 'application/pdf',
    disposition = 'attachment; filename=a.bin',
    content = Buffer.from('x'),
  } of list) {
    lines.push('--b', `Content-Type: ${type}`, `Content-Disposition: ${disposition}`);
    lines.push('Content-Transfer-Encoding: base64', '', content.toString('base64').replace(/.{76}/g, '$&\r\n'));
  }
  return parseEmail(Buffer.from([...lines, '--b--', ''].join('\r\n')));
}

describe('names', () => {
  // RFC 2231 sections 3 and 4, RFC 2047 where programs use it all the same, RFC 6266's plain form.
  test.each([
    ["filename*=utf-8''%C3%9Cberblick%202026.pdf", 'Überblick 2026.pdf'],
    ["filename*0*=utf-8''%E6%9D%B1; filename*1*=%E4%BA%AC; filename*2=.pdf", '東京.pdf'],
    ["filename*=iso-8859-1'de'f%FCr.pdf", 'für.pdf'],
    ['filename="=?utf-8?B?w7xiZXIucGRm?="', 'über.pdf'],
    ['filename="../../etc/passwd"', 'passwd'],
    ['filename="C:\\\\Users\\\\person\\\\a.pdf"', 'a.pdf'],
    ["filename*=utf-8''..%2F..%2Fa.pdf", 'a.pdf'],
    ["filename*=utf-8''invoice%E2%80%AEfdp.exe", 'invoicefdp.exe'],
    ["filename*=utf-8''a%00b%0D%0AX-Evil%3A%201.pdf", 'abX-Evil 1.pdf'],
    ['filename="CON.txt"', 'attachment-1-CON.txt'],
    ['filename=".."', 'attachment-1'],
    ['filename="notes.txt . . "', 'notes.txt'],
    [`filename="${'a'.repeat(400)}.pdf"`, `${'a'.repeat(196)}.pdf`],
  ])('%s becomes %s', async (parameter, name) => {
    const { attachments } = await parts({ disposition: `attachment; ${parameter}` });
    expect(attachments[0]?.filename).toBe(name);
  });
});

test('a name of a hundred thousand dots or accents is a name like any other', () => {
  const started = performance.now();
  // Accents in the wrong order: to sort them takes time by the square of their number.
  expect(safeFilename(`e${'\u0301\u0323'.repeat(50_000)}.pdf`, 0)).toMatch(/^.{150,200}[.]pdf$/);
  expect(safeFilename(`a/${'b/'.repeat(50_000)}c.pdf`, 0)).toBe('c.pdf');
  expect(safeFilename(`a${'. '.repeat(50_000)}b`, 0)).toBe('a');
  expect(performance.now() - started).toBeLessThan(1000);
});

describe('types are what the bytes say', () => {
  test.each([
    ['image/png', 'a.png', PNG, 'image/png', []],
    ['application/octet-stream', 'a.png', PNG, 'image/png', []],
    [
      'application/pdf',
      'a.pdf',
      PNG,
      'image/png',
      ['attachment 0 (a.pdf) says that it is application/pdf and is image/png'],
    ],
    ['text/plain', 'a.txt', Buffer.from('hello'), 'text/plain', []],
    [
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
      'a.docx',
      Buffer.concat([Buffer.from('504b0304', 'hex'), Buffer.alloc(60)]),
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
      [],
    ],
    ['nonsense', 'a', Buffer.from('hello'), 'application/octet-stream', []],
  ])('%s %s', async (type, name, content, contentType, problems) => {
    const parsed = await parts({ type, disposition: `attachment; filename=${name}`, content });
    expect(parsed.attachments[0]?.contentType).toBe(contentType);
    expect(parsed.problems).toEqual(problems);
  });

  test('a program is named as one, whatever it calls itself', async () => {
    const hidden = await parts({ type: 'image/png', disposition: 'attachment; filename=cat.png', content: PROGRAM });
    expect(hidden.problems).toEqual(['attachment 0 (cat.png) is a program or can hold one']);
    const open = await parts({ disposition: 'attachment; filename="invoice.pdf.js"' });
    expect(open.problems).toEqual(['attachment 0 (invoice.pdf.js) is a program or can hold one']);
  });
});

describe('how much is kept', () => {
  test('files after the hundredth are left out, and it is said', async () => {
    const parsed = await parts(...Array.from({ length: 120 }, () => ({})));
    expect(parsed.attachments).toHaveLength(100);
    expect(parsed.problems[0]).toMatch(/^20 of 120 attachments were left out/);
  });
});
