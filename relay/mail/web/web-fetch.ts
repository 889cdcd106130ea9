/**
 * GET of a document that an email or a notification names, so of an address that a stranger may have chosen: https only,
 * never into a private network (looked at where the connection is made, so no later DNS answer can lead there), no
 * redirect followed, a limit on bytes and time. Handed in, so that tests need no network.
 */
import { lookup } from 'node:dns';
import https from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';

export interface WebAnswer {
  readonly status: number;
  readonly body: Buffer;
}

export interface FetchLimits {
  readonly maxBytes: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** 5 s where left out. */
  readonly timeoutMs?: number;
}

/** Rejects with an Error, whose message says why, for all that is no answer. */
export type WebFetch = (url: string, limits: FetchLimits) => Promise<WebAnswer>;

const TIMEOUT_MS = 5_000;

/** What is not the public internet (RFC 6890 and the registries that go on with it). */
const PRIVATE = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  PRIVATE.addSubnet(net, bits, 'ipv4');
/** Of IPv6 only 2000::/3 is given out, and of that not 6to4, Teredo and documentation, which hide other addresses. */
const PUBLIC6 = new BlockList();
PUBLIC6.addSubnet('2000::', 3, 'ipv6');
const HIDING6 = new BlockList();
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  HIDING6.addSubnet(net, bits, 'ipv6');

export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !PRIVATE.check(address, 'ipv4');
    case 6:
      return PUBLIC6.check(address, 'ipv6') && !HIDING6.check(address, 'ipv6');
    default:
      return false;
  }
}

/** All addresses of a name must be public: a client that tries one after the other would come to the private one. */
const publicLookup: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, found) => {
    const hidden = found?.find(({ address }) => !isPublicAddress(address));
    const [first] = found ?? [];
    if (error !== null) callback(error, '', 0);
    else if (hidden !== undefined || first === undefined)
      callback(new Error(`${host} is not on the public internet`), '', 0);
    else if (options.all === true) callback(null, found);
    else callback(null, first.address, first.family);
  });
};

export const publicFetch: WebFetch = async (url, limits) => {
  const { protocol, hostname, username } = new URL(url);
  if (protocol !== 'https:' || username !== '') throw new Error('want an https URL without a user');
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0 && !isPublicAddress(literal)) throw new Error(`${literal} is not on the public internet`);
  return await get(url, limits);
};

function get(url: string, { maxBytes, headers = {}, timeoutMs = TIMEOUT_MS }: FetchLimits): Promise<WebAnswer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const request = https.get(url, { lookup: publicLookup, agent: false, signal, headers }, (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) answer.destroy(new Error(`the answer is larger than ${maxBytes} bytes`));
        else chunks.push(chunk);
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) }));
    });
    request.on('error', reject);
  });
}
