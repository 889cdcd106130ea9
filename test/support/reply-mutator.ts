/** Turns emails into slightly wrong ones, from a seed: what a broken gateway, a cut connection or an enemy would make. */

type Change = (lines: readonly string[], other: readonly string[], random: () => number) => string[];

const at = (lines: readonly string[], random: () => number): number => Math.floor(random() * (lines.length + 1));

const CHANGES: readonly Change[] = [
  // Truncated.
  (lines, _, random) => lines.slice(0, at(lines, random)),
  // Spliced with another mail.
  (lines, other, random) => [...lines.slice(0, at(lines, random)), ...other.slice(at(other, random))],
  // A stretch twice.
  (lines, _, random) => {
    const [from, to] = [at(lines, random), at(lines, random)].toSorted((a, b) => a - b);
    return [...lines.slice(0, to), ...lines.slice(from)];
  },
  // A line gone.
  (lines, _, random) => lines.toSpliced(at(lines, random), 1),
  // Two lines in one, or one in two.
  (lines, _, random) => {
    const place = at(lines, random);
    return lines.toSpliced(place, 2, lines.slice(place, place + 2).join(''));
  },
  (lines, _, random) => {
    const place = at(lines, random);
    const line = lines[place] ?? '';
    const middle = Math.floor(random() * line.length);
    return lines.toSpliced(place, 1, line.slice(0, middle), line.slice(middle));
  },
  // A mark of quoting more or less.
  (lines, _, random) => {
    const place = at(lines, random);
    const line = lines[place] ?? '';
    return lines.toSpliced(place, 1, line.startsWith('> ') ? line.slice(2) : `> ${line}`);
  },
  // A byte turned.
  (lines, _, random) => {
    const place = at(lines, random);
    const line = lines[place] ?? '';
    const middle = Math.floor(random() * line.length);
    const turned = String.fromCharCode((line.charCodeAt(middle) || 0) ^ (1 << Math.floor(random() * 8)));
    return lines.toSpliced(place, 1, line.slice(0, middle) + turned + line.slice(middle + 1));
  },
];

const ENDS = ['\r\n', '\n', '\r'] as const;

/** One mail from two; the same seed gives the same mail. Latin-1 keeps bytes as they are. */
export function mutate(mail: Buffer, other: Buffer, seed: number): Buffer {
  const random = randomFrom(seed);
  let lines = mail.toString('latin1').split('\r\n');
  const others = other.toString('latin1').split('\r\n');
  const times = 1 + Math.floor(random() * 4);
  for (let n = 0; n < times; n += 1) {
    const change = CHANGES[Math.floor(random() * CHANGES.length)];
    if (change !== undefined) lines = change(lines, others, random);
  }
  const end = random() < 0.8 ? '\r\n' : (ENDS[Math.floor(random() * ENDS.length)] ?? '\n');
  return Buffer.from(lines.join(end), 'latin1');
}

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
