/**
 * What keeps an answer in its thread: In-Reply-To and References (RFC 5322 section 3.6.4) for Apple Mail and Gmail, the
 * same base subject for Gmail, Thread-Topic for Outlook. Pure.
 */

/** RFC 5322 section 3.6.4, in ASCII: what is anything else cannot stand in a field. */
const SOUND_ID = /^<[\x21-\x3b\x3d\x3f-\x7e]{1,900}>$/;
/** The first is the thread's beginning, the newest are what programs compare with. */
const NEWEST = 20;
/** "Re" as mail programs write it: English, Nordic, German, Dutch, Romance, Polish, Czech, Turkish, Finnish, Chinese; `Re[2]:` too. */
const ANSWER_MARK =
  /^(?:re|sv|aw|antw|vs|rif|rép|res|odp|ynt|vá|να|απ|σχετ|回复|回覆|答复|答覆)(?:\[\d{1,3}\])?\s?[:：]\s*/iu;
/** More marks than this are nobody's subject. */
const MOST_MARKS = 20;

export interface ThreadFields {
  readonly inReplyTo: string | null;
  /** Oldest first, without doubles, ending in `inReplyTo`. */
  readonly references: readonly string[];
}

export interface ThreadSoFar {
  /** Message-ID of the email that is answered; null where it has none, or nothing is answered. */
  readonly parentId: string | null;
  /** References of that email, as it came. */
  readonly parentReferences: readonly string[];
  /** Message-IDs of the thread's emails before this one, oldest first. */
  readonly earlier: readonly string[];
}

/** The fields of an email in this thread. Where the mail answered has no Message-ID, the newest of ours stands for it. */
export function threadFields({ parentId, parentReferences, earlier }: ThreadSoFar): ThreadFields {
  const sound = (ids: readonly string[]): string[] => ids.filter((id) => SOUND_ID.test(id));
  const known = sound(earlier);
  const inReplyTo = sound(parentId === null ? [] : [parentId])[0] ?? known.at(-1) ?? null;
  if (inReplyTo === null) return { inReplyTo: null, references: [] };
  const upToParent = known.includes(inReplyTo) ? known.slice(0, known.indexOf(inReplyTo)) : known;
  const chain = new Set([...sound(parentReferences), ...upToParent]);
  chain.delete(inReplyTo);
  return { inReplyTo, references: shorten([...chain, inReplyTo]) };
}

function shorten(ids: readonly string[]): readonly string[] {
  return ids.length <= NEWEST + 1 ? ids : [...ids.slice(0, 1), ...ids.slice(-NEWEST)];
}

/** The subject without "Re:", which is the conversation's name (RFC 5256 section 2.1, but a forward stays one). */
export function baseSubject(subject: string): string {
  let base = subject.trim();
  for (let n = 0; n < MOST_MARKS; n += 1) {
    const [mark] = ANSWER_MARK.exec(base) ?? [];
    if (mark === undefined || mark.length === base.length) break;
    base = base.slice(mark.length);
  }
  return base;
}

/** One "Re: ", whatever stood there before (RFC 5322 section 3.6.5). */
export const answerSubject = (subject: string): string => `Re: ${baseSubject(subject)}`;
