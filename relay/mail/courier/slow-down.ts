/**
 * Does a mail server ask for less mail? Then the pause is not this one mail's but its whole domain's, or that of all mail
 * through a server that limits our account. Pure, on the reply as it came.
 */

export interface SmtpReply {
  readonly code: number | null;
  /** The reply's text with its code. */
  readonly text: string;
}

const ENHANCED = /\b([45])\.(\d{1,3})\.(\d{1,3})\b/;
const WORDS = /\brate\b|too many|too (?:fast|quickly)|throttl|slow down|limit|exceed|quota/i;
/** Of one triplet of sender, recipient and address only; the next try in some minutes passes. */
const GREYLISTED = /gr[ea]y-?list/i;
/** What providers say when an account has sent its share for the day, as if it were for good. */
const SHARE_SENT =
  /\b(?:sending|submission|recipients?|message|relay|outbound)[\w ]{0,30}(?:limit|quota)[\w ]{0,20}(?:exceed|reach)|submissionquota/i;

/** RFC 3463 sections 3.3, 3.5 and 3.8: 4.3.2 "not accepting messages", 4.4.5 "congestion", 4.7.x policy; RFC 5321 section 3.8: 421. */
export function asksToSlowDown({ code, text }: SmtpReply): boolean {
  if (code === null || code < 400 || code >= 500 || GREYLISTED.test(text)) return false;
  const [, , subject, detail] = ENHANCED.exec(text) ?? [];
  // One full or busy mailbox is no matter of its domain.
  if (subject === '2') return false;
  return code === 421 || subject === '7' || (subject === '4' && detail === '5') || WORDS.test(text);
}

/** A 5yz that is about our account's share, not about this mail: it may go later. Only our own provider says such things. */
export const shareIsSent = ({ code, text }: SmtpReply): boolean =>
  code !== null && code >= 500 && code < 600 && (/\b5\.4\.5\b/.test(text) || SHARE_SENT.test(text));
