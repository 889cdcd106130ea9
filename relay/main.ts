/** The relay as a program: reads settings, starts, says that it is ready, stops on SIGTERM and SIGINT. */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { systemClock } from './clock.ts';
import { ConfigError, loadConfig, loggableConfig, unknownSettings } from './config.ts';
import { createLog, type Log } from './log.ts';
import type { Resolver } from './mail/dns.ts';
import { VERSION } from './package-info.ts';
import { openRelay, type RunningRelay } from './relay.ts';

type Env = Readonly<Record<string, string | undefined>>;

interface Start {
  readonly env: Env;
  readonly log?: Log;
  /** Zone data instead of the DNS, for tests. */
  readonly resolver?: Resolver;
}

/** Starts a relay in this process. Throws an Error for people where it cannot. */
export async function startRelay({ env, log, resolver }: Start): Promise<RunningRelay> {
  const config = loadConfig(env, readConfigFile(env['TURNPOST_CONFIG']));
  const logger = log ?? createLog(config.logLevel);
  logger.info({ version: VERSION, settings: loggableConfig(config) }, 'starting');
  for (const name of unknownSettings(env))
    logger.warn({ name }, 'there is no such setting; docs/configuration.md lists them');
  return openRelay(config, logger, systemClock, resolver);
}

function readConfigFile(file: string | undefined): unknown {
  if (!file) return {};
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // What JSON.parse says quotes the text, which may hold a secret.
    const why = error instanceof SyntaxError ? 'it is not valid JSON' : error instanceof Error ? error.message : error;
    throw new ConfigError(`TURNPOST_CONFIG: cannot read ${file}: ${why}`);
  }
}

export function readyLine({ httpUrl, smtpHost, smtpPort, socketPath }: RunningRelay): string {
  const smtp = smtpPort === null ? 'off' : `${smtpHost.includes(':') ? `[${smtpHost}]` : smtpHost}:${smtpPort}`;
  return `turnpost: ready http=${httpUrl} smtp=${smtp} socket=${socketPath ?? 'off'}`;
}

/** Runs until a signal; the exit code is 0 after an orderly stop and 1 where the relay cannot start. */
export async function runRelay(env: Env = process.env): Promise<void> {
  try {
    const relay = await startRelay({ env });
    process.stdout.write(`${readyLine(relay)}\n`);
    process.stderr.write(
      'turnpost: next, connect a project: npm run -s turnpost -- install claude --dir PATH_OF_PROJECT (or gemini, codex)\n',
    );
    await signalled();
    await relay.close();
    process.exit(0);
  } catch (error) {
    process.stderr.write(`turnpost: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runRelay();
