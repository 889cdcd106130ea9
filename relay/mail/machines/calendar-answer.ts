/**
 * What a calendar program writes for a person who clicked (iTIP, RFC 5546; by email RFC 6047): who, yes or no, to what.
 * Its free text (SUMMARY, COMMENT, the mail's body) is left out: no one says that the person wrote it.
 */
import { canonicalAddress } from '../address.ts';
import type { CalendarAnswer, EmailClass, ParsedEmail } from '../contracts.ts';

const CALENDAR_TYPES = new Set(['text/calendar', 'application/ics']);
const MAX_CALENDAR = 64 * 1024;
/** RFC 5546 section 1.4, those that a program sends by itself; a REQUEST comes with a person's words. */
const METHODS: readonly CalendarAnswer['method'][] = ['reply', 'counter', 'refresh', 'declinecounter', 'cancel'];
const STATUS = /^(?:needs-action|accepted|declined|tentative|delegated)$/;

export function calendarAnswer(email: ParsedEmail): EmailClass | undefined {
  for (const { contentType, content } of email.attachments) {
    if (!CALENDAR_TYPES.has(contentType)) continue;
    const answer = readAnswer(content.subarray(0, MAX_CALENDAR).toString('utf8'));
    if (answer !== undefined) return { kind: 'calendar', reason: "a calendar program's answer (RFC 5546)", answer };
  }
  return undefined;
}

function readAnswer(text: string): CalendarAnswer | undefined {
  // RFC 5545 section 3.1: a line goes on where the next begins with white space.
  const lines = text
    .replace(/\r\n?/g, '\n')
    .replace(/\n[ \t]/g, '')
    .split('\n');
  const value = (name: string) =>
    findLine(lines, name)
      ?.replace(/^[^:]*:/, '')
      .trim();
  const method = METHODS.find((one) => one === value('METHOD')?.toLowerCase());
  if (method === undefined) return undefined;
  const attendee = findLine(lines, 'ATTENDEE') ?? '';
  const status = /;PARTSTAT="?([A-Z-]{1,20})/i.exec(attendee)?.[1]?.toLowerCase() ?? '';
  return {
    method,
    attendee: canonicalAddress(/mailto:([^\s"]{3,320})$/i.exec(attendee.trim())?.[1] ?? '') ?? null,
    status: STATUS.test(status) ? status : null,
    uid: token(value('UID'), /^[\w.@{}+=/:-]{1,255}$/),
    start: token(value('DTSTART'), /^\d{8}(?:T\d{6}Z?)?$/),
  };
}

function findLine(lines: readonly string[], name: string): string | undefined {
  return lines.find(
    (line) => line.length > name.length && line.toUpperCase().startsWith(name) && /[:;]/.test(line[name.length] ?? ''),
  );
}

const token = (value: string | undefined, shape: RegExp): string | null =>
  value !== undefined && shape.test(value) ? value : null;
