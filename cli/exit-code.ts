/** What the exit code says, in one table (docs/cli.md and `turnpost --help` are printed from it), and how an error becomes one. */
import { ConnectionError } from '../client/connection.ts';
import { TurnpostError } from '../client/turnpost-error.ts';

export const EXIT_CODES = {
  ok: { code: 0, meaning: 'done' },
  error: { code: 1, meaning: 'the relay refused, or something is wrong; stderr says what' },
  usage: { code: 2, meaning: 'the command was written wrong' },
  unreachable: { code: 3, meaning: 'no relay answers' },
  unauthorized: { code: 4, meaning: 'the key is missing, dead, or may not do that' },
  notFound: { code: 5, meaning: 'there is no such message, agent, key or hold' },
  nothing: { code: 6, meaning: 'nothing came in the given time' },
  stopped: { code: 130, meaning: 'stopped by a signal' },
} as const satisfies Record<string, { readonly code: number; readonly meaning: string }>;

export type ExitName = keyof typeof EXIT_CODES;

/** A failure of the command line itself. `message` says what is wrong, where, and what to do next. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exit: ExitName;

  constructor(exit: ExitName, message: string) {
    super(message);
    this.exit = exit;
  }
}

const BY_STATUS: Readonly<Record<number, ExitName>> = {
  401: 'unauthorized',
  403: 'unauthorized',
  404: 'notFound',
};

export function exitOf(error: unknown): ExitName {
  if (error instanceof CliError) return error.exit;
  if (error instanceof ConnectionError) return 'usage';
  if (!(error instanceof TurnpostError)) return 'error';
  if (error.code === 'unreachable') return 'unreachable';
  if (error.code === 'aborted') return 'stopped';
  return BY_STATUS[error.status] ?? 'error';
}

/** Lines for stderr. */
export function describeError(error: unknown): string {
  if (!(error instanceof TurnpostError)) return error instanceof Error ? error.message : String(error);
  const { message, code, details, requestId } = error;
  const fields = details === undefined ? '' : `\n  ${JSON.stringify(details)}`;
  const trace = requestId === undefined ? '' : ` [${code}, request ${requestId}]`;
  return `${message}${trace}${fields}`;
}
