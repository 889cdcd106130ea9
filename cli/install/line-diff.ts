/**
 * The difference of two texts by lines: what `--dry-run` shows, and what the record keeps so that an uninstall gives
 * back the very bytes that were there. Lines keep their line ends. Pure.
 */

/** At line `at` of the newer text, `added` lines stand where the older text had `removed`. Lines count from 0. */
export interface Hunk {
  readonly at: number;
  readonly added: number;
  readonly removed: readonly string[];
}

/** Beyond this many comparisons the whole middle counts as changed; settings files stay far below. */
const MOST_COMPARISONS = 4_000_000;

export function splitLines(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}

/** Hunks in order, from `before` to `after`. */
export function diffLines(before: string, after: string): Hunk[] {
  const old = splitLines(before);
  const now = splitLines(after);
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < old.length - head && tail < now.length - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  return middleHunks(old.slice(head, old.length - tail), now.slice(head, now.length - tail), head);
}

function middleHunks(old: readonly string[], now: readonly string[], offset: number): Hunk[] {
  if (old.length === 0 && now.length === 0) return [];
  if (old.length * now.length > MOST_COMPARISONS) return [{ at: offset, added: now.length, removed: old }];
  const kept = keptPairs(old, now);
  const hunks: Hunk[] = [];
  let [i, j] = [0, 0];
  for (const [nextI, nextJ] of [...kept, [old.length, now.length] as const]) {
    if (nextI > i || nextJ > j) hunks.push({ at: offset + j, added: nextJ - j, removed: old.slice(i, nextI) });
    [i, j] = [nextI + 1, nextJ + 1];
  }
  return hunks;
}

/** Longest common subsequence, as pairs of positions. */
function keptPairs(old: readonly string[], now: readonly string[]): (readonly [number, number])[] {
  const width = now.length + 1;
  const length = new Uint32Array((old.length + 1) * width);
  const at = (i: number, j: number): number => length[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      length[i * width + j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const pairs: (readonly [number, number])[] = [];
  for (let i = 0, j = 0; i < old.length && j < now.length; ) {
    if (old[i] === now[j]) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i += 1;
    else j += 1;
  }
  return pairs;
}

/** The older text, from the newer one and the hunks between them. */
export function undoHunks(after: string, hunks: readonly Hunk[]): string {
  const lines = splitLines(after);
  for (const { at, added, removed } of hunks.toReversed()) lines.splice(at, added, ...removed);
  return lines.join('');
}
