/** What a delivery report says became of the one copy it was sent for. Pure. */
import type { DeliveryReport, ReportedRecipient } from '../../mail/contracts.ts';

interface FailedVerdict {
  readonly kind: 'failed';
  readonly status: string | null;
  readonly reason: string;
  /** The report is about the address we wrote to, and not about one it was passed on to. */
  readonly named: boolean;
  /** And what failed is that address. RFC 3464 section 2.3.2: the status is the Final-Recipient's, who may be one of many. */
  readonly itself: boolean;
}

export type Verdict =
  | FailedVerdict
  /** Delayed, delivered, relayed, expanded: the next server still has it, or has passed it on. */
  | { readonly kind: 'waiting'; readonly action: ReportedRecipient['action']; readonly status: string | null }
  /** Something failed, but nobody says whether it was this. */
  | { readonly kind: 'unclear'; readonly status: string | null; readonly reason: string };

/** `text`: what the report says to people, for those that name a recipient nowhere else. */
export function verdictOf(report: DeliveryReport, address: string, text: string): Verdict {
  const meant = report.recipients.filter((one) => one.address === address || one.finalAddress === address);
  const copies = meant.length > 0 ? meant : report.recipients;
  if (copies.length > 0) {
    const allFailed = copies.every(({ action }) => action === 'failed');
    const verdict = ofRecipients(copies, meant.length > 0 ? address : null);
    return verdict.kind === 'failed' && !verdict.itself && !allFailed ? { ...verdict, kind: 'unclear' } : verdict;
  }
  if (report.whole === null) return { kind: 'unclear', status: null, reason: 'the report does not say what happened' };
  return ofRecipients([{ ...report.whole, finalAddress: null }], text.toLowerCase().includes(address) ? address : null);
}

function ofRecipients(
  recipients: readonly Omit<ReportedRecipient, 'address'>[],
  address: string | null,
): Exclude<Verdict, { kind: 'unclear' }> {
  const failed = recipients.find(({ action }) => action === 'failed');
  if (failed === undefined) {
    const [first] = recipients;
    return { kind: 'waiting', action: first?.action ?? 'delayed', status: first?.status ?? null };
  }
  const { status, diagnostic, finalAddress } = failed;
  const said = [status, diagnostic].filter((one) => one !== null).join(' ');
  // Many servers name the same mailbox at another host of theirs.
  const itself = address !== null && (finalAddress === null || localPart(finalAddress) === localPart(address));
  return { kind: 'failed', status, reason: said || 'no reason was given', named: address !== null, itself };
}

const localPart = (address: string): string => address.slice(0, address.lastIndexOf('@'));
