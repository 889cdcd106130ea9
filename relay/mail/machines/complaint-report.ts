/** Complaint reports (ARF, RFC 5965): a reader, or a filter for one, called our mail spam. Anyone can write one. */
import type { AttachmentContent } from '../../types.ts';
import { canonicalAddress, parseMailboxes } from '../address.ts';
import type { ComplaintReport, EmailClass, ParsedEmail } from '../contracts.ts';
import { findOriginalMessageId, RETURNED_TYPES, readFields, readGroups } from './delivery-report.ts';
import { reportType } from './machine-signs.ts';

const REPORT_TYPE = 'message/feedback-report';

export function complaint(email: ParsedEmail): EmailClass | undefined {
  const part = email.attachments.find(({ contentType }) => contentType === REPORT_TYPE);
  if (part !== undefined || reportType(email) === 'feedback-report') {
    return { kind: 'complaint', reason: 'a complaint report (RFC 5965)', report: readReport(email, part) };
  }
  // Hotmail's complaint feed, which follows no standard.
  if (!/^complaint about message from \d/i.test(email.subject ?? '')) return undefined;
  return { kind: 'complaint', reason: 'a complaint about an email', report: readReport(email, undefined) };
}

function readReport(email: ParsedEmail, part: AttachmentContent | undefined): ComplaintReport {
  const [fields = new Map<string, string>()] = part === undefined ? [] : readGroups(part);
  const said = fields.get('original-mail-from'); // RFC 5965 section 3.2
  return {
    feedbackType: fields.get('feedback-type')?.toLowerCase().slice(0, 40) ?? 'abuse',
    envid: fields.get('original-envelope-id') ?? null,
    originalMessageId: findOriginalMessageId(email),
    originalSenders: [...(said === undefined ? [] : [said]), ...returnPaths(email)].flatMap(readPath),
  };
}

/** RFC 5965 section 2: the third part is the mail itself, or its header section. */
function returnPaths(email: ParsedEmail): string[] {
  const returned = email.attachments.filter((part) => RETURNED_TYPES.has(part.contentType));
  return returned.flatMap((part) => {
    const [head = ''] = part.content
      .subarray(0, 64 * 1024)
      .toString('utf8')
      .replace(/\r\n?/g, '\n')
      .split('\n\n', 1);
    return readFields(head).get('return-path') ?? [];
  });
}

function readPath(value: string): string[] {
  const bare = canonicalAddress(value.replace(/^<|>$/g, ''));
  return bare === undefined ? parseMailboxes(value).map(({ address }) => address) : [bare];
}
