/** What an email of a disposable inbox asks its reader to type or to open. By form alone: it says nothing of who wrote it. */
import type { InboxMail } from '../../disposable-inbox.ts';
import { type ExtractedCode, extractCode } from '../../mail/codes/extract-code.ts';
import { type ExtractedLink, extractLink } from '../../mail/codes/extract-link.ts';

export const codeIn = (mail: InboxMail): ExtractedCode => extractCode(mail);

export const linkIn = (mail: InboxMail, preferredDomains: readonly string[]): ExtractedLink =>
  extractLink(mail, preferredDomains);
