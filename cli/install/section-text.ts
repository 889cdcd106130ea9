/** Our lines between two markers, in a text that is the user's: an instructions file, or git's exclude file. Pure. */
import { InstallError } from './install-error.ts';
import { appendBlock, cutBlock, lineEnd } from './text-style.ts';
import type { Section } from './types.ts';

interface Found {
  readonly start: number;
  /** Behind the end marker, its line end not included. */
  readonly end: number;
}

/** Our section with the same first line. Throws for a begin without an end. */
function findSection(text: string, section: Section, path: string): Found | undefined {
  for (let start = text.indexOf(section.begin); start !== -1; start = text.indexOf(section.begin, start + 1)) {
    const stop = text.indexOf(section.end, start);
    const following = text.indexOf(section.begin, start + 1);
    if (stop === -1 || (following !== -1 && following < stop)) {
      const line = text.slice(0, start).split('\n').length;
      throw new InstallError(
        `${path}:${line}: "${section.begin}" has no "${section.end}" after it. Nothing was written. Put it back or take the section out, then run the command again.`,
      );
    }
    const [, first] = text.slice(start, stop).split(/\r?\n/);
    if (first === section.lines[0]) return { start, end: stop + section.end.length };
  }
  return undefined;
}

export function setSection(text: string, section: Section, path: string): string {
  const block = [section.begin, ...section.lines, section.end];
  const found = findSection(text, section, path);
  if (found === undefined) return appendBlock(text, block);
  return text.slice(0, found.start) + block.join(lineEnd(text)) + text.slice(found.end);
}

export function removeSection(text: string, section: Section, path: string): string {
  const found = findSection(text, section, path);
  return found === undefined ? text : cutBlock(text, found.start, found.end);
}
