/**
 * Which fields that say whom a mail is for (To, Cc) and what it answers (In-Reply-To, References) a signature speaks for.
 * A signed mail can be handed in again anywhere (RFC 6376 section 8.6), with whatever the signer left open changed.
 */

import type { HeaderSection } from '../parse/header-section.ts';
import { isRelated } from './dmarc-check.ts';

export interface SignedFields {
  /** Of these fields, those the mail has more of than are signed, by a signer who signs To. */
  readonly open: readonly string[];
  /** A signer that leaves To out, as some large ones do, speaks for no address in it. */
  readonly toUnsigned: boolean;
}

const NAMING = ['to', 'cc', 'in-reply-to', 'references'];

export function countFields({ fields }: HeaderSection, name: string): number {
  return fields.filter((field) => field.name === name).length;
}

/** `keys`: the names that the signature lists, each as often as it is signed. */
export function signedFields(section: HeaderSection, keys: readonly string[]): SignedFields {
  if (!keys.includes('to')) return { open: doubled(section), toUnsigned: true };
  const open = NAMING.filter((name) => countFields(section, name) > keys.filter((key) => key === name).length);
  return { open, toUnsigned: false };
}

/**
 * Where somebody else has verified the signatures and does not say which one spoke for `domain`: what all of them that
 * are said to be its own speak for. One that was added on the way can only take away.
 */
export function commonlySigned(section: HeaderSection, domain: string): SignedFields {
  const own = section.fields
    .flatMap(({ name, value }) => (name === 'dkim-signature' ? [readSignature(value)] : []))
    .filter((signature) => isRelated(signature.domain, domain))
    .map(({ keys }) => signedFields(section, keys));
  const open = new Set([...doubled(section), ...own.flatMap((one) => one.open)]);
  return { open: [...open], toUnsigned: own.some(({ toUnsigned }) => toUnsigned) };
}

/** RFC 5322 section 3.6: each may stand once. */
function doubled(section: HeaderSection): string[] {
  return NAMING.filter((name) => countFields(section, name) > 1);
}

/** RFC 6376 section 3.5, of its tags only `d` and `h`. */
function readSignature(value: string): { readonly domain: string; readonly keys: readonly string[] } {
  const tags = value.toLowerCase().replace(/\s+/g, '').split(';');
  const tag = (name: string): string => tags.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  return { domain: tag('d'), keys: tag('h').split(':') };
}
