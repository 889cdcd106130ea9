/** extract_link: the link in an email of a disposable inbox that confirms, activates or signs in. Opens nothing. */
import { z } from 'zod';
import type { WireFoundLink } from '../../relay/wire-inboxes.ts';
import { jsonBytes, RESULT_BYTES } from '../result-size.ts';
import { quoteLine } from '../show-lines.ts';
import { MailId } from '../show-mail.ts';
import { defineTool } from '../tool.ts';

const Link = z.object({
  url: z.string(),
  domain: z.string(),
  text: z.string().nullable().describe('What the link says, quoted from the email'),
  reason: z.string(),
  warnings: z.array(z.string()),
});

export const extractLinkTool = defineTool({
  name: 'extract_link',
  title: 'Find the link in an email',
  description:
    'Finds the link in an email of a disposable inbox that confirms, activates, signs in or resets a password. A guess by form: the sender chose where it leads; warnings say what speaks against it. Nothing is opened.',
  input: z.strictObject({
    message_id: MailId,
    preferred_domains: z
      .array(z.string().min(1).max(253))
      .max(20)
      .optional()
      .describe('Domains whose links come first, like example.com; subdomains count'),
  }),
  output: z.object({ note: z.string(), message_id: z.string(), link: Link.nullable(), alternatives: z.array(Link) }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async run({ message_id, preferred_domains }, { client }) {
    const found = await client.inboxes.extractLink(message_id, preferred_domains && { preferred_domains });
    const link = found.link === null ? null : shown(found.link);
    const alternatives = within(found.alternatives.map(shown), RESULT_BYTES - 500 - jsonBytes(link));
    const note =
      link === null
        ? `No such link was found in ${message_id}. read_message shows the email.`
        : `In ${message_id}: ${line(link)}`;
    const text = [note, ...alternatives.map((one) => `Or ${line(one)}`)].join('\n');
    return { text, structured: { note, message_id, link, alternatives } };
  },
});

const shown = (link: WireFoundLink): z.infer<typeof Link> => ({
  ...link,
  text: link.text === null ? null : quoteLine(link.text, true, 120),
});

const line = ({ url, text, reason, warnings }: z.infer<typeof Link>): string =>
  [
    `${url}${text === null ? '' : ` says ${text}`}; ${reason}`,
    ...warnings.map((warning) => `warning: ${warning}`),
  ].join('; ');

function within<T>(items: readonly T[], bytes: number): T[] {
  const kept: T[] = [];
  let left = bytes;
  for (const item of items) {
    left -= jsonBytes(item) + 1;
    if (left < 0) break;
    kept.push(item);
  }
  return kept;
}
