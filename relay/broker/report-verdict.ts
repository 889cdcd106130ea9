/** What a delivery report says became of the one copy it was sent for. Pure. */
import type { DeliveryReport, ReportedRecipient } from '../mail/contracts.ts';

export type Verdict =
  /** `named`: the report is about the address we wrote to, and not about one it was passed on to. */
  | { readonly kind: 'failed'; readonly status: string | null; readonly reason: string; readonly named: boolean }
  /** Delayed, delivered, relayed, expanded: the next server still has it, or has passed it on. */
  | { readonly kind: 'waiting'; readonly action: ReportedRecipient['action']; readonly status: string | null }
  /** Something failed, but nobody says whether it was this. */
  | { readonly kind: 'unclear'; readonly status: string | null; readonly reason: string };

/** `text`: what the report says to people, for those that name a recipient nowhere else. */
export function verdictOf(report: DeliveryReport, address: string, text: string): Verdict {
  const meant = report.recipients.filter((one) => one.address === address || one.finalAddress === address);
  if (meant.length > 0) return ofRecipients(meant, true);
  if (report.recipients.length > 0) {
    const allFailed = report.recipients.every(({ action }) => action === 'failed');
    const verdict = ofRecipients(report.recipients, false);
    return verdict.kind === 'failed' && !allFailed ? { ...verdict, kind: 'unclear' } : verdict;
  }
  if (report.whole === null) return { kind: 'unclear', status: null, reason: 'the report does not say what happened' };
  return ofRecipients([report.whole], text.toLowerCase().includes(address));
}

function ofRecipients(
  recipients: readonly Pick<ReportedRecipient, 'action' | 'status' | 'diagnostic'>[],
  named: boolean,
): Exclude<Verdict, { kind: 'unclear' }> {
  const failed = recipients.find(({ action }) => action === 'failed');
  if (failed === undefined) {
    const [first] = recipients;
    return { kind: 'waiting', action: first?.action ?? 'delayed', status: first?.status ?? null };
  }
  const { status, diagnostic } = failed;
  const said = [status, diagnostic].filter((one) => one !== null).join(' ');
  return { kind: 'failed', status, reason: said || 'no reason was given', named };
}
