import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { composeEmail, readEmailFrame } from '../../../relay/mail/compose/compose-email.ts';
import { fillText } from '../../../relay/mail/compose/email-frame.ts';
import type { EmailDraft, ParsedEmail } from '../../../relay/mail/contracts.ts';
import { parseEmail } from '../../../relay/mail/parse/parse-email.ts';
import { newWords, REPLY_MARKER } from '../../../relay/mail/replies/new-words.ts';
import { readSignaturePart, SIGNATURE_PART, writeSignaturePart } from '../../../relay/mail/signature/signature-part.ts';

const FRAME = readEmailFrame(path.join(import.meta.dirname, '../../../templates/email'));
const JWS = `eyJhbGciOiJFUzI1NiJ9.${'p'.repeat(700)}.${'s'.repeat(86)}`;

function draft(changes: Partial<EmailDraft> = {}): EmailDraft {
  return {
    from: { address: 'bob@turnpost.localhost', name: 'Bob' },
    replyTo: { address: 'bob+r1token@turnpost.localhost', name: 'Bob' },
    to: ['person@example.com'],
    cc: [],
    subject: 'Deploy?',
    body: 'Shall I deploy **now**?',
    messageId: '<tp.r1@turnpost.localhost>',
    inReplyTo: null,
    references: [],
    topic: 'Deploy?',
    sentAt: Date.UTC(2026, 10, 19, 9),
    isAnswer: false,
    agent: {
      address: 'bob@turnpost.localhost',
      threadId: 'thr_1',
      type: 'query',
      priority: 'urgent',
      requiresResponse: true,
      hop: 2,
      jws: JWS,
    },
    data: null,
    attachments: [],
    linked: null,
    unsubscribe: null,
    ...changes,
  };
}

async function compose(
  changes: Partial<EmailDraft> = {},
): Promise<{ raw: Buffer; email: ParsedEmail; fields: string[] }> {
  const raw = await composeEmail(draft(changes), FRAME);
  const email = await parseEmail(raw);
  return { raw, email, fields: [...email.headers.keys()] };
}

function partOf(email: ParsedEmail, name: string): Buffer {
  return email.attachments.find(({ filename }) => filename === name)?.content ?? Buffer.alloc(0);
}

describe('an email that goes out', () => {
  test('says who it is from, where to answer and that a machine sent it (RFC 3834)', async () => {
    const { email } = await compose({
      inReplyTo: '<m0@example.com>',
      references: ['<r@example.com>', '<m0@example.com>'],
    });
    expect(email.from).toEqual([{ address: 'bob@turnpost.localhost', name: 'Bob' }]);
    expect(email.headers.get('reply-to')).toEqual(['Bob <bob+r1token@turnpost.localhost>']);
    expect(email.messageId).toBe('<tp.r1@turnpost.localhost>');
    expect(email.inReplyTo).toEqual(['<m0@example.com>']);
    expect(email.references).toEqual(['<r@example.com>', '<m0@example.com>']);
    expect(email.sentAt).toBe(Date.UTC(2026, 10, 19, 9));
    expect(email.headers.get('auto-submitted')).toEqual(['auto-generated']);
    expect(email.headers.get('x-auto-response-suppress')).toEqual(['All']);
    expect(email.headers.has('precedence')).toBe(false);
    expect((await compose({ isAnswer: true })).email.headers.get('auto-submitted')).toEqual(['auto-replied']);
  });

  test('carries the agent headers, which are read back as they were', async () => {
    const { email } = await compose();
    expect(email.agentHeaders).toEqual({
      id: 'bob@turnpost.localhost',
      task: 'thr_1',
      type: 'query',
      priority: 'urgent',
      requiresResponse: true,
      hops: 2,
      signature: JWS,
    });
  });

  test('carries the signed message with the exact bytes of its body', async () => {
    const body = 'Zeile eins\r\nline  two \n\ttab ü €\n';
    const { email } = await compose({ body });
    const part = readSignaturePart(partOf(email, SIGNATURE_PART));
    expect(part?.jws).toBe(JWS);
    expect(part?.body.equals(Buffer.from(body))).toBe(true);
    expect(email.attachments.find(({ filename }) => filename === SIGNATURE_PART)?.contentType).toBe(
      'application/jose+json',
    );
  });

  test('carries data as JSON and files as they are', async () => {
    const content = Buffer.from([0, 255, 13, 10, 46, 13, 10]);
    const { email } = await compose({
      data: { callback: { method: 'email' } },
      attachments: [{ index: 0, filename: 'ü.bin', contentType: 'message/rfc822', size: 7, sha256: '', content }],
    });
    expect(JSON.parse(partOf(email, 'agent-data.json').toString())).toEqual({ callback: { method: 'email' } });
    expect(partOf(email, 'ü.bin').equals(content)).toBe(true);
  });

  test('has the marker, the words as they are, then who asks and the thread', async () => {
    const { email } = await compose();
    expect(email.text).toBe(
      `${REPLY_MARKER}\n\nShall I deploy **now**?\n\n-- \nBob <bob@turnpost.localhost> is a coding agent.\nIt waits for your answer: answer this email.\nThread thr_1\n`,
    );
  });

  test('in HTML everything is escaped, and nothing in it is a template', async () => {
    const { raw } = await compose({ body: '<script>alert(1)</script> & {{thread}} $& "q"', subject: '</title>' });
    const html = await htmlOf(raw);
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt; &amp; {{thread}} $&amp; &quot;q&quot;');
    expect(html).toContain('<title>&lt;/title&gt;</title>');
    expect(html).toContain('name="viewport"');
    expect(html).toContain(REPLY_MARKER);
    expect(html).not.toContain('<script>');
  });

  test('an answer to it, quoted by a program, gives the new words alone', async () => {
    const { email } = await compose();
    const quoted = email.text
      .trimEnd()
      .split('\n')
      .map((line) => `> ${line}`)
      .join('\n');
    expect(newWords(`Yes.\n\nUnknown program, unknown words\n${quoted}\n`).body).toBe(
      'Yes.\n\nUnknown program, unknown words',
    );
    expect(newWords(`Yes.\n\n${email.text}`).body).toBe('Yes.');
  });

  async function htmlOf(raw: Buffer): Promise<string> {
    // As a file: the text of an HTML part that stands alone, unconverted.
    const source = raw
      .toString('latin1')
      .replace('Content-Type: text/html; charset=utf-8', 'Content-Type: application/x-html');
    const email = await parseEmail(Buffer.from(source, 'latin1'));
    return email.attachments.find(({ contentType }) => contentType === 'application/x-html')?.content.toString() ?? '';
  }

  test('lines stay within RFC 5322 section 2.1.1 and every byte is ASCII', async () => {
    const { raw, email } = await compose({
      body: `${'x'.repeat(5000)}\n.\nFrom here\n${'ü'.repeat(2000)}`,
      subject: 'ü '.repeat(200),
      to: Array.from({ length: 90 }, (_, n) => `person-${n}@example.com`),
      references: Array.from({ length: 60 }, (_, n) => `<${n}.${'r'.repeat(50)}@example.com>`),
    });
    for (const line of raw.toString('latin1').split('\r\n')) expect(line.length).toBeLessThanOrEqual(998);
    expect(raw.every((byte) => byte < 128)).toBe(true);
    expect(raw.toString('latin1')).not.toMatch(/[^\r]\n/);
    expect(email.text).toContain(`${'x'.repeat(5000)}\n.\nFrom here\n${'ü'.repeat(2000)}`);
    expect(email.to).toHaveLength(90);
    expect(email.references).toHaveLength(60);
  });
});

