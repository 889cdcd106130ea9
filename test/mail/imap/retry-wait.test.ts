import { describe, expect, test } from 'vitest';
import {
  addFailure,
  FolderRefused,
  failureKind,
  hintMs,
  isParked,
  NO_FAILURES,
  retryWaitMs,
} from '../../../relay/mail/imap/retry-wait.ts';
import { OAuthFailure } from '../../../relay/mail/oauth/oauth-failure.ts';

describe('failures of a mail server', () => {
  test.each([
    ['AUTHENTICATIONFAILED', 'auth'],
    ['EXPIRED', 'auth'],
    [undefined, 'auth'],
    ['LIMIT', 'other'],
    ['UNAVAILABLE', 'other'],
    ['INUSE', 'other'],
  ])('a refused login with %s is of kind %s (RFC 5530)', (serverResponseCode, kind) => {
    expect(failureKind({ authenticationFailed: true, serverResponseCode })).toBe(kind);
  });

  test('what is no login is no wrong password', () => {
    expect(failureKind(new Error('ECONNREFUSED'))).toBe('other');
    expect(failureKind('AUTHENTICATIONFAILED')).toBe('other');
  });

  test('the wait is anything below a ceiling that doubles from 1 s to 5 min', () => {
    let failures = NO_FAILURES;
    const ceilings: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      failures = addFailure(failures, 'other');
      expect(retryWaitMs(failures, 0)).toBe(0);
      ceilings.push(retryWaitMs(failures, 1));
    }
    expect(ceilings).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300].map((seconds) => seconds * 1000));
  });

  test('three refused logins in a row park the mailbox for an hour; another failure between them does not count', () => {
    const twice = addFailure(addFailure(NO_FAILURES, 'auth'), 'auth');
    expect(retryWaitMs(addFailure(twice, 'auth'), 0)).toBe(3_600_000);
    expect(retryWaitMs(addFailure(addFailure(twice, 'other'), 'auth'), 0)).toBe(0);
  });

  test('what was refused for good is parked at once, what fails for now is not', () => {
    const parked = (error: unknown) => isParked(addFailure(NO_FAILURES, failureKind(error)));
    expect(parked(new OAuthFailure('withdrawn', { refused: true }))).toBe(true);
    expect(parked(new FolderRefused('All Mail'))).toBe(true);
    expect(parked(new OAuthFailure('no answer', { refused: false }))).toBe(false);
  });

  test('no wait is shorter than what a server asked for, and none longer than an hour because of it', () => {
    const exchange = { code: 'ETHROTTLE', throttleReset: 92_415, throttleWaited: 50_000 };
    expect(hintMs(exchange)).toBe(42_415);
    expect(retryWaitMs(addFailure(NO_FAILURES, 'other', hintMs(exchange)), 0.5)).toBe(42_415);
    expect(retryWaitMs(addFailure(NO_FAILURES, 'other', 10), 0.5)).toBe(500);
    expect(hintMs({ throttleReset: 9e9 })).toBe(3_600_000);
    expect(hintMs(new OAuthFailure('busy', { refused: false, retryAfterMs: 7000 }))).toBe(7000);
    expect(hintMs(new Error('ECONNRESET'))).toBe(0);
  });
});
