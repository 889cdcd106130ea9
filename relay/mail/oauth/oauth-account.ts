/**
 * Reads the file of TURNPOST_OAUTH: for each user how tokens are had in place of a password. Pure; errors name the user
 * and the field, never a value, since most are secrets.
 */
import { z } from 'zod';
import { inTenant, OAUTH_PROVIDERS } from './oauth-providers.ts';

export interface OAuthAccount {
  /** In lower case. */
  readonly user: string;
  readonly grant: 'refresh_token' | 'client_credentials';
  readonly tokenUrl: string;
  readonly clientId: string;
  /** Null for a public client (RFC 6749 section 2.1). */
  readonly clientSecret: string | null;
  /** Null for client_credentials only. */
  readonly refreshToken: string | null;
  readonly scope: string | null;
}

/** One entry as it is written. */
export const OAUTH_ENTRY = z
  .strictObject({
    provider: z.enum(['google', 'microsoft']).optional(),
    tenant: z.string().min(1).optional(),
    token_url: z.string().refine(isSafeUrl, 'want an https URL').optional(),
    grant: z.enum(['refresh_token', 'client_credentials']).optional(),
    client_id: z.string().min(1),
    client_secret: z.string().min(1).optional(),
    refresh_token: z.string().min(1).optional(),
    scope: z.string().min(1).optional(),
  })
  .superRefine((entry, check) => {
    const need = (path: string, message: string) => check.addIssue({ code: 'custom', path: [path], message });
    if (entry.provider === undefined && entry.token_url === undefined)
      need('token_url', 'name a provider or a token_url');
    if (entry.grant !== 'client_credentials') {
      if (entry.refresh_token === undefined) need('refresh_token', 'is missing: "turnpost oauth login" gets one');
      return;
    }
    if (entry.client_secret === undefined) need('client_secret', 'is needed for client_credentials');
    if (entry.provider === 'google') need('grant', 'Google has no client_credentials for mail');
    if (entry.provider === 'microsoft' && entry.tenant === undefined)
      need('tenant', 'is needed for client_credentials');
  });

export type OAuthEntry = z.infer<typeof OAUTH_ENTRY>;

const OAUTH_FILE = z.record(z.string(), OAUTH_ENTRY);

/** Accounts by user in lower case. Throws an Error whose text names what is wrong where. */
export function readOAuthAccounts(text: string): ReadonlyMap<string, OAuthAccount> {
  const read = OAUTH_FILE.safeParse(parseJson(text));
  if (!read.success) {
    const issues = read.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
    throw new Error(issues.join('; '));
  }
  return new Map(Object.entries(read.data).map(([user, entry]) => [user.toLowerCase(), accountOf(user, entry)]));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Without the parser's words: they quote the text.
    throw new Error('it is not valid JSON');
  }
}

function accountOf(user: string, entry: OAuthEntry): OAuthAccount {
  const provider = entry.provider && OAUTH_PROVIDERS[entry.provider];
  const grant = entry.grant ?? 'refresh_token';
  const scope = entry.scope ?? (grant === 'client_credentials' ? provider?.appScope : provider?.scope) ?? null;
  return {
    user: user.toLowerCase(),
    grant,
    tokenUrl: inTenant(entry.token_url ?? provider?.tokenUrl ?? '', entry.tenant),
    clientId: entry.client_id,
    clientSecret: entry.client_secret ?? null,
    refreshToken: entry.refresh_token ?? null,
    scope,
  };
}

/** RFC 6749 section 3.2: TLS is a must. Plain http only on this machine, where nobody listens in between. */
export function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname));
}
