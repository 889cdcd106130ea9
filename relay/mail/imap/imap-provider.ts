/** What is particular about well-known IMAP services: one row a provider. Everything else is decided by what a server offers. */

export interface ImapProvider {
  /** A host belongs to the row whose name it is or ends in. */
  readonly hosts: readonly string[];
  /**
   * RFC 2971: sent only to those that ask for it. Some servers end the session at it, and no command needs its answer.
   */
  readonly wantsId: boolean;
  /** What to do when the login is refused; follows "The server refuses the login. ". */
  readonly loginAdvice: string;
}

const PASSWORD_ADVICE =
  'Put the right user and password (for most providers an app password) in TURNPOST_IMAP_URL and restart.';

const PROVIDERS: readonly ImapProvider[] = [
  {
    hosts: ['imap.gmail.com', 'imap.googlemail.com'],
    wantsId: true,
    loginAdvice:
      'Gmail takes an app password (two-step verification must be on) in TURNPOST_IMAP_URL, or a login by "turnpost oauth login".',
  },
  {
    hosts: ['outlook.office365.com', 'outlook.office.com', 'imap-mail.outlook.com', 'partner.outlook.cn'],
    wantsId: false,
    loginAdvice:
      'Microsoft 365 takes no passwords: leave the password out of TURNPOST_IMAP_URL and run "turnpost oauth login". IMAP must be on for the mailbox.',
  },
  {
    hosts: ['imap.163.com', 'imap.126.com', 'imap.yeah.net', 'imap.188.com'],
    // They refuse to open a mailbox for who has not introduced himself.
    wantsId: true,
    loginAdvice:
      'Put the authorization code that the web interface gives (not the password) in TURNPOST_IMAP_URL and restart.',
  },
];

const ANY: ImapProvider = { hosts: [], wantsId: false, loginAdvice: PASSWORD_ADVICE };

export function imapProvider(host: string): ImapProvider {
  const name = host.toLowerCase();
  return PROVIDERS.find(({ hosts }) => hosts.some((known) => name === known || name.endsWith(`.${known}`))) ?? ANY;
}
