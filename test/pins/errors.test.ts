/** Codes and statuses are API: rows may be added, never changed or reused. */
import { expect, test } from 'vitest';
import { ERRORS, RelayError, toRelayError } from '../../relay/errors.ts';

const PINNED = {
  malformed_json: 400,
  invalid_cursor: 400,
  unauthorized: 401,
  forbidden: 403,
  blocked_by_policy: 403,
  not_found: 404,
  recipient_unknown: 404,
  host_unknown: 404,
  event_unknown: 404,
  method_not_allowed: 405,
  too_large: 413,
  unsupported_media_type: 415,
  name_taken: 409,
  state_conflict: 409,
  expired: 410,
  invalid_request: 422,
  idempotency_key_reuse: 422,
  suppressed: 422,
  rate_limited: 429,
  quota_exceeded: 429,
  unavailable: 503,
  internal: 500,
};

test('every code has the status it always had', () => {
  expect(Object.fromEntries(Object.entries(ERRORS).map(([code, { status }]) => [code, status]))).toEqual(PINNED);
});

test('429 and 503 say when to try again, and nothing else does', () => {
  const retry = Object.entries(ERRORS).flatMap(([code, row]) => ('retryAfter' in row ? [code] : []));
  expect(retry).toEqual(['rate_limited', 'quota_exceeded', 'unavailable']);
});

test('every message is a sentence', () => {
  for (const [code, { message }] of Object.entries(ERRORS)) expect(message, code).toMatch(/^[A-Z].+[.]$/);
});

test('what nobody foresaw becomes internal: its cause is kept for the log and is not in the message', () => {
  const bug = new Error('SELECT secret FROM key');
  const error = toRelayError(bug);
  expect([error.code, error.cause]).toEqual(['internal', bug]);
  expect(error.message).not.toContain('SELECT');
  const known = new RelayError('expired');
  expect(toRelayError(known)).toBe(known);
});
