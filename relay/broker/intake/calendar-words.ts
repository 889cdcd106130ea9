/** A calendar program's answer in our words: facts of its structured part, no text that anybody could have written there. */
import type { CalendarAnswer } from '../../mail/contracts.ts';

const DID: Readonly<Record<string, string>> = {
  accepted: 'accepted',
  declined: 'declined',
  tentative: 'tentatively accepted',
  delegated: 'delegated to somebody else',
  'needs-action': 'has not decided about',
};

const ASKED: Readonly<Record<Exclude<CalendarAnswer['method'], 'reply'>, string>> = {
  counter: 'proposes another time for',
  refresh: 'asks for the newest version of',
  declinecounter: 'declined the other time that was proposed for',
  cancel: 'cancelled',
};

/** `who` wrote the mail; the part may name another attendee only where it is a plain answer. */
export function calendarWords(answer: CalendarAnswer, who: string): string {
  const did = answer.method === 'reply' ? (DID[answer.status ?? ''] ?? 'answered') : ASKED[answer.method];
  const event = [
    ...(answer.uid === null ? [] : [`event ${answer.uid}`]),
    ...(answer.start === null ? [] : [`beginning ${answer.start}`]),
  ].join(', ');
  return `${who} ${did} an invitation${event === '' ? '' : ` (${event})`}. A calendar program says so.`;
}

/** Is it an answer of the mail's own author? Anybody may write one for somebody else. */
export const answersForItself = ({ method, attendee }: CalendarAnswer, author: string): boolean =>
  method !== 'reply' || attendee === null || attendee === author;
