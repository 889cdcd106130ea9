/**
 * Breaks mails for as long as it is told and writes down each that breaks something in return:
 * `npx tsx test/fuzz/run-fuzz.ts MINUTES [SEED]`. What it finds is put into test/cases/fuzz and held from then on.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { checkEmail } from './check-email.ts';
import { fuzzMails } from './fuzz-mails.ts';
import { mutateEmail } from './mutate-email.ts';

const FOUND = path.join(import.meta.dirname, '../cases/fuzz');
const [minutes = '1', first = '1'] = process.argv.slice(2);
const mails = fuzzMails();
const until = performance.now() + Number(minutes) * 60_000;
let seed = Number(first);
let failures = 0;
let slowest = { ms: 0, seed: 0 };
for (; performance.now() < until; seed += 1) {
  const mail = mutateEmail(mails, seed);
  const start = performance.now();
  try {
    await checkEmail(mail);
  } catch (error) {
    failures += 1;
    mkdirSync(FOUND, { recursive: true });
    writeFileSync(path.join(FOUND, `seed-${seed}.eml`), mail);
    console.log(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const ms = performance.now() - start;
  if (ms > slowest.ms) slowest = { ms, seed };
}
console.log(
  `${seed - Number(first)} mails of ${mails.length}, ${failures} failures; slowest ${Math.round(slowest.ms)} ms (seed ${slowest.seed})`,
);
