/** The outbox as an admin reads it: where no server is set for outgoing mail, this is where it stays readable. */
import { parseEmail } from '../../mail/parse/parse-email.ts';
import type { OutboxItem, Page, PageRequest } from '../../store/stores.ts';
import type { BrokerDeps } from '../deps.ts';

export interface ReadableOutboxItem extends OutboxItem {
  /** Header fields by their name in lower case; of repeated ones the topmost. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export async function listOutbox(deps: BrokerDeps, page: PageRequest): Promise<Page<ReadableOutboxItem>> {
  const { items, nextCursor } = await deps.stores.outbox.list(page);
  return { items: await Promise.all(items.map(read)), nextCursor };
}

async function read(item: OutboxItem): Promise<ReadableOutboxItem> {
  const { headers, text } = await parseEmail(item.email.raw);
  return { ...item, headers: Object.fromEntries([...headers].map(([name, values]) => [name, values[0] ?? ''])), text };
}
