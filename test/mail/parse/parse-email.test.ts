import { describe, expect, test } from 'vitest';
import { safeFilename } from '../../../relay/mail/parse/attachments.ts';
import { parseEmail, UnparsableEmail } from '../../../relay/mail/parse/parse-email.ts';
import { readCorpus } from '../corpora.ts';

function email(...lines: string[]): Buffer {
  return Buffer.from(lines.join('\r\n'));
}

describe('header fields', () => {
  test('are decoded, unfolded and kept in their order', async () => {
    const parsed = await parseEmail(
      email(
        'Received: one',
        'Received: two',
        'From: =?iso-8859-1?q?J=F6rg?= <Joerg@Example.com>',
        'To: a@example.com,',
        ' b@example.com',
        'Cc: c@example.com',
        'Subject: =?utf-8?b?w7w=?= =?utf-8?q?ber?=',
        ' folded',
        'Message-ID: <m1@example.com>',
        'In-Reply-To: <m0@example.com>',
        'References: <r1@example.com>',
        ' <m0@example.com>',
        'Date: Thu, 19 Nov 2026 10:00:00 +0100 (CET)',
        '',
        'hi',
      ),
    );
    expect(parsed.from).toEqual([{ address: 'joerg@example.com', name: 'Jörg' }]);
    expect(parsed.to.map(({ address }) => address)).toEqual(['a@example.com', 'b@example.com']);
    expect(parsed.cc.map(({ address }) => address)).toEqual(['c@example.com']);
    expect(parsed.subject).toBe('über folded');
    expect(parsed.messageId).toBe('<m1@example.com>');
    expect(parsed.inReplyTo).toEqual(['<m0@example.com>']);
    expect(parsed.references).toEqual(['<r1@example.com>', '<m0@example.com>']);
    expect(parsed.sentAt).toBe(Date.UTC(2026, 10, 19, 9));
    expect(parsed.headers.get('received')).toEqual(['one', 'two']);
    expect(parsed.text).toBe('hi');
    expect(parsed.problems).toEqual([]);
  });

  test('two From fields are two authors; one that cannot be read leaves none', async () => {
    expect((await parseEmail(email('From: a@example.com', 'From: b@example.com', '', ''))).from).toHaveLength(2);
    const unreadable = await parseEmail(email('From: a@example.com, jõgeva@example.com', '', ''));
    expect(unreadable.from).toEqual([]);
    expect(unreadable.problems).toEqual(['an author in the From field cannot be read']);
  });

  test('of the delivery traces the topmost of each counts', async () => {
    const parsed = await parseEmail(
      email(
        'Delivered-To: inbox+r1@example.com',
        'Delivered-To: forged@example.com',
        'X-Original-To: <orig@example.com>',
        'Envelope-To: env@example.com',
        '',
        '',
      ),
    );
    expect(parsed.deliveredTo).toEqual(['inbox+r1@example.com', 'orig@example.com', 'env@example.com']);
  });

  test('a Date without sense is none', async () => {
    expect((await parseEmail(email('Date: yesterday', '', ''))).sentAt).toBeNull();
    expect((await parseEmail(email('Date: Thu, 1 Jan 9999 00:00:00 +0000', '', ''))).sentAt).toBeNull();
    expect((await parseEmail(email('X: y', '', ''))).sentAt).toBeNull();
  });

  test('agent headers are read, nonsense is not, and an unreadable hop count is too many', async () => {
    const parsed = await parseEmail(
      email(
        'X-Agent-ID: bob@example.com',
        'X-Agent-Task-ID: thr_1',
        'X-Agent-Message-Type: bounce',
        'X-Agent-Priority: URGENT',
        'X-Agent-Requires-Response: true',
        'X-Agent-Hops: -1',
        'X-Agent-Signature: aaa.bbb',
        ' ccc.ddd',
        '',
        '',
      ),
    );
    expect(parsed.agentHeaders).toEqual({
      id: 'bob@example.com',
      task: 'thr_1',
      type: null,
      priority: 'urgent',
      requiresResponse: true,
      hops: Number.MAX_SAFE_INTEGER,
      signature: 'aaa.bbbccc.ddd',
    });
    expect((await parseEmail(email('X: y', '', ''))).agentHeaders).toMatchObject({
      id: null,
      hops: 0,
      requiresResponse: false,
    });
  });
});

const ALTERNATIVE = ['Content-Type: multipart/alternative; boundary=b', '', '--b'];

describe('text', () => {
  test('of format=flowed: an order under a quote stays outside it', async () => {
    const parsed = await parseEmail(email('Content-Type: text/plain; format=flowed', '', '> please ', 'YES deploy'));
    expect(parsed.text).toBe('> please\nYES deploy');
  });

  test('is the plain part, or the HTML where that says nothing', async () => {
    const html = ['--b', 'Content-Type: text/html', '', '<p>from html</p>', '--b--'];
    expect((await parseEmail(email(...ALTERNATIVE, '', 'from plain', ...html))).text.trim()).toBe('from plain');
    expect((await parseEmail(email(...ALTERNATIVE, '', ' ', ...html))).text).toBe('from html');
  });

  test('of HTML leaves out what a person would not see', async () => {
    const hidden = [
      '<div style="DISPLAY : none">one</div>',
      '<span hidden>two</span>',
      '<p style="color:red; font-size:0px !important">three</p>',
      '<div style="display:/*x*/none">four</div>',
      '<style>five</style><script>six</script>',
      '<div style="visibility:hidden"><b style="visibility:visible">seven</b></div>',
    ];
    const parsed = await parseEmail(
      email(
        'Content-Type: text/html',
        '',
        `<p>Yes, <b style="color:red">do it</b></p>${hidden.join('')}<blockquote style="margin:0">old</blockquote>`,
      ),
    );
    expect(parsed.text).toBe('Yes, do it\n\n> old');
  });

  test('of charsets and transfer encodings is decoded', async () => {
    const parsed = await parseEmail(
      email(
        'Content-Type: text/plain; charset=windows-1252',
        'Content-Transfer-Encoding: quoted-printable',
        '',
        'caf=E9 =80',
      ),
    );
    expect(parsed.text).toBe('café €');
  });

  test('of a multipart whose boundary is missing is shown as it stands', async () => {
    const parsed = await parseEmail(email('Content-Type: multipart/mixed; boundary=nowhere', '', 'still here'));
    expect(parsed.text).toBe('still here');
    expect(parsed.problems).toEqual([expect.stringContaining('cannot be told apart')]);
  });
});

