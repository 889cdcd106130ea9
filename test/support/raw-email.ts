/** Emails as bytes, for what comes in. */
import type { IncomingEmail, IntakeSource } from '../../relay/mail/contracts.ts';
import { START } from './store-fixture.ts';

interface Parts {
  readonly from?: string;
  readonly to: string;
  readonly subject?: string;
  readonly messageId?: string;
  readonly text?: string;
  /** Whole further header lines. */
  readonly headers?: readonly string[];
}

let counter = 0;

export function rawEmail({ from = 'person@example.com', to, text = 'Yes, go on.', ...more }: Parts): Buffer {
  counter += 1;
  return Buffer.from(
    [
      `From: ${from}`,
      `To: ${to}`,
      `Subject: ${more.subject ?? 'Re: Question'}`,
      `Message-ID: ${more.messageId ?? `<mail-${counter}@example.com>`}`,
      ...(more.headers ?? []),
      '',
      text,
      '',
    ].join('\r\n'),
  );
}

export function bySmtp(raw: Buffer, envelopeTo: string, envelopeFrom = 'person@example.com'): IncomingEmail {
  const source = { kind: 'smtp', envelopeFrom, envelopeTo: [envelopeTo], remote: '192.0.2.1', hello: 'mx' } as const;
  return { source, raw, receivedAt: START };
}

export function byImap(raw: Buffer, uid = 7): IncomingEmail & { readonly source: IntakeSource & { kind: 'imap' } } {
  const source = { kind: 'imap', account: 'box@example.com', folder: 'INBOX', uidValidity: '1', uid } as const;
  return { source, raw, receivedAt: START };
}

/** A delivery status notification (RFC 3464) as Postfix writes it. */
export function deliveryReport(to: string, recipient: string, envid: string | null, action = 'failed'): Buffer {
  const status = [
    'Reporting-MTA: dns; mail.example.com',
    ...(envid === null ? [] : [`Original-Envelope-Id: ${envid}`]),
    '',
    `Final-Recipient: rfc822; ${recipient}`,
    `Action: ${action}`,
    'Status: 5.1.1',
    'Diagnostic-Code: smtp; 550 no such user',
  ].join('\r\n');
  const text = `--x\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n${status}\r\n--x--`;
  return rawEmail({
    from: 'MAILER-DAEMON@example.com',
    to,
    subject: 'Undelivered Mail Returned to Sender',
    text,
    headers: ['MIME-Version: 1.0', 'Content-Type: multipart/report; report-type=delivery-status; boundary="x"'],
  });
}

interface ReportedFields {
  readonly recipient: string;
  readonly original?: string;
  readonly action: string;
  readonly status: string;
}

/** A status notification about several recipients, with the header section that came back where `messageId` is given. */
export function statusReport(
  to: string,
  recipients: readonly ReportedFields[],
  messageId?: string,
  text = 'Sorry.',
): Buffer {
  const groups = recipients.map(({ recipient, original, action, status }) =>
    [
      ...(original === undefined ? [] : [`Original-Recipient: rfc822; ${original}`]),
      `Final-Recipient: rfc822; ${recipient}`,
      `Action: ${action}`,
      `Status: ${status}`,
    ].join('\r\n'),
  );
  return reportEmail(to, 'delivery-status', [
    ['text/plain', text],
    ['message/delivery-status', ['Reporting-MTA: dns; mail.example.com', ...groups].join('\r\n\r\n')],
    ...(messageId === undefined ? [] : ([['text/rfc822-headers', `Message-ID: ${messageId}`]] as const)),
  ]);
}

/** A complaint (RFC 5965) about a mail with this envelope sender. */
export function complaintReport(to: string, originalSender: string, type = 'abuse'): Buffer {
  return reportEmail(to, 'feedback-report', [
    ['text/plain', 'This is an abuse report.'],
    ['message/feedback-report', `Feedback-Type: ${type}\r\nVersion: 1\r\nOriginal-Mail-From: <${originalSender}>`],
  ]);
}

function reportEmail(to: string, type: string, parts: readonly (readonly [string, string])[]): Buffer {
  const text = parts.map(([contentType, body]) => `--x\r\nContent-Type: ${contentType}\r\n\r\n${body}\r\n`).join('');
  return rawEmail({
    from: 'Mail System <system@example.net>',
    to,
    subject: 'Report',
    text: `${text}--x--`,
    headers: ['MIME-Version: 1.0', `Content-Type: multipart/report; report-type=${type}; boundary="x"`],
  });
}
