/**
 * Whose Authentication-Results to believe in a mailbox (RFC 8601 sections 1.6 and 5): those of the server that took the
 * mail in, which takes out any field that comes in under its own name. Only its topmost field counts.
 */

import type { HeaderSection } from '../parse/header-section.ts';
import { type AuthenticationResults, readAuthenticationResults } from './authentication-results.ts';

/** The authserv-id; `*.` at its beginning stands for any server of that domain; null where the provider writes none. */
export type AuthservId = string | null;

/** IMAP hosts (and hosts below them) of well-known providers, and how their servers call themselves, as seen in mail. */
const PROVIDERS: readonly (readonly [host: string, id: AuthservId])[] = [
  ['imap.gmail.com', 'mx.google.com'],
  ['imap.googlemail.com', 'mx.google.com'],
  ['imap.fastmail.com', '*.messagingengine.com'],
  ['imap.mail.me.com', 'dmarc.icloud.com'],
  ['imap.mail.yahoo.com', '*.yahoo.com'],
  ['imap.aol.com', '*.yahoo.com'],
  ['imap.gmx.net', 'gmx.net'],
  ['imap.gmx.com', 'gmx.net'],
  ['imap.web.de', 'web.de'],
  ['imap.zoho.com', 'mx.zohomail.com'],
  // Exchange Online begins the field with the results.
  ['outlook.office365.com', null],
  ['imap-mail.outlook.com', null],
];

/**
 * `setting`: by comma, an id for all mailboxes, or `imap.host=id` for those of one host. Undefined: nobody's results
 * are believed for this host.
 */
export function authservIdFor(host: string, setting: string | undefined): AuthservId | undefined {
  const entries = (setting ?? '').split(',').flatMap((entry) => {
    const [left = '', right] = entry.trim().toLowerCase().split('=');
    return left === '' ? [] : [right === undefined ? { host: null, id: left } : { host: left, id: right }];
  });
  const own = entries.find((entry) => entry.host === host) ?? entries.find((entry) => entry.host === null);
  return own === undefined ? PROVIDERS.find(([name]) => name === host)?.[1] : own.id;
}

/** The topmost field of that server. One above it that cannot be read may be its own: then nothing is believed. */
export function believedResults({ fields }: HeaderSection, id: AuthservId): AuthenticationResults | undefined {
  for (const { name, value } of fields) {
    if (name !== 'authentication-results') continue;
    const read = readAuthenticationResults(value);
    if (read === undefined) return undefined;
    if (isBy(read.authservId, id)) return read;
    // Without a name it can only be told by its place.
    if (id === null) return undefined;
  }
  return undefined;
}

function isBy(found: string | null, wanted: AuthservId): boolean {
  if (found === null || wanted === null) return found === wanted;
  return wanted.startsWith('*.') ? found.endsWith(wanted.slice(1)) : found === wanted;
}
