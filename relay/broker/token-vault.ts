/** Refresh tokens that a server replaced, kept with the relay's other secrets: one backup holds all, and a save is on disk. */
import type { ReplacedToken, TokenVault } from '../mail/oauth/oauth-tokens.ts';
import type { SecretStore } from '../store/stores.ts';

const nameOf = (user: string): string => `oauth:${user.toLowerCase()}`;

export function tokenVault(secrets: SecretStore): TokenVault {
  return {
    async load(user) {
      const value = await secrets.find(nameOf(user));
      return value === undefined ? undefined : (JSON.parse(value.toString('utf8')) as ReplacedToken); // written by save
    },
    save: (user, token) => secrets.put(nameOf(user), Buffer.from(JSON.stringify(token))),
  };
}
