/** The one error the client throws: what the relay answered, or that there is no relay to answer. */
import { ErrorAnswer } from '../relay/wire.ts';

/** Codes beside those of docs/errors.md: nobody answered, or what answered is no relay. */
export type ClientCode = 'unreachable' | 'unexpected_answer' | 'aborted';

interface TurnpostErrorFields {
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** A code of docs/errors.md, or a ClientCode. */
  readonly code: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

export class TurnpostError extends Error {
  override readonly name = 'TurnpostError';
  readonly status: number;
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(fields: TurnpostErrorFields) {
    super(fields.message, { cause: fields.cause });
    this.status = fields.status;
    this.code = fields.code;
    this.details = fields.details;
    this.requestId = fields.requestId;
    this.retryAfterSeconds = fields.retryAfterSeconds;
  }
}

export function unreachable(address: string, cause: unknown): TurnpostError {
  const why = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  return new TurnpostError({
    status: 0,
    code: 'unreachable',
    message: `No relay answers at ${address}${why}. Start it with "npm start" or "turnpost serve", or set TURNPOST_URL or TURNPOST_SOCKET to where it runs.`,
    cause,
  });
}

export function aborted(): TurnpostError {
  return new TurnpostError({
    status: 0,
    code: 'aborted',
    message: 'The request was called off before it was answered.',
  });
}

export function unexpectedAnswer(address: string, status: number, cause?: unknown): TurnpostError {
  return new TurnpostError({
    status,
    code: 'unexpected_answer',
    message: `What answers at ${address} (HTTP ${status}) does not speak like a Turnpost relay of this version. Look whether another program has that port, and whether relay and client are of one version.`,
    cause,
  });
}

/** An error answer of the relay; anything else that is no success is `unexpected_answer`. */
export function fromAnswer(address: string, status: number, body: unknown, retryAfter?: string): TurnpostError {
  const parsed = ErrorAnswer.safeParse(body);
  if (!parsed.success) return unexpectedAnswer(address, status);
  const { code, message, details, request_id } = parsed.data.error;
  const seconds = Number(retryAfter);
  return new TurnpostError({
    status,
    code,
    message,
    details,
    requestId: request_id,
    retryAfterSeconds: retryAfter !== undefined && Number.isFinite(seconds) ? seconds : undefined,
  });
}
