/**
 * turnpost listen: prints each message as it comes and confirms it once it is printed. For programs: with --json one
 * line a message. What was taken and not printed is given back when the command ends.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { TurnpostClient } from '../../client/turnpost-client.ts';
import { TurnpostError } from '../../client/turnpost-error.ts';
import type { Cli } from '../cli.ts';
import { CliError } from '../exit-code.ts';
import { messageText } from '../message-text.ts';
import { count, durationMs } from '../options.ts';

interface ListenOptions {
  readonly max?: number;
  readonly timeout?: number;
}

/** One long poll. */
const WAIT_MS = 60_000;
const PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** For `--as`: longer than anybody lets it run; the key is known to this process alone. */
const LISTEN_KEY_MS = 30 * 86_400_000;

export function addListen(program: Command, cli: Cli): void {
  program
    .command('listen')
    .description('print messages as they come, and confirm each once it is printed')
    .option('--max <n>', 'stop after this many', count(1_000_000))
    .option(
      '--timeout <duration>',
      'stop when nothing came for this long (exit code 6 if nothing came at all)',
      durationMs,
    )
    .action((options: ListenOptions) => cli.withAgent((client) => listen(client, options, cli), LISTEN_KEY_MS));
}

async function listen(client: TurnpostClient, options: ListenOptions, cli: Cli): Promise<void> {
  const { signal } = cli.world;
  const { max = Number.POSITIVE_INFINITY, timeout = Number.POSITIVE_INFINITY } = options;
  const sessionId = `cli_${randomBytes(12).toString('hex')}`;
  let printed = 0;
  let quietSince = performance.now();
  while (printed < max && !signal.aborted) {
    const left = quietSince + timeout - performance.now();
    if (left <= 0) break;
    const waitMs = Math.ceil(Math.min(WAIT_MS, left));
    const taken = await take(client, sessionId, Math.min(10, max - printed), waitMs, cli);
    printed += taken;
    if (taken > 0) quietSince = performance.now();
  }
  if (printed === 0 && !signal.aborted) throw new CliError('nothing', 'No message came in the given time.');
}

/** How many were printed. A relay that is away for a while is waited for: that is what a listener is for. */
async function take(client: TurnpostClient, sessionId: string, max: number, waitMs: number, cli: Cli): Promise<number> {
  const { signal } = cli.world;
  const lease = await untilReached(
    () => client.lease({ session_id: sessionId, max, wait: `${waitMs}ms` }, { waitMs }),
    cli,
  );
  if (lease === undefined || lease.lease_id === null) return 0;
  // What was printed is confirmed and the rest given back, also when the command is stopped meanwhile.
  const settle = client.as({ signal: undefined });
  let printed = 0;
  for (const message of lease.items) {
    if (signal.aborted) break;
    await cli.answer(message, () => `${messageText(message)}\n`);
    await untilReached(() => settle.ackMessage(message.id), cli);
    printed += 1;
  }
  if (printed < lease.items.length) await settle.releaseLease(lease.lease_id);
  return printed;
}

/** Undefined when the command is stopped meanwhile. */
async function untilReached<T>(ask: () => Promise<T>, cli: Cli): Promise<T | undefined> {
  const { signal } = cli.world;
  for (let pause = PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof TurnpostError && mayComeBack(error))) throw error;
      cli.note(`${error.message} Trying again in ${pause / 1000} s.`);
    }
    await delay(pause, undefined, { signal }).catch(() => undefined);
  }
}

const mayComeBack = ({ code }: TurnpostError): boolean =>
  code === 'unreachable' || code === 'unavailable' || code === 'rate_limited';
