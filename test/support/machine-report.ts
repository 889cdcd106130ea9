/** What the classifier makes of the project's own cases and of the public bounces: checked by tests, printed by the mail report. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { saysAddressIsDead } from '../../relay/broker/outbox/suppression.ts';
import type { EmailClass, ReportedRecipient } from '../../relay/mail/contracts.ts';
import { classifyEmail } from '../../relay/mail/machines/classify.ts';
import { readOwnMessageId } from '../../relay/mail/message-id.ts';
import { parseEmail } from '../../relay/mail/parse/parse-email.ts';
import { readCorpus } from '../mail/corpora.ts';

/** `KIND.what-it-is.eml`: the name's beginning is what it must be taken for. */
const CASES = path.join(import.meta.dirname, '../cases/machines');

export interface MachineCase {
  readonly file: string;
  readonly expected: string;
  readonly found: EmailClass;
}

/** As if read by IMAP: the envelope sender is what Return-Path says. */
async function classify(raw: Buffer): Promise<EmailClass> {
  const email = await parseEmail(raw);
  return classifyEmail(email, {
    envelopeFrom: null,
    isOwnMessageId: (id) => readOwnMessageId(id, 'turnpost.example') !== undefined,
  });
}

export async function readMachineCases(): Promise<MachineCase[]> {
  const files = readdirSync(CASES).filter((file) => file.endsWith('.eml'));
  return Promise.all(
    files.toSorted().map(async (file) => ({
      file,
      expected: file.slice(0, file.indexOf('.')),
      found: await classify(readFileSync(path.join(CASES, file))),
    })),
  );
}

export interface MachineReport {
  readonly cases: { readonly right: number; readonly all: number };
  /** Of the public bounces, complaints and automatic replies; null where the corpus is not on this machine. */
  readonly corpus: { readonly all: number; readonly byKind: ReadonlyMap<EmailClass['kind'], number> } | null;
  /** What the reports of the public bounces say. */
  readonly reports: {
    readonly recipients: number;
    readonly withStatus: number;
    readonly originalFound: number;
    /** What the relay would make of each, if it were proven to be about mail of ours. */
    readonly byClass: ReadonlyMap<BounceClass, number>;
  };
}

/** `dead`: the address is suppressed; `temporary`: given up after 4.x.x; `waiting`: nothing has failed yet. */
export type BounceClass = 'dead' | 'permanent' | 'temporary' | 'failed without a status' | 'waiting';

function bounceClass({ action, status }: Pick<ReportedRecipient, 'action' | 'status'>): BounceClass {
  if (action !== 'failed') return 'waiting';
  if (saysAddressIsDead(status)) return 'dead';
  if (status === null) return 'failed without a status';
  return status.startsWith('4') ? 'temporary' : 'permanent';
}

function countBy<K>(keys: readonly K[]): Map<K, number> {
  const counts = new Map<K, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** For `npm run mail-report`. */
export async function machineReport(): Promise<MachineReport> {
  const cases = await readMachineCases();
  const files = readCorpus('bounces', '.eml');
  const found = await Promise.all([...(files?.values() ?? [])].map(classify));
  const byKind = countBy(found.map(({ kind }) => kind));
  const reports = found.flatMap((one) => (one.kind === 'bounce' ? [one.report] : []));
  const recipients = reports.flatMap((report) => [
    ...report.recipients,
    ...(report.whole === null ? [] : [report.whole]),
  ]);
  return {
    cases: { right: cases.filter(({ expected, found: { kind } }) => kind === expected).length, all: cases.length },
    corpus: files === undefined ? null : { all: found.length, byKind },
    reports: {
      recipients: recipients.length,
      withStatus: recipients.filter(({ status }) => status !== null).length,
      originalFound: reports.filter(({ originalMessageId }) => originalMessageId !== null).length,
      byClass: countBy(recipients.map(bounceClass)),
    },
  };
}
