/** The letter boxes of all mailboxes that the settings name, knowing of each other: no folder is read by two. */

import { readServerUrl } from '../server-url.ts';
import { imapLetterBox, type LetterBox, type LetterBoxOptions } from './letter-box.ts';

type Shared = Omit<LetterBoxOptions, 'url' | 'address' | 'elsewhere'>;

/** Throws TypeError for a URL that is none. */
export function imapLetterBoxes(
  mailboxes: readonly { readonly url: string; readonly address: string }[],
  shared: Shared,
): LetterBox[] {
  const places = mailboxes.map(({ url }) => {
    const { user, host, path } = readServerUrl(url, 'imap');
    return { account: `${user}@${host}`, folder: path ?? 'INBOX' };
  });
  return mailboxes.map((mailbox, index) => {
    const elsewhere = places
      .filter(({ account }, other) => other !== index && account === places[index]?.account)
      .map(({ folder }) => folder);
    return imapLetterBox({ ...shared, ...mailbox, elsewhere });
  });
}
