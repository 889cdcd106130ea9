/**
 * Where the well-known providers give out tokens, and which scopes let a program read and send mail. Any other server
 * is named by its URLs. A row is data: nothing here knows how a token is fetched.
 */

export interface OAuthProvider {
  /** `{tenant}` stands for the directory (Microsoft). */
  readonly tokenUrl: string;
  readonly authorizationUrl: string;
  /** RFC 8628; null where it gives no token for mail. */
  readonly deviceUrl: string | null;
  /** For a person's own mailbox. */
  readonly scope: string;
  /** For a program without a person (RFC 6749 section 4.4); null where there is none. */
  readonly appScope: string | null;
  /** What the authorization request needs beside the standard's, to be given a refresh token. */
  readonly authorizationExtra: Readonly<Record<string, string>>;
  /** Its mail servers, as URLs without a user. */
  readonly imap: string;
  readonly smtp: string;
}

const MICROSOFT = 'https://login.microsoftonline.com/{tenant}/oauth2/v2.0';

export const OAUTH_PROVIDERS = {
  google: {
    tokenUrl: 'https://oauth2.googleapis.com/token',
    authorizationUrl: 'https://accounts.google.com/o/oauth2/v2/auth',
    deviceUrl: null,
    scope: 'https://mail.google.com/',
    appScope: null,
    authorizationExtra: { access_type: 'offline', prompt: 'consent' },
    imap: 'imaps://imap.gmail.com:993/INBOX',
    smtp: 'smtps://smtp.gmail.com:465',
  },
  microsoft: {
    tokenUrl: `${MICROSOFT}/token`,
    authorizationUrl: `${MICROSOFT}/authorize`,
    deviceUrl: `${MICROSOFT}/devicecode`,
    scope: 'https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access',
    appScope: 'https://outlook.office365.com/.default',
    authorizationExtra: {},
    imap: 'imaps://outlook.office365.com:993/INBOX',
    smtp: 'smtp://smtp.office365.com:587',
  },
} as const satisfies Readonly<Record<string, OAuthProvider>>;

export type OAuthProviderName = keyof typeof OAUTH_PROVIDERS;

/** Any directory's people, and personal accounts. */
const ANY_TENANT = 'common';

export function inTenant(url: string, tenant: string | undefined): string {
  return url.replace('{tenant}', encodeURIComponent(tenant ?? ANY_TENANT));
}
