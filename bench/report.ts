/** What is printed: the machine, a table with each figure beside its floor, and the same as JSON. */
import { statfsSync } from 'node:fs';
import os from 'node:os';
import process from 'node:process';
import { VERSION } from '../relay/package-info.ts';
import type { Line } from './measurement.ts';

export interface Result {
  readonly name: string;
  readonly title: string;
  readonly seconds: number;
  readonly lines: readonly Line[];
  /** Why there are no lines. */
  readonly failure?: string;
}

export interface Machine {
  readonly turnpost: string;
  readonly node: string;
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  /** Runnable processes over the last minute before the bench began: more than none and the figures are worse. */
  readonly load: number;
  readonly disk: string;
}

/** f_type of statfs(2). In memory nothing is synced, and all durable figures are too good. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  16914836: 'tmpfs (in memory: durable figures are too good)',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  2035054128: 'overlayfs',
};

export function describeMachine(folder: string): Machine {
  const { type } = statfsSync(folder);
  return {
    turnpost: VERSION,
    node: process.version,
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    load: Number((os.loadavg()[0] ?? 0).toFixed(2)),
    disk: FILE_SYSTEMS[type] ?? `file system 0x${type.toString(16)}`,
  };
}

export function machineLine({ turnpost, node, system, cpu, cores, load, disk }: Machine): string {
  return `turnpost ${turnpost}, node ${node}, ${system}, ${cores} x ${cpu}, load ${load}, ${disk}`;
}

const HEADINGS = ['measured', 'ours', 'floor', 'ratio', 'goal', 'rounds'] as const;

export function tableOf(results: readonly Result[]): string {
  const lines = results.flatMap(({ name, lines }) => lines.map((line) => ({ ...line, what: `${name}: ${line.what}` })));
  const rows = [[...HEADINGS], ...lines.map(toCells)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => pad(cell, column, widths[column] ?? 0)).join('  ')).join('\n');
}

/** Numbers are easier to compare when their ends stand below each other. */
const pad = (cell: string, column: number, width: number): string =>
  isNumber(column) ? cell.padStart(width) : cell.padEnd(width);

const isNumber = (column: number): boolean => [1, 2, 3, 5].includes(column);

function toCells({ what, unit, ours, floor, ratio, goal, rounds }: Line): string[] {
  return [
    what,
    `${amount(ours, unit)}${suffix(unit)}`,
    floor === null ? '-' : `${amount(floor, unit)}${suffix(unit)}`,
    ratio === null ? '-' : `${ratio.toFixed(2)} x`,
    goal || '-',
    String(rounds),
  ];
}

function amount(value: number, unit: Line['unit']): string {
  return unit === 'ms' ? value.toFixed(value < 10 ? 2 : 1) : Math.round(value).toLocaleString('en-US');
}

const suffix = (unit: Line['unit']): string => (unit === 'count' ? '' : unit === 'ms' ? ' ms' : unit);