describe('header injection', () => {
  const EVIL = 'a\r\nBcc: evil@attacker.example\r\n\r\nbody';

  test('changes no field and adds none, whichever value tries', async () => {
    const { agent } = draft();
    const usual = (await compose()).fields;
    const tries: Partial<EmailDraft>[] = [
      { subject: EVIL },
      { subject: 'a\u2028Bcc: evil@attacker.example' },
      { from: { address: 'bob@turnpost.localhost', name: EVIL } },
      { replyTo: { address: 'bob@turnpost.localhost', name: EVIL } },
      { agent: { ...agent, threadId: EVIL } },
      { references: [EVIL, `<${EVIL}>`] },
      {
        attachments: [
          {
            index: 0,
            filename: EVIL,
            contentType: `text/plain\r\nX: ${EVIL}`,
            size: 0,
            sha256: '',
            content: Buffer.alloc(0),
          },
        ],
      },
    ];
    for (const change of tries) {
      const { fields, email } = await compose(change);
      expect(fields.filter((name) => name !== 'references')).toEqual(usual.filter((name) => name !== 'references'));
      expect(email.text).toContain('Shall I deploy');
    }
  });

  test('an address or Message-ID that is none is refused', async () => {
    const { agent } = draft();
    const tries: Partial<EmailDraft>[] = [
      { to: [EVIL] },
      { to: ['jõgeva@example.com'] },
      { cc: ['a@example.com, b@example.com'] },
      { from: { address: EVIL, name: null } },
      { replyTo: { address: 'a@example.com\n', name: null } },
      { messageId: `<${EVIL}>` },
      { inReplyTo: EVIL },
      { agent: { ...agent, address: EVIL } },
      { agent: { ...agent, jws: EVIL } },
    ];
    for (const change of tries) await expect(composeEmail(draft(change), FRAME)).rejects.toThrow(TypeError);
  });
});

test('a signature part that is none is not read', () => {
  for (const text of [
    '',
    'null',
    '{}',
    '[1]',
    '{"payload":"a","protected":"b","signature":"c"}',
    '{"payload":"a.b","protected":"b","signature":"c","body":""}',
  ]) {
    expect(readSignaturePart(Buffer.from(text))).toBeUndefined();
  }
  expect(readSignaturePart(Buffer.from(writeSignaturePart('a.b.c', '')))).toEqual({
    jws: 'a.b.c',
    body: Buffer.alloc(0),
  });
});

test('a frame that asks for what there is not is a mistake that shows', () => {
  const words = { marker: '', subject: '', body: '', who: '', answer: '', thread: '' };
  const values = { ...words, files: [], filesUntil: '', unsubscribe: null };
  expect(() => fillText('{{nothing}}', values)).toThrow(TypeError);
});
