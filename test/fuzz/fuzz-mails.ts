/** The mails that are broken: the project's own cases, and the public sets where they are on the machine. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readCorpus } from '../mail/corpora.ts';

const CASES = path.join(import.meta.dirname, '../cases');

/** In a fixed order; a seed means the same mail only as long as none is added. */
export function fuzzMails(): Buffer[] {
  const own = readdirSync(CASES, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.eml'))
    .toSorted()
    .map((file) => readFileSync(path.join(CASES, file)));
  const public_ = [
    ['bounces', '.eml'],
    ['mime', '.msg'],
    ['reply-trimmer/emails', '.txt'],
  ].flatMap(([name = '', ending = '']) => [...(readCorpus(name, ending)?.values() ?? [])]);
  return [...own, ...public_];
}
