import { describe, expect, test } from 'vitest';
import { classifyEmail } from '../../../relay/mail/machines/classify.ts';
import { parseEmail } from '../../../relay/mail/parse/parse-email.ts';
import { readCorpus } from '../corpora.ts';

async function classify(lines: readonly string[], envelopeFrom: string | null = 'person@example.com') {
  const email = await parseEmail(Buffer.from(['From: person@example.com', ...lines].join('\r\n')));
  return classifyEmail(email, { envelopeFrom, isOwnMessageId: (id) => id === '<tp.x@turnpost.localhost>' });
}

describe('a person', () => {
  test.each([
    ['a plain answer', ['Subject: Re: Deploy?', '', 'Yes, go ahead.']],
    ['Auto-Submitted: no', ['Auto-Submitted: no; x=1', '', 'hi']],
    ['X-Auto-Response-Suppress, which Outlook puts on ordinary mail', ['X-Auto-Response-Suppress: All', '', 'hi']],
    [
      'a question about a bounce',
      ['Subject: Re: Undelivered Mail Returned to Sender', '', 'Why was this not delivered?'],
    ],
    [
      'someone who forwards an invitation as a file',
      [
        'Content-Type: multipart/mixed; boundary=b',
        '',
        '--b',
        '',
        'see',
        '--b',
        'Content-Type: text/calendar',
        'Content-Disposition: attachment',
        '',
        'METHOD:REQUEST',
        '--b--',
      ],
    ],
  ])('is %s', async (_, lines) => {
    expect(await classify(lines)).toEqual({ kind: 'person' });
  });
});

describe('no person', () => {
  test.each([
    [
      'auto_reply',
      'Auto-Submitted: auto-replied (vacation)',
      ['Auto-Submitted: auto-replied (vacation)', '', 'I am away'],
    ],
    ['auto_reply', 'Precedence: auto_reply', ['Precedence: auto_reply', '', 'away']],
    ['auto_reply', 'an X-Autoreply field', ['X-Autoreply: yes', '', 'away']],
    ['auto_reply', 'a subject only programs write', ['Subject: Automatische Antwort: Deploy?', '', 'Ich bin weg']],
    ['list', 'List-Id', ['List-Id: <dev.example.com>', '', 'news']],
    ['list', 'Precedence: bulk', ['Precedence: bulk', '', 'news']],
    ['bounce', 'X-Failed-Recipients', ['X-Failed-Recipients: gone@example.com', '', 'failed']],
    ['own', 'our own Message-ID', ['Message-ID: <tp.x@turnpost.localhost>', '', 'hi']],
    [
      'receipt',
      'a read receipt',
      [
        'Content-Type: multipart/report; report-type=disposition-notification; boundary=b',
        '',
        '--b',
        '',
        'read',
        '--b--',
      ],
    ],
    [
      'calendar',
      'a calendar answer',
      [
        'Content-Type: multipart/mixed; boundary=b',
        '',
        '--b',
        '',
        'Accepted',
        '--b',
        'Content-Type: text/calendar; method=REPLY',
        '',
        'BEGIN:VCALENDAR',
        'METHOD:REPLY',
        '--b--',
      ],
    ],
    [
      'complaint',
      'a complaint',
      [
        'Content-Type: multipart/report; report-type=feedback-report; boundary=b',
        '',
        '--b',
        'Content-Type: message/feedback-report',
        '',
        'Feedback-Type: abuse',
        '--b--',
      ],
    ],
  ])('%s: %s', async (kind, _, lines) => {
    expect(await classify(lines)).toMatchObject({ kind });
  });

  test('an empty envelope sender, from SMTP or as Return-Path', async () => {
    expect(await classify(['', 'hello'], '')).toMatchObject({ kind: 'auto_reply' });
    expect(await classify(['Return-Path: <>', '', 'hello'], null)).toMatchObject({ kind: 'auto_reply' });
    expect(await classify(['Return-Path: <person@example.com>', '', 'hello'], null)).toEqual({ kind: 'person' });
  });
});

describe('delivery reports (RFC 3464)', () => {
  const REPORT = [
    'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'Sorry.',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mail.example.com',
    'Original-Envelope-Id: dlv_7',
    '',
    'Final-Recipient: rfc822; real@example.com',
    'Original-Recipient: rfc822; Person@Example.com',
    'Action: failed',
    'Status: 5.1.1',
    'Diagnostic-Code: smtp; 550 5.1.1',
    '    no such user',
    '',
    'Final-Recipient: rfc822; slow@example.com',
    'Action: delayed',
    'Status: 4.4.1 (will retry)',
    '--b',
    'Content-Type: text/rfc822-headers',
    '',
    'Message-ID:',
    ' <tp.r1@turnpost.localhost>',
    '--b--',
  ];

  test('tell what became of each recipient, and of which mail', async () => {
    expect(await classify(REPORT, '')).toEqual({
      kind: 'bounce',
      reason: 'a delivery status notification (RFC 3464)',
      report: {
        envid: 'dlv_7',
        originalMessageId: '<tp.r1@turnpost.localhost>',
        recipients: [
          {
            address: 'person@example.com',
            finalAddress: 'real@example.com',
            action: 'failed',
            status: '5.1.1',
            diagnostic: '550 5.1.1 no such user',
          },
          { address: 'slow@example.com', finalAddress: null, action: 'delayed', status: '4.4.1', diagnostic: null },
        ],
        whole: null,
      },
    });
  });

  test('of 10,000 recipients are cut', async () => {
    const group = 'Final-Recipient: rfc822; a@example.com\r\nAction: failed\r\n\r\n'.repeat(10_000);
    const found = await classify(['Content-Type: message/delivery-status', '', group]);
    expect(found.kind === 'bounce' && found.report.recipients.length).toBe(100);
  });
});

const trimmer = readCorpus('reply-trimmer/emails', '.txt');

test.skipIf(trimmer === undefined)("none of the public persons' answers is taken for a machine's", async () => {
  for (const [file, text] of trimmer ?? []) {
    expect(await classify(['Subject: Re: hi', '', text.toString()]), file).toEqual({ kind: 'person' });
  }
});
