/**
 * What a client says to log in (RFC 4616 PLAIN, RFC 7628 OAUTHBEARER, and Google's XOAUTH2), read and nothing more.
 * Undefined where it is not of that form. Must never be logged: it holds a secret.
 */

export interface Credentials {
  /** Everyone it claims to be: each must be the holder of the secret. Empty where the mechanism lets it be left out. */
  readonly names: readonly string[];
  readonly secret: string;
}

const LONGEST = 12_288; // RFC 4954 section 4, of one line

/** RFC 4954 section 4: base64 of RFC 4648, and "=" for nothing at all. */
export function decodeSasl(line: string): string | undefined {
  if (line === '=') return '';
  const sound = line.length <= LONGEST && line.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(line);
  return sound ? Buffer.from(line, 'base64').toString('utf8') : undefined;
}

/** RFC 4616 section 2: [authzid] NUL authcid NUL passwd. */
export function readPlain(text: string): Credentials | undefined {
  const [authzid, authcid, secret, ...rest] = text.split('\0');
  if (authcid === undefined || secret === undefined || rest.length > 0) return undefined;
  const names = [authzid ?? '', authcid].filter((name) => name !== '');
  return names.length === 0 ? undefined : { names, secret };
}

const SEPARATOR = '\x01';

/** RFC 7628 section 3.1: a GS2 header (RFC 5801 section 4), then key=value pairs; the token is in `auth`. */
export function readOauthBearer(text: string): Credentials | undefined {
  const [header = '', ...pairs] = text.split(SEPARATOR);
  const gs2 = /^n,(?:a=([^,]{1,320}))?,$/.exec(header);
  const secret = bearerOf(pairs);
  if (gs2 === null || secret === undefined) return undefined;
  // RFC 5801 section 4: "," and "=" are written =2C and =3D.
  const name = gs2[1]?.replaceAll('=2C', ',').replaceAll('=3D', '=');
  return { names: name === undefined ? [] : [name], secret };
}

/** Google's and Microsoft's: user=NAME ^A auth=Bearer TOKEN ^A ^A. */
export function readXoauth2(text: string): Credentials | undefined {
  const pairs = text.split(SEPARATOR);
  const name = pairs.find((pair) => /^user=/i.test(pair))?.slice('user='.length);
  const secret = bearerOf(pairs);
  return name === undefined || name === '' || secret === undefined ? undefined : { names: [name], secret };
}

const bearerOf = (pairs: readonly string[]): string | undefined =>
  pairs.map((pair) => /^auth=bearer ([\x21-\x7e]{1,4096})$/i.exec(pair)?.[1]).find((token) => token !== undefined);
