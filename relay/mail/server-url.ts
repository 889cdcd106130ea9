/** Reads `smtp(s)://user:pass@host:port` and `imap(s)://user:pass@host:port/FOLDER`: the settings that name a mail server. */

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte (RFC 8314 section 3). */
  readonly secure: boolean;
  readonly user: string | null;
  /** Null with a user: the login is by OAuth2, also where the URL does not say `?auth=oauth2`. */
  readonly password: string | null;
  /** What follows the host, percent-decoded, without its slash; null where there is nothing. */
  readonly path: string | null;
  /** On this machine: nobody listens in between, so plain text is allowed. */
  readonly loopback: boolean;
}

/** Ports of RFC 8314 section 7.3, RFC 6409 section 3.1 and RFC 9051 section 2.1. */
const PORTS = { 'smtp:': 587, 'smtps:': 465, 'imap:': 143, 'imaps:': 993 } as const;

/** Throws TypeError with a sentence that names what is wrong and never shows the password. */
export function readServerUrl(text: string, scheme: 'smtp' | 'imap'): ServerAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const wanted = `${scheme}://user:password@host:port or ${scheme}s://user:password@host:port`;
  if (url === undefined || url.hostname === '') throw new TypeError(`it must look like ${wanted}`);
  const { protocol } = url;
  if (protocol !== `${scheme}:` && protocol !== `${scheme}s:`)
    throw new TypeError(`it must begin with ${scheme}:// or ${scheme}s://`);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const auth = url.searchParams.get('auth');
  if (auth !== null && auth !== 'oauth2') throw new TypeError('auth= may only be oauth2');
  if (auth === 'oauth2' && (url.username === '' || url.password !== ''))
    throw new TypeError('with auth=oauth2 it has a user and no password');
  // The check above leaves only the four names of the table.
  const port = PORTS[protocol as keyof typeof PORTS];
  return {
    host,
    port: url.port === '' ? port : Number(url.port),
    secure: protocol === `${scheme}s:`,
    user: decode(url.username) || null,
    password: decode(url.password) || null,
    path: decode(url.pathname.replace(/^\//, '')) || null,
    loopback: isLoopback(host),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError('its percent signs do not decode; write a percent sign as %25');
  }
}

/** RFC 6761 section 6.3: localhost and what ends in it is this machine. */
function isLoopback(host: string): boolean {
  return host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host) || /^(?:.+\.)?localhost$/i.test(host);
}
