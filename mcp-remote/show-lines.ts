/**
 * Lines that a message of an agent's and the mail of a disposable inbox are shown with alike: what is the sender's stands
 * in one line in quotes, or between lines with a mark that no words can close.
 */
import { stripHidden } from '../relay/hidden-text.ts';
import type { WireMessage } from '../relay/wire.ts';
import { cutToBytes } from './result-size.ts';

const MOST_ATTACHMENTS = 10;

/** Names are the sender's and can be many and long: what stands outside the fence must not fill the result. */
export function attachmentLines(attachments: WireMessage['attachments']): string[] {
  const shown = attachments
    .slice(0, MOST_ATTACHMENTS)
    .map(
      ({ index, filename, content_type, size }) =>
        `Attachment ${index}: ${quoteLine(filename, true, 80)}, ${quoteLine(content_type, false, 80)}, ${size} bytes`,
    );
  const more = attachments.length - shown.length;
  return more === 0 ? shown : [...shown, `And ${more} more attachments.`];
}

/** What SPF, DKIM, DMARC and ARC said; nothing where it is no email. */
export function checkLines(auth: WireMessage['auth']): string[] {
  return auth === null
    ? []
    : [`Email checks: spf ${auth.spf}, dkim ${auth.dkim}, dmarc ${auth.dmarc}, arc ${auth.arc}`];
}

interface Fence {
  readonly mark: string;
  /** Most bytes to show, as they count in JSON. */
  readonly limit: number;
  readonly offset: number;
}

/** The words between the marks, from `offset` on; what does not fit is told with how to read it. */
export function fencedLines(
  id: string,
  { text, removed }: { readonly text: string; readonly removed: number },
  { mark, limit, offset }: Fence,
): string[] {
  const { shown, next } = cutToBytes(text, offset, limit);
  return [
    `The sender's words, between the lines marked ${mark}${removed === 0 ? '' : ` (${removed} hidden characters removed)`}:`,
    `--- ${mark} begin ---`,
    shown,
    `--- ${mark} end ---`,
    ...(next === undefined
      ? []
      : [
          `Cut: characters ${offset} to ${next} of ${text.length}. The rest: read_message with message_id ${id} and offset ${next}`,
        ]),
  ];
}

/** Words of the sender that stand outside the fence: one line, cut, in quotes, so that they cannot pass for ours. */
export function quoteLine(words: string, quotes = true, limit = 200): string {
  const clean = stripHidden(words).text.replace(/\s+/g, ' ').trim();
  const short = clean.length > limit ? `${clean.slice(0, limit)}...` : clean;
  return quotes ? JSON.stringify(short) : short;
}
