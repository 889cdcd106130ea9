/**
 * Challenge-response mail: a filter asks the sender to prove that a person wrote. Never answered by us: with a forged
 * sender such filters write to people who never wrote (RFC 3834 section 2 would not have them).
 */
import type { EmailClass, ParsedEmail } from '../contracts.ts';
import { first, rawFrom } from './machine-signs.ts';

/** Fields of such programs: TMDA, qconfirm, Active Spam Killer, Mail In Black, Boxbe, Spam Arrest. */
const FIELDS = /^x-(?:tmda|qconfirm|ask-|mailinblack|boxbe|spamarrest|challenge|sendio)/;

/** The services, each with its own links. */
const SERVICES =
  /https?:\/\/(?:[\w-]+\.){0,4}(?:boxbe\.com|spamarrest\.com|mailinblack\.com|vanquish\.com|bitbounce\.(?:com|io)|sendio\.com|0spam\.com|spamlion\.com|choicemail\.com|antispam\.uol\.com\.br)\b/i;

const SUBJECT =
  /please (?:confirm|verify|authenticate)|\bconfirm (?:your|the) (?:e-?mail|message)|\(?(?:verification|confirmation|action) required\)?|requires? (?:verification|confirmation)|\bconf#[0-9a-f]{6,}|delivery notice request|waiting list|merci de confirmer|bitte bestätigen/i;

const WORDS =
  /prove (?:that )?you(?:'re| are) (?:a )?(?:human|person|real)|not an? (?:automated|spam|robot)|(?:verify|confirm|authenticate) (?:that )?(?:you|your (?:e-?mail|message|address|identity))|(?:to|before it can) be delivered[^.]{0,80}(?:reply|click|confirm)|just reply to this (?:e-?mail|message)|guest list|waiting list|(?:unsolicited|junk|spam)[^.]{0,120}(?:reply|click|confirm|verif)|click (?:the link|here|below)[^.]{0,80}(?:verif|confirm|deliver)/i;

export function challenge(email: ParsedEmail): EmailClass | undefined {
  const field = [...email.headers.keys()].find((name) => FIELDS.test(name));
  if (field !== undefined) return { kind: 'challenge', reason: `it has a field ${field}` };
  if (/\bTMDA\b/.test(first(email, 'x-delivery-agent'))) return { kind: 'challenge', reason: 'TMDA wrote it' };
  const text = email.text.slice(0, 8000);
  const signs = [
    SERVICES.test(text) || SERVICES.test(email.html?.slice(0, 50_000) ?? '') || isConfirmAddress(email),
    SUBJECT.test(email.subject ?? ''),
    WORDS.test(text),
  ].filter(Boolean).length;
  return signs < 2 ? undefined : { kind: 'challenge', reason: 'it asks to prove that a person wrote' };
}

/** `user-confirm-1034694.12345.abcdef@`: an answer there is the proof. */
function isConfirmAddress(email: ParsedEmail): boolean {
  return [rawFrom(email), first(email, 'reply-to').slice(0, 1000)].some((field) =>
    /[-+=](?:qconfirm|confirm|accept)[-+=.][\w.+=-]{6,64}@/i.test(field),
  );
}
