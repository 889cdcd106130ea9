/** extract_code: the one-time code in an email of a disposable inbox. */
import { z } from 'zod';
import type { WireExtractedCode } from '../../relay/wire-inboxes.ts';
import { quoteLine } from '../show-lines.ts';
import { InboxAddress, MailId } from '../show-mail.ts';
import { defineTool, type ToolCall } from '../tool.ts';
import { ToolRefusal } from '../tool-result.ts';

/** By address: so many of the newest are looked through. */
const MOST_LOOKED_AT = 10;

const Found = z.object({ code: z.string(), confidence: z.enum(['high', 'medium', 'low']), context: z.string() });

export const extractCodeTool = defineTool({
  name: 'extract_code',
  title: 'Find the code in an email',
  description:
    'Finds the one-time code in an email of a disposable inbox: by message_id, or by address in the newest email that has one. A guess by form; the context is quoted from the email.',
  input: z.strictObject({
    message_id: MailId.optional(),
    address: InboxAddress.optional(),
    since: z.iso.datetime({ offset: true }).optional().describe('With address: only in what came after this time'),
  }),
  output: z.object({
    note: z.string(),
    message_id: z.string().nullable(),
    code: z.string().nullable(),
    confidence: z.enum(['high', 'medium', 'low']).nullable(),
    context: z.string().nullable(),
    alternatives: z.array(Found),
  }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async run(wish, call) {
    const found = await find(wish, call);
    const structured = {
      message_id: found?.message_id ?? null,
      code: found?.code ?? null,
      confidence: found?.confidence ?? null,
      context: found?.context == null ? null : quoteLine(found.context),
      alternatives: (found?.alternatives ?? []).map((one) => ({ ...one, context: quoteLine(one.context) })),
    };
    const note = noteFor(structured);
    const others = structured.alternatives.map(({ code, context }) => `Or ${code}: ${context}`);
    return { text: [note, ...others].join('\n'), structured: { note, ...structured } };
  },
});

interface Wish {
  readonly message_id?: string | undefined;
  readonly address?: string | undefined;
  readonly since?: string | undefined;
}

async function find(
  { message_id, address, since }: Wish,
  { client }: ToolCall,
): Promise<WireExtractedCode | undefined> {
  if ((message_id === undefined) === (address === undefined)) {
    throw new ToolRefusal('invalid_request', 'Give message_id or address, and not both.');
  }
  if (message_id !== undefined) return client.inboxes.extractCode(message_id);
  const { items } = await client.inboxes.mails(address ?? '', { limit: MOST_LOOKED_AT, ...(since && { since }) });
  for (const { id } of items) {
    const found = await client.inboxes.extractCode(id);
    if (found.code !== null) return found;
  }
  return undefined;
}

function noteFor({
  message_id,
  code,
  confidence,
  context,
}: Omit<WireExtractedCode, 'message_id'> & { message_id: string | null }): string {
  if (code === null) {
    return message_id === null
      ? 'No code was found in the newest emails. wait_for_email waits for the next one.'
      : `No code was found in ${message_id}. read_message shows the email.`;
  }
  return `${code} (confidence ${confidence}), from ${message_id}: ${context}`;
}
