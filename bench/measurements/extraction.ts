/**
 * The new words of emails, by the thread that finds them, over the project's own answers, against the same thread program
 * that only reads the lines and hands them back. Parsing is not in it: intake has that.
 */
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../relay/clock.ts';
import { silentLog } from '../../relay/log.ts';
import type { ParsedEmail } from '../../relay/mail/contracts.ts';
import { parseEmail } from '../../relay/mail/parse/parse-email.ts';
import type * as extractorModule from '../../relay/mail/replies/extractor.ts';
import { readReplyCases } from '../../test/support/reply-score.ts';
import { type Bench, compare, type Figures, interleave, type Line, type Measurement } from '../measurement.ts';

export const extraction: Measurement = {
  name: 'extraction',
  title: 'new words of the answers in test/cases, in their thread, against a thread that hands them back',
  run,
};

const CASES = path.join(import.meta.dirname, '../../test/cases/replies');
const FLOOR = new URL('../floors/extractor-floor.mjs', import.meta.url);

async function run(bench: Bench): Promise<Line[]> {
  // The compiled program, as it is published; its types are those of the source.
  const file = pathToFileURL(path.join(bench.program, 'relay/mail/replies/extractor.js')).href;
  const { startExtractor } = (await import(file)) as typeof extractorModule;
  const emails = await Promise.all(readReplyCases(CASES).map(({ raw }) => parseEmail(raw)));
  const options = { clock: systemClock, log: silentLog };
  const ours = startExtractor(options);
  const floor = startExtractor({ ...options, program: FLOOR });
  const seconds = bench.quick ? 0.5 : 2;
  const side = (extractor: typeof ours) => () => pressed(extractor, emails, seconds);
  // Both threads are started, and the code is warm.
  await Promise.all([ours, floor].map((one) => pressed(one, emails, 0.2)));
  const rounds = await interleave(bench.quick ? 2 : 7, { floor: side(floor), ours: side(ours) });
  await Promise.all([ours.close(), floor.close()]);
  return [compare(rounds, 'perSecond', { what: `mails, ${emails.length} shapes in turn`, unit: '/s' })];
}

type Asked = ReturnType<typeof extractorModule.startExtractor>;

async function pressed(extractor: Asked, emails: readonly ParsedEmail[], seconds: number): Promise<Figures> {
  const start = performance.now();
  let done = 0;
  while (performance.now() < start + seconds * 1000) {
    const batch = emails.slice(done % emails.length).slice(0, 16);
    await Promise.all(batch.map((email) => extractor.extract(email)));
    done += batch.length;
  }
  return { perSecond: (done * 1000) / (performance.now() - start) };
}
