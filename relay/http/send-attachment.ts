/** The bytes of an attachment as an answer. */
import { RelayError } from '../errors.ts';
import type { AttachmentContent } from '../types.ts';
import type { Context } from './route.ts';

/** `n` of the path, found by `find`. Throws `not_found`. */
export async function sendAttachment(
  { param, res }: Context<unknown, unknown>,
  find: (index: number) => Promise<AttachmentContent | undefined>,
): Promise<undefined> {
  const number = /^\d{1,4}$/.test(param('n')) ? Number(param('n')) : -1;
  const found = await find(number);
  if (found === undefined)
    throw new RelayError('not_found', { message: `That message has no attachment ${param('n')}.` });
  // Bytes from anywhere: never shown inline, never sniffed (RFC 6266 section 5; the name is in the message).
  res.setHeader('Content-Type', 'application/octet-stream');
  res.setHeader('Content-Disposition', 'attachment');
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('ETag', `"${found.sha256}"`);
  res.send(found.content);
  return undefined;
}
