/**
 * Every error the relay can put on the wire, in one table (docs/errors.md is printed from it).
 *
 * The rules throw `new RelayError('not_found')`; only http/error-handler.ts and the MCP tools turn one into bytes.
 * Codes are API: add rows, never reuse one (pinned by test/pins/errors.test.ts).
 */

interface ErrorSpec {
  readonly status: number;
  /** What is wrong and what to do next, for a person or an agent. */
  readonly message: string;
  /** Seconds for Retry-After. */
  readonly retryAfter?: number;
}

export const ERRORS = {
  malformed_json: { status: 400, message: 'The body is not valid JSON. Send one JSON object.' },
  invalid_cursor: { status: 400, message: 'That cursor is not one of ours. Start again without a cursor.' },
  unauthorized: {
    status: 401,
    message:
      'The key is missing, unknown, expired or revoked. Send "Authorization: Bearer KEY" with a live key; an admin issues one with "turnpost keys create".',
  },
  forbidden: { status: 403, message: 'This key may not do that.' },
  blocked_by_policy: { status: 403, message: "The relay's policy does not let this message pass." },
  not_found: { status: 404, message: 'There is nothing here under that id, or this key may not see it.' },
  recipient_unknown: {
    status: 404,
    message: 'No agent of this relay has that name. List the agents to find the right one.',
  },
  host_unknown: { status: 404, message: 'No such host. The hosts are claude, gemini and codex.' },
  event_unknown: { status: 404, message: 'This host has no such hook event that Turnpost answers.' },
  method_not_allowed: { status: 405, message: 'This address does not take that method.' },
  too_large: { status: 413, message: 'The body is over the size limit (TURNPOST_MAX_MESSAGE).' },
  unsupported_media_type: { status: 415, message: 'Send the body as application/json.' },
  name_taken: { status: 409, message: 'That name is in use, or was: names are never given out again. Choose another.' },
  state_conflict: { status: 409, message: 'It is no longer in a state that allows this.' },
  expired: { status: 410, message: 'It has expired.' },
  invalid_request: { status: 422, message: 'The request does not fit the interface; details.fields names each field.' },
  idempotency_key_reuse: {
    status: 422,
    message: 'This Idempotency-Key was used within 24 hours with another body. Use a new key for a new request.',
  },
  suppressed: { status: 422, message: 'Mail to that address has failed for good before; it is suppressed.' },
  rate_limited: { status: 429, message: 'Too many requests. Wait, then try again.', retryAfter: 10 },
  quota_exceeded: { status: 429, message: 'The quota is used up.', retryAfter: 3600 },
  unavailable: {
    status: 503,
    message: 'The relay cannot store anything at the moment. Nothing was accepted; try again.',
    retryAfter: 5,
  },
  internal: {
    status: 500,
    message: 'Something went wrong inside the relay. The log has the cause under this request_id.',
  },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

export interface FieldProblem {
  /** Where, dotted: `attachments.0.content`. */
  readonly path: string;
  readonly message: string;
}

interface RelayErrorOptions {
  /** Shown instead of the table's text. */
  readonly message?: string;
  /** Shown to the caller. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Only ever logged. */
  readonly cause?: unknown;
  /** For Retry-After, instead of the table's. */
  readonly retryAfterSeconds?: number;
}

export class RelayError extends Error {
  override readonly name = 'RelayError';
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly #retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, options: RelayErrorOptions = {}) {
    super(options.message ?? ERRORS[code].message, { cause: options.cause });
    this.code = code;
    this.details = options.details;
    this.#retryAfterSeconds = options.retryAfterSeconds;
  }

  /** Undefined where waiting does not help. */
  get retryAfterSeconds(): number | undefined {
    return this.#retryAfterSeconds ?? this.spec.retryAfter;
  }

  get spec(): ErrorSpec {
    return ERRORS[this.code];
  }
}

/** 422 that names each field. */
export function invalidRequest(fields: readonly FieldProblem[]): RelayError {
  return new RelayError('invalid_request', { details: { fields } });
}

/** Anything thrown, as a RelayError; what was not foreseen becomes `internal` and keeps its cause for the log. */
export function toRelayError(thrown: unknown): RelayError {
  return thrown instanceof RelayError ? thrown : new RelayError('internal', { cause: thrown });
}
