/** Whom a message is for: names and addresses of this relay become agents, other addresses become email. */
import { RelayError } from '../errors.ts';
import { canonicalAddress, splitSubaddress } from '../mail/address.ts';
import type { Agent } from '../types.ts';
import { addressOf } from './agents.ts';
import type { BrokerDeps } from './deps.ts';

export type Recipient =
  | { readonly kind: 'agent'; readonly address: string; readonly agent: Agent }
  | { readonly kind: 'email'; readonly address: string };

interface Refusal {
  readonly to: string;
  readonly code: 'recipient_unknown' | 'invalid_request';
  readonly message: string;
}

/**
 * One recipient for each name, in order; or one error that names each that cannot be accepted, and then nothing is sent.
 * Throws `recipient_unknown` (a local name nobody has) or `invalid_request` (not an address).
 */
export async function resolveRecipients(deps: BrokerDeps, names: readonly string[]): Promise<Recipient[]> {
  const found: Recipient[] = [];
  const refused: Refusal[] = [];
  for (const name of names) {
    const recipient = await resolve(deps, name.trim());
    if ('code' in recipient) refused.push(recipient);
    else found.push(recipient);
  }
  const [first] = refused;
  if (first === undefined) return found;
  const code = refused.some((one) => one.code === 'recipient_unknown') ? 'recipient_unknown' : 'invalid_request';
  throw new RelayError(code, {
    message: `${first.message} Nothing was sent.`,
    details: {
      recipients: refused,
      fields: refused.map(({ to, message }) => ({ path: 'to', message: `${to}: ${message}` })),
    },
  });
}

async function resolve(deps: BrokerDeps, name: string): Promise<Recipient | Refusal> {
  const local = localName(deps, name.toLowerCase());
  if (local === undefined) {
    const address = canonicalAddress(name);
    if (address !== undefined) return { kind: 'email', address };
    return { to: name, code: 'invalid_request', message: `"${name}" is neither an agent's name nor an email address.` };
  }
  const agent = await deps.stores.agents.findByName(local);
  if (agent === undefined || agent.deletedAt !== null) {
    return { to: name, code: 'recipient_unknown', message: `No agent of this relay is called "${local}".` };
  }
  return { kind: 'agent', address: addressOf(agent, deps.settings.domain), agent };
}

/** The agent's name in `name`, `name@our.domain` or `mailbox+name@its.domain`; undefined for addresses elsewhere. */
export function localName(deps: Pick<BrokerDeps, 'settings'>, name: string): string | undefined {
  const { domain, mailboxAddresses } = deps.settings;
  if (!name.includes('@')) return name;
  const { local, tag, domain: host } = splitSubaddress(name);
  if (host === domain) return local;
  const isMailbox = tag !== null && mailboxAddresses.includes(`${local}@${host}`);
  return isMailbox ? tag : undefined;
}
