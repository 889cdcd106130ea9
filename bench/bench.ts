/**
 * `npm run bench [-- NAME...] [--quick] [--json FILE] [--dir FOLDER] [--list]`: the figures of the design, each beside
 * its floor in the same run. A slow figure never fails; exit code 1 means that a measurement could not be made, or that
 * mail was lost or came twice.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { parseArgs } from 'node:util';
import type { Measurement } from './measurement.ts';
import { MEASUREMENTS } from './registry.ts';
import { describeMachine, machineLine, type Result, tableOf } from './report.ts';
import { buildProgram } from './setup/build-program.ts';
import { endAll } from './setup/child.ts';

const USAGE = `npm run bench -- [NAME...] [--quick] [--json FILE] [--dir FOLDER] [--list]

  NAME         only these measurements
  --quick      smaller sizes, in less than a minute
  --json FILE  also write all values as JSON; - prints JSON instead of the table
  --dir FOLDER the disk to measure: data is kept in a new folder in there (default: the system's temporary folder)
  --list       names of the measurements
`;

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    dir: { type: 'string', default: tmpdir() },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function main(): Promise<void> {
  if (options.help) return void process.stdout.write(USAGE);
  if (options.list) return list();
  const chosen = choose();
  const machine = describeMachine(options.dir);
  const folder = mkdtempSync(path.join(options.dir, 'turnpost-bench-'));
  const results: Result[] = [];
  try {
    const program = path.join(folder, 'program');
    buildProgram(program);
    for (const measurement of chosen) results.push(await measure(measurement, folder, program));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const json = `${JSON.stringify({ machine, quick: options.quick, results }, null, 2)}\n`;
  if (options.json !== undefined && options.json !== '-') writeFileSync(options.json, json);
  process.stdout.write(options.json === '-' ? json : `${machineLine(machine)}\n\n${tableOf(results)}\n`);
  for (const { name, failure } of results) if (failure !== undefined) say(`${name}: not measured: ${failure}`);
  const isBad = results.some(({ failure, lines }) => failure !== undefined || lines.some(({ broken }) => broken));
  process.exitCode = isBad ? 1 : 0;
}

function list(): void {
  for (const { name, title } of MEASUREMENTS) process.stdout.write(`${name.padEnd(14)}${title}\n`);
}

function choose(): readonly Measurement[] {
  const unknown = names.filter((name) => !MEASUREMENTS.some((one) => one.name === name));
  if (unknown.length > 0) {
    say(
      `bench: there is no measurement ${unknown.join(', ')}. There are: ${MEASUREMENTS.map(({ name }) => name).join(', ')}.`,
    );
    process.exit(1);
  }
  return names.length === 0 ? MEASUREMENTS : MEASUREMENTS.filter(({ name }) => names.includes(name));
}

/** One that fails does not take the others with it. */
async function measure({ name, title, run }: Measurement, root: string, program: string): Promise<Result> {
  say(`${name}: ${title}`);
  const folder = path.join(root, name);
  mkdirSync(folder);
  const start = performance.now();
  const seconds = () => Math.round((performance.now() - start) / 100) / 10;
  try {
    const lines = await run({ quick: options.quick, folder, program, say: (text) => say(`  ${text}`) });
    return { name, title, seconds: seconds(), lines };
  } catch (error) {
    return {
      name,
      title,
      seconds: seconds(),
      lines: [],
      failure: error instanceof Error ? error.message : String(error),
    };
  } finally {
    await endAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
