/** `npm run mail-report`: what becomes of the mail of the cases and of the public sets, counted now. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { EmailClass } from '../../relay/mail/contracts.ts';
import { newWords } from '../../relay/mail/replies/new-words.ts';
import { readCorpus } from '../mail/corpora.ts';
import { type Broker, makeBroker } from '../support/broker-fixture.ts';
import { type ForgeryCase, forgeryCases, runForgery } from '../support/forgeries.ts';
import { machineReport } from '../support/machine-report.ts';
import { readReplyCases, scoreLine, scoreReplies } from '../support/reply-score.ts';

const CASES = path.join(import.meta.dirname, '../cases');
const say = (line: string): void => console.log(line);

async function reportReplies(): Promise<void> {
  say('Replies: the new words, and nothing but them');
  for (const folder of ['replies', 'replies-held-out']) {
    const cases = readReplyCases(path.join(CASES, folder));
    say(`  ${folder}: ${scoreLine(cases.length, await scoreReplies(cases))}`);
  }
  // Written by the run that saw them first: what they score since says less.
  const first = JSON.parse(readFileSync(path.join(CASES, 'replies-held-out/first-run.json'), 'utf8')) as {
    exact: number;
    total: number;
  };
  say(`  replies-held-out on first sight: ${first.exact} of ${first.total} exact`);
  const emails = readCorpus('reply-trimmer/emails', '.txt');
  const trimmed = readCorpus('reply-trimmer/trimmed', '.txt');
  if (emails === undefined || trimmed === undefined) return;
  const bare = (text: string): string => text.replace(/\s+/g, ' ').trim();
  const exact = [...emails].filter(
    ([file, text]) => bare(newWords(text.toString()).body) === bare(trimmed.get(file)?.toString() ?? ''),
  );
  say(`  public trimmer set: ${exact.length} of ${emails.size} exact (white space aside)`);
}

async function reportMachines(): Promise<void> {
  const { cases, corpus, reports } = await machineReport();
  say('Machines: not people');
  say(`  own cases: ${cases.right} of ${cases.all} in their class`);
  if (corpus === null) return;
  const kinds = [...corpus.byKind].toSorted(([, a], [, b]) => b - a).map(([kind, count]) => `${kind} ${count}`);
  say(
    `  public bounces and complaints: ${corpus.all}: ${kinds.join(', ')}; taken for a person ${people(corpus.byKind)}`,
  );
  say(
    `  their reports: ${reports.recipients} recipients, ${reports.withStatus} with a status, ${reports.originalFound} name the mail`,
  );
  const classes = [...reports.byClass].toSorted(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${count}`);
  say(`  bounces by class: ${classes.join(', ')}`);
}

const people = (byKind: ReadonlyMap<EmailClass['kind'], number>): number => byKind.get('person') ?? 0;

async function reportForgeries(): Promise<void> {
  const cases = forgeryCases();
  const [forged, genuine] = [cases.filter((one) => one.genuine !== true), cases.filter((one) => one.genuine === true)];
  const stopped = await count(forged, (state) => state !== 'available');
  const letIn = await count(genuine, (state) => state === 'available');
  say('Forgeries: nobody speaks for another');
  say(`  forged: ${stopped} of ${forged.length} refused or held`);
  say(`  genuine: ${letIn} of ${genuine.length} let in`);
}

async function count(cases: readonly ForgeryCase[], right: (state: string) => boolean): Promise<number> {
  let found = 0;
  for (const one of cases) {
    const opened: Broker[] = [];
    const { state } = await runForgery(one, async (options) => {
      const broker = await makeBroker(options);
      opened.push(broker);
      return broker;
    });
    for (const { deps } of opened) await deps.stores.close();
    if (right(state)) found += 1;
  }
  return found;
}

await reportReplies();
await reportMachines();
await reportForgeries();
