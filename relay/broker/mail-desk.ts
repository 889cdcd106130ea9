/** What the SMTP listener and the letter boxes want from the rules. */
import type { LetterBoxKeeper, SmtpDesk } from '../mail/contracts.ts';
import { findTargets, isDeliverable, isOurDomain } from './address-book.ts';
import type { BrokerDeps } from './deps.ts';
import { quarantineEmail, takeEmail } from './intake.ts';

export function smtpDesk(deps: BrokerDeps): SmtpDesk {
  return {
    async checkRecipient(address) {
      if (await isDeliverable(deps, address)) return { accepted: true };
      if (!isOurDomain(deps, address.toLowerCase())) {
        return { accepted: false, code: 550, text: '5.7.1 This server takes mail for its own agents only' };
      }
      return {
        accepted: false,
        code: 550,
        text: '5.1.1 There is no such agent here, or the address is no longer valid',
      };
    },
    take: (email) => takeEmail(deps, email),
  };
}

export function letterBoxKeeper(deps: BrokerDeps): LetterBoxKeeper {
  const { mailboxes } = deps.stores;
  return {
    find: (account, folder) => mailboxes.find(account, folder),
    move: (account, folder, cursor) => mailboxes.move({ account, folder, ...cursor }),
    isOurs: async (candidate) => (await findTargets(deps, candidate)).length > 0,
    take: (email) => takeEmail(deps, email),
    countFailure: (account, folder, uidValidity, uid) => mailboxes.countFailure(account, folder, uidValidity, uid),
    quarantine: (source, raw, reason, head) => quarantineEmail(deps, { source, raw, reason, head }),
  };
}