describe('attachments', () => {
  test('come with their bytes, a name without tricks, and their hash', async () => {
    const parsed = await parseEmail(
      email(
        'Content-Type: multipart/mixed; boundary=b',
        '',
        '--b',
        'Content-Type: text/plain',
        '',
        'see file',
        '--b',
        'Content-Type: application/pdf',
        'Content-Disposition: attachment; filename="../../etc/pass\u202Ewd.pdf"',
        'Content-Transfer-Encoding: base64',
        '',
        'aGVsbG8=',
        '--b',
        'Content-Type: text/plain',
        'Content-Disposition: inline; filename=log.txt',
        '',
        'a log',
        '--b--',
      ),
    );
    expect(parsed.text.trim()).toBe('see file');
    expect(parsed.attachments).toMatchObject([
      { index: 0, filename: 'passwd.pdf', contentType: 'application/pdf', size: 5, content: Buffer.from('hello') },
      { index: 1, filename: 'log.txt', contentType: 'text/plain' },
    ]);
    expect(parsed.attachments[0]?.sha256).toBe('2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
  });

  test.each([
    [null, 'attachment-3'],
    ['..', 'attachment-3'],
    ['C:\\dir\\file.exe', 'file.exe'],
    ['a\r\nb.txt', 'ab.txt'],
    ['x'.repeat(300), 'x'.repeat(200)],
  ])('the name %j becomes %j', (name, safe) => {
    expect(safeFilename(name, 2)).toBe(safe);
  });
});

describe('the second dedupe key', () => {
  test('is the same for the same body under other headers, another for another body', async () => {
    const one = await parseEmail(email('Received: x', 'From: a@example.com', '', 'hello'));
    const two = await parseEmail(email('From: a@example.com', '', 'hello'));
    const other = await parseEmail(email('From: a@example.com', '', 'hello!'));
    expect(one.bodyHash).toBe(two.bodyHash);
    expect(one.bodyHash).not.toBe(other.bodyHash);
  });
});

describe('hostile mail', () => {
  test('nested deeper than 10: what is below is left out and said so', async () => {
    const nest = Array.from(
      { length: 40 },
      (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`,
    ).join('');
    const parsed = await parseEmail(Buffer.from(`${nest}Content-Type: text/plain\r\n\r\nhello`));
    expect(parsed.text).toBe('');
    expect(parsed.problems).toEqual(['a part nested deeper than 10 was left out']);
  });

  test('10,000 parts are refused', async () => {
    const raw = Buffer.from(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(10_000)}`);
    await expect(parseEmail(raw)).rejects.toThrow(UnparsableEmail);
  });

  test('30,000 header fields are cut, a header of a megabyte is refused', async () => {
    const many = await parseEmail(Buffer.from(`${'X: y\r\n'.repeat(30_000)}\r\nhi`));
    expect(many.problems).toEqual([expect.stringContaining('header fields')]);
    await expect(parseEmail(Buffer.from(`X: ${'y'.repeat(1024 * 1024)}\r\n\r\nhi`))).rejects.toThrow(UnparsableEmail);
  });

  test('HTML nested 100,000 deep is read', async () => {
    const parsed = await parseEmail(Buffer.from(`Content-Type: text/html\r\n\r\n${'<b>'.repeat(100_000)}hi`));
    expect(parsed.text).toBe('hi');
  });

  test('text over the limit is cut and said so; bytes over the limit are refused', async () => {
    const parsed = await parseEmail(email('X: y', '', 'a'.repeat(100)), { text: 10 });
    expect(parsed.text).toBe('a'.repeat(10));
    expect(parsed.problems).toEqual(['the text was cut at 10 characters']);
    await expect(parseEmail(Buffer.alloc(101), { bytes: 100 })).rejects.toThrow(UnparsableEmail);
  });

  test.each([[''], ['\0\0\0'], ['x'], ['\r\n\r\n'], [':\r\n:'], ['Content-Type: ;;;=;\r\n\r\nx']])(
    '%j is an email too',
    async (raw) => {
      await expect(parseEmail(Buffer.from(raw))).resolves.toMatchObject({ attachments: [] });
    },
  );
});

const mime = readCorpus('mime', '.msg');
const bounces = readCorpus('bounces', '.eml');

test.skipIf(mime === undefined || bounces === undefined)(
  'every public torture mail is parsed or refused in words',
  async () => {
    for (const [file, raw] of [...(mime ?? []), ...(bounces ?? [])]) {
      const parsed = await parseEmail(raw).catch((error: unknown) => {
        expect(error, file).toBeInstanceOf(UnparsableEmail);
        return undefined;
      });
      if (parsed !== undefined) expect(typeof parsed.text, file).toBe('string');
    }
  },
);
