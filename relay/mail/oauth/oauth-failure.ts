/** Why no token was to be had: a value for people, and whether asking again can help. */

export class OAuthFailure extends Error {
  override readonly name = 'OAuthFailure';
  /** True: the same question gets the same answer, a person has to act. */
  readonly refused: boolean;
  /** How long the server asks to be left alone; 0 where it does not say. */
  readonly retryAfterMs: number;

  /** `message` is a sentence for people and holds no secret. */
  constructor(message: string, { refused, retryAfterMs = 0 }: { refused: boolean; retryAfterMs?: number }) {
    super(message);
    this.refused = refused;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Error codes of a token endpoint that mean "not now" though they come with 400 (RFC 6749 section 4.1.2.1 has them for
 * the authorization endpoint, servers use them here too; RFC 8628 section 3.5 has slow_down).
 */
const NOT_NOW = new Set(['temporarily_unavailable', 'server_error', 'slow_down']);

/** What to do about the codes of RFC 6749 section 5.2, and those that big providers add. */
const ADVICE: Readonly<Record<string, string>> = {
  invalid_grant:
    'the login was withdrawn, has run out, or the password was changed. Run "turnpost oauth login" for this user again',
  interaction_required: 'the provider wants the person to sign in again. Run "turnpost oauth login" for this user',
  consent_required: 'the person, or an administrator, has not agreed to this app. Agree by "turnpost oauth login"',
  invalid_client:
    'client_id or client_secret is wrong or has run out. Put the right ones in the file of TURNPOST_OAUTH',
  unauthorized_client: 'the provider does not let this app use this kind of login. Change the registration of the app',
  invalid_scope: 'the app may not ask for this scope. Add the mail scopes to the registration of the app',
  unsupported_grant_type: 'token_url is not one that knows this grant. Check it in the file of TURNPOST_OAUTH',
  admin_policy_enforced: "the organisation's administrator has blocked this app",
};

export interface TokenErrorAnswer {
  readonly status: number;
  /** `error` of the JSON answer (RFC 6749 section 5.2). */
  readonly code: string | null;
  readonly retryAfterMs: number;
}

/** 5xx, 408 and 429 pass; what else is refused will be refused again. */
export function tokenFailure(user: string, { status, code, retryAfterMs }: TokenErrorAnswer): OAuthFailure {
  const passing = status >= 500 || status === 429 || status === 408 || (code !== null && NOT_NOW.has(code));
  const answer = code === null ? `HTTP ${status}` : `${code}, HTTP ${status}`;
  if (passing)
    return new OAuthFailure(`The token server has no token for ${user} now (${answer}).`, {
      refused: false,
      retryAfterMs,
    });
  const advice = ADVICE[code ?? ''] ?? 'check the entry of this user in the file of TURNPOST_OAUTH';
  return new OAuthFailure(`The token server refuses ${user} (${answer}): ${advice}.`, { refused: true });
}
