/**
 * Scores an extraction against cases with expectations: exact, leaked (quoted text in the body), cut (a person's words
 * missing from it). Used by the tests of the extraction and by the mail report.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { NewWords, ParsedEmail } from '../../relay/mail/contracts.ts';
import { parseEmail } from '../../relay/mail/parse/parse-email.ts';
import { EXTRACTION_NOTES, type ExtractionNote } from '../../relay/mail/replies/extraction-notes.ts';
import { extractNewWords } from '../../relay/mail/replies/new-words.ts';

export interface ReplyExpectation {
  readonly body: string;
  /** Right as well. */
  readonly bodyOr?: readonly string[];
  readonly quotedIncludes?: readonly string[];
  readonly signatureIncludes?: readonly string[];
  readonly notes?: readonly ExtractionNote[];
  readonly why: string;
}

export interface ReplyCase {
  readonly name: string;
  readonly raw: Buffer;
  readonly expect: ReplyExpectation;
}

export interface ReplyScore {
  readonly exact: readonly string[];
  /** Names of cases whose body has a line that is not expected there. */
  readonly leaked: readonly string[];
  /** Names of cases whose body lacks a line that is expected there. */
  readonly cut: readonly string[];
}

/** Every NAME.eml with a NAME.expect.json beside it, by name. */
export function readReplyCases(folder: string): ReplyCase[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((file) => file.endsWith('.eml'));
  return names.toSorted().flatMap((file) => {
    const name = file.slice(0, -'.eml'.length);
    const expectation = path.join(folder, `${name}.expect.json`);
    if (!existsSync(expectation)) return [];
    // Written for this by hand; a wrong shape turns the case red.
    const expect = JSON.parse(readFileSync(expectation, 'utf8')) as ReplyExpectation;
    return [{ name, raw: readFileSync(path.join(folder, file)), expect }];
  });
}

type Extract = (email: Pick<ParsedEmail, 'text' | 'html'>) => NewWords | Promise<NewWords>;

export async function scoreReplies(
  cases: readonly ReplyCase[],
  extract: Extract = extractNewWords,
): Promise<ReplyScore> {
  const score = { exact: [] as string[], leaked: [] as string[], cut: [] as string[] };
  for (const { name, raw, expect } of cases) {
    const { body } = await extract(await parseEmail(raw));
    const verdict = judge(body, bestOf(body, expect));
    if (verdict.exact) score.exact.push(name);
    if (verdict.leaked) score.leaked.push(name);
    if (verdict.cut) score.cut.push(name);
  }
  return score;
}

/** The expectation that an extraction is held against. */
export function bestOf(body: string, expect: ReplyExpectation): string {
  return expect.bodyOr?.includes(body) === true ? body : expect.body;
}

/** Lines are compared without white space around them; order and blank lines count for `exact` alone. */
export function judge(body: string, expected: string): { exact: boolean; leaked: boolean; cut: boolean } {
  const [got, wanted] = [countLines(body), countLines(expected)];
  const misses = (some: Map<string, number>, others: Map<string, number>): boolean =>
    [...some].some(([line, count]) => count > (others.get(line) ?? 0));
  return { exact: body === expected, leaked: misses(got, wanted), cut: misses(wanted, got) };
}

function countLines(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of text.split('\n')) {
    const bare = line.trim();
    if (bare !== '') counts.set(bare, (counts.get(bare) ?? 0) + 1);
  }
  return counts;
}

export function scoreLine(total: number, { exact, leaked, cut }: ReplyScore): string {
  const percent = total === 0 ? 0 : Math.floor((exact.length * 1000) / total) / 10;
  return `${exact.length} of ${total} exact (${percent} %), ${leaked.length} leaked, ${cut.length} cut`;
}

/** What an expectation says beyond the body, as a list of what is wrong. */
export function unmet(words: NewWords, expect: ReplyExpectation): string[] {
  const notes = (expect.notes ?? []).map((name) => EXTRACTION_NOTES[name]);
  return [
    ...(expect.quotedIncludes ?? [])
      .filter((text) => !(words.quoted ?? '').includes(text))
      .map((text) => `not quoted: ${text}`),
    ...(expect.signatureIncludes ?? [])
      .filter((text) => !(words.signature ?? '').includes(text))
      .map((text) => `not in the signature: ${text}`),
    ...notes.filter((note) => !words.notes.includes(note)).map((note) => `no note: ${note}`),
    ...words.notes.filter((note) => !notes.some((one) => one === note)).map((note) => `note: ${note}`),
  ];
}
