/**
 * What mail from a Junk folder may do. The provider took it for spam, and often for a reason that our own checks do not
 * see; but a person's forgotten answer lies there too. So nothing from there instructs, and nothing unasked gets in. Pure.
 */
import type { Trust } from '../types.ts';

export interface JunkSender {
  readonly trust: Trust;
  /** Why not more: a sentence for the person who decides about the hold. */
  readonly reason: string;
}

/** `answersUs`: it carries a reply token of ours, and comes from the person whom that token was given to. */
export function capForJunk<S extends JunkSender>(sender: S, answersUs: boolean): S {
  if (sender.trust === 'unknown') return sender;
  if (answersUs) return { ...sender, trust: 'known' };
  return { ...sender, trust: 'unknown', reason: 'it lay in the Junk folder and answers nothing that was asked' };
}
