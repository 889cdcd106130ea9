/** What the SMTP listener and the letter boxes want from the rules. */
import type { LetterBoxKeeper } from '../mail/contracts.ts';
import type { SmtpDesk } from '../mail/smtp/smtp-desk.ts';
import type { BrokerDeps } from './deps.ts';
import { findTargets, isDeliverable, isOurDomain } from './intake/address-book.ts';
import { findInboxes, inboxRecipient } from './intake/inbox-intake.ts';
import { quarantineEmail, takeEmail } from './intake/intake.ts';
import { logIn } from './submission.ts';

export function smtpDesk(deps: BrokerDeps): SmtpDesk {
  return {
    async checkRecipient(address) {
      if (await isDeliverable(deps, address)) return { accepted: true };
      const { kind } = await inboxRecipient(deps, address);
      if (kind === 'open') return { accepted: true };
      // For good: an inbox that is full stays so until it is gone.
      if (kind === 'full') return { accepted: false, code: 552, text: '5.2.2 This inbox has all the mail it may hold' };
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
    logIn: (names, secret) => logIn(deps, names, secret),
  };
}

export function letterBoxKeeper(deps: BrokerDeps): LetterBoxKeeper {
  const { mailboxes } = deps.stores;
  return {
    find: (account, folder) => mailboxes.find(account, folder),
    move: (account, folder, cursor) => mailboxes.move({ account, folder, ...cursor }),
    isOurs: async (candidate) =>
      (await findTargets(deps, candidate)).length > 0 || (await findInboxes(deps, candidate.addresses)).length > 0,
    take: async (email) => {
      await takeEmail(deps, email);
    },
    countFailure: (account, folder, uidValidity, uid) => mailboxes.countFailure(account, folder, uidValidity, uid),
    quarantine: (source, raw, reason, head) => quarantineEmail(deps, { source, raw, reason, head }),
  };
}
