/** Public test mail, where it is on the machine: TURNPOST_CORPORA, else ../shared/corpora beside the project. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const FOLDER = process.env['TURNPOST_CORPORA'] ?? path.join(import.meta.dirname, '../../../shared/corpora');

/** The files of one set by name, or undefined, after one line, where the set is absent. */
export function readCorpus(name: string, ending: string): Map<string, Buffer> | undefined {
  const folder = path.join(FOLDER, name);
  if (!existsSync(folder)) {
    console.log(`skipped: no mail corpus "${name}"; name the folder that has it in TURNPOST_CORPORA`);
    return undefined;
  }
  const files = readdirSync(folder).filter((file) => file.endsWith(ending));
  return new Map(files.map((file) => [file, readFileSync(path.join(folder, file))]));
}
