/** What a login by OAuth2 needs to know, whichever way the person agrees; and what both ways end with. */
import type { Clock } from '../../relay/clock.ts';
import { tokenFailure } from '../../relay/mail/oauth/oauth-failure.ts';
import { errorCode, type TokenAnswer } from '../../relay/mail/oauth/oauth-token-request.ts';
import { CliError } from '../exit-code.ts';

export interface LoginRequest {
  readonly user: string;
  readonly clientId: string;
  readonly clientSecret: string | null;
  readonly scope: string | null;
  readonly tokenUrl: string;
  readonly clock: Clock;
  /** Tells the person what to do. */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The refresh token of a token endpoint's answer. Throws CliError with what to do. */
export function refreshTokenOf(request: LoginRequest, { status, body, retryAfterMs }: TokenAnswer): string {
  if (status !== 200) {
    throw new CliError('error', tokenFailure(request.user, { status, code: errorCode(body), retryAfterMs }).message);
  }
  const token = body['refresh_token'];
  if (typeof token === 'string' && token !== '') return token;
  throw new CliError(
    'error',
    'The provider gave a token for an hour only (no refresh token). Allow the app offline access, then log in again.',
  );
}

export function stopped(): CliError {
  return new CliError('stopped', 'Stopped before the login was done; nothing was changed.');
}
