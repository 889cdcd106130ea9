/**
 * What a measurement is: rounds of ours and of its floor in turn (floor, ours, floor, ours ...), because the machine is
 * noisy and drifts, and lines that compare their medians. It measures and compares; it never judges by a time.
 */
import { median } from './statistics.ts';

export interface Bench {
  /** Smaller sizes, the same lines. */
  readonly quick: boolean;
  /** An empty folder on the disk to be measured, gone after the measurement. */
  readonly folder: string;
  /** Folder of the relay's compiled program. */
  readonly program: string;
  /** What the person sees while it runs. */
  readonly say: (text: string) => void;
}

export interface Measurement {
  readonly name: string;
  /** One sentence. */
  readonly title: string;
  run(bench: Bench): Promise<Line[]>;
}

/** One row of the table. */
export interface Line {
  readonly what: string;
  readonly unit: 'ms' | '/s' | 'count';
  readonly ours: number;
  /** Null where there is nothing to compare with. */
  readonly floor: number | null;
  /** ours / floor, of the medians. */
  readonly ratio: number | null;
  /** The figure of the design, as text. */
  readonly goal: string;
  readonly rounds: number;
  /** Each round's own values, in the order they were taken. */
  readonly values?: { readonly ours: readonly number[]; readonly floor: readonly number[] };
  /** A mail was lost or came twice: the program ends with 1. */
  readonly broken?: true;
}

export type Figures = Readonly<Record<string, number>>;

export interface Rounds {
  readonly floor: readonly Figures[];
  readonly ours: readonly Figures[];
}

export async function interleave(
  count: number,
  sides: { readonly floor: () => Promise<Figures>; readonly ours: () => Promise<Figures> },
): Promise<Rounds> {
  const floor: Figures[] = [];
  const ours: Figures[] = [];
  for (let round = 0; round < count; round += 1) {
    floor.push(await sides.floor());
    ours.push(await sides.ours());
  }
  return { floor, ours };
}

/** The line of one figure: medians over the rounds. */
export function compare(
  rounds: Rounds,
  key: string,
  line: Pick<Line, 'what' | 'unit'> & { readonly goal?: string },
): Line {
  const values = { ours: valuesOf(rounds.ours, key), floor: valuesOf(rounds.floor, key) };
  const ours = median(values.ours);
  const floor = values.floor.length === 0 ? null : median(values.floor);
  return {
    goal: '',
    ...line,
    ours,
    floor,
    ratio: floor === null ? null : ours / floor,
    rounds: rounds.ours.length,
    values,
  };
}

const valuesOf = (figures: readonly Figures[], key: string): number[] =>
  figures.flatMap((one) => (one[key] === undefined ? [] : [one[key]]));

/** A number that is counted, not compared. */
export function counted(what: string, ours: number, rounds: number, options: Partial<Line> = {}): Line {
  return { what, unit: 'count', ours, floor: null, ratio: null, goal: '', rounds, ...options };
}
