/**
 * What Amazon SES says in an SNS notification (https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html and
 * receiving-email-notifications-contents.html), read: a mail that came in, or what became of one that we sent.
 */
import { z } from 'zod';
import type { AuthVerdict } from '../../types.ts';

const Verdict = z.object({ status: z.string().max(40) }).optional();
const Address = z.string().max(400);

const Received = z.object({
  notificationType: z.literal('Received'),
  mail: z.object({ source: Address, messageId: z.string().max(200) }),
  receipt: z.object({
    recipients: z.array(Address).min(1).max(200),
    spfVerdict: Verdict,
    dkimVerdict: Verdict,
    dmarcVerdict: Verdict,
    action: z.object({
      type: z.string(),
      encoding: z.string().optional(),
      bucketName: z.string().max(100).optional(),
      objectKey: z.string().max(1024).optional(),
    }),
  }),
  content: z.string().optional(),
});

const BouncedRecipient = z.object({
  emailAddress: Address,
  action: z.string().max(40).optional(),
  status: z.string().max(40).optional(),
  diagnosticCode: z.string().max(2000).optional(),
});

const Sent = z.object({ source: Address, messageId: z.string().max(200) });

const Bounce = z.object({
  mail: Sent,
  bounce: z.object({ bounceType: z.string().max(40), bouncedRecipients: z.array(BouncedRecipient).max(200) }),
});

const Complaint = z.object({
  mail: Sent,
  complaint: z.object({
    complainedRecipients: z.array(z.object({ emailAddress: Address })).max(200),
    complaintFeedbackType: z.string().max(40).optional(),
  }),
});

export type SesNotification =
  | { readonly kind: 'received'; readonly mail: ReceivedMail }
  /** `raw`: the same as a report by email (RFC 3464, RFC 5965), to the envelope sender of the mail it is about. */
  | { readonly kind: 'report'; readonly to: string; readonly raw: Buffer }
  | { readonly kind: 'other'; readonly type: string };

export interface ReceivedMail {
  readonly envelopeFrom: string;
  readonly envelopeTo: readonly string[];
  readonly auth: AuthVerdict;
  /** The mail itself, or where it was put. */
  readonly content: Buffer | { readonly bucket: string; readonly key: string };
}

/** Undefined where it is none, or lacks what it must have. */
export function readSesNotification(text: string): SesNotification | undefined {
  const value = parse(text);
  // Configuration sets call the same thing eventType.
  const { data: head } = z
    .object({ notificationType: z.string().optional(), eventType: z.string().optional() })
    .safeParse(value);
  const type = head?.notificationType ?? head?.eventType;
  switch (type) {
    case undefined:
      return undefined;
    case 'Received':
      return received(value);
    case 'Bounce':
      return bounce(value);
    case 'Complaint':
      return complaint(value);
    default:
      return { kind: 'other', type };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function received(value: unknown): SesNotification | undefined {
  const { data } = Received.safeParse(value);
  if (data === undefined) return undefined;
  const { receipt, mail } = data;
  const { action } = receipt;
  const content = contentOf(data.content, action);
  if (content === undefined) return undefined;
  const auth = {
    spf: resultOf(receipt.spfVerdict),
    dkim: resultOf(receipt.dkimVerdict),
    dmarc: resultOf(receipt.dmarcVerdict),
    arc: 'none',
  };
  return { kind: 'received', mail: { envelopeFrom: mail.source, envelopeTo: receipt.recipients, auth, content } };
}

function contentOf(
  content: string | undefined,
  { encoding = 'UTF8', bucketName, objectKey }: z.output<typeof Received>['receipt']['action'],
): ReceivedMail['content'] | undefined {
  if (content !== undefined) return Buffer.from(content, encoding.toUpperCase() === 'BASE64' ? 'base64' : 'utf8');
  return bucketName === undefined || objectKey === undefined ? undefined : { bucket: bucketName, key: objectKey };
}

/** GRAY: there was nothing to judge by, or it says nothing. */
const RESULTS: Readonly<Record<string, string>> = {
  PASS: 'pass',
  FAIL: 'fail',
  GRAY: 'none',
  PROCESSING_FAILED: 'temperror',
};

const resultOf = (verdict: { readonly status: string } | undefined): string =>
  RESULTS[verdict?.status.toUpperCase() ?? ''] ?? 'none';

function bounce(value: unknown): SesNotification | undefined {
  const { data } = Bounce.safeParse(value);
  if (data === undefined) return undefined;
  const isFinal = data.bounce.bounceType === 'Permanent';
  const fields = data.bounce.bouncedRecipients.map(({ emailAddress, action, status, diagnosticCode }) =>
    [
      `Final-Recipient: rfc822; ${oneLine(emailAddress)}`,
      `Action: ${oneLine(action ?? 'failed')}`,
      `Status: ${oneLine(status ?? (isFinal ? '5.0.0' : '4.0.0'))}`,
      ...(diagnosticCode === undefined ? [] : [`Diagnostic-Code: smtp; ${oneLine(diagnosticCode)}`]),
    ].join('\r\n'),
  );
  const report = ['Reporting-MTA: dns; amazonses.com', '', fields.join('\r\n\r\n')].join('\r\n');
  return asReport(data.mail, 'Delivery Status Notification (Failure)', 'delivery-status', report);
}

function complaint(value: unknown): SesNotification | undefined {
  const { data } = Complaint.safeParse(value);
  if (data === undefined) return undefined;
  const report = [
    `Feedback-Type: ${oneLine(data.complaint.complaintFeedbackType ?? 'abuse')}`,
    'User-Agent: Amazon SES',
    'Version: 1',
    `Original-Mail-From: <${oneLine(data.mail.source)}>`,
    ...data.complaint.complainedRecipients.map(({ emailAddress }) => `Original-Rcpt-To: <${oneLine(emailAddress)}>`),
  ].join('\r\n');
  return asReport(data.mail, 'Complaint about an email', 'feedback-report', report);
}

function asReport(
  { source, messageId }: z.output<typeof Sent>,
  subject: string,
  type: 'delivery-status' | 'feedback-report',
  report: string,
): SesNotification {
  const raw = [
    'From: MAILER-DAEMON@amazonses.com',
    `To: <${oneLine(source)}>`,
    `Subject: ${subject}`,
    `Message-ID: <${type}.${oneLine(messageId).replace(/[^\w.-]/g, '')}@amazonses.com>`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=${type}; boundary="ses"`,
    '',
    '--ses',
    'Content-Type: text/plain',
    '',
    subject,
    '--ses',
    `Content-Type: message/${type}`,
    '',
    report,
    '--ses--',
    '',
  ].join('\r\n');
  return { kind: 'report', to: source, raw: Buffer.from(raw) };
}

/** Into a header field or a line of a report. */
const oneLine = (text: string): string =>
  text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 900);
