/** What is left in the file of a disposable inbox whose time is over: its name, and nothing that was written to it. */
import { expect, test } from 'vitest';
import type { InboxMail } from '../../relay/disposable-inbox.ts';
import { SqliteDatabase } from '../../relay/store/sqlite/database.ts';
import { SqliteInboxTable } from '../../relay/store/sqlite/inbox-table.ts';
import { SqliteMessageTable } from '../../relay/store/sqlite/message-table.ts';
import { anAttachment, START } from '../support/store-fixture.ts';

test('mail, files and the raw email are gone; the name stays', async () => {
  const database = new SqliteDatabase(':memory:');
  const inboxes = new SqliteInboxTable(database);
  const inbox = {
    id: 'ibx_1',
    name: 'brisk-heron-42',
    address: 'brisk-heron-42@turnpost.localhost',
    ownerType: 'anonymous',
    ownerId: 'owner',
    quotaKey: 'owner',
    label: 'a secret plan',
    maxMessages: 10,
    createdAt: START,
    expiresAt: START + 1000,
  } as const;
  await inboxes.createIfAllowed(inbox, { inboxes: 1, perHour: 1 });
  const file = anAttachment(0, 'file of the mail');
  const { content: _, ...info } = file;
  const mail: InboxMail = {
    id: 'eml_1',
    inboxId: inbox.id,
    inboxAddress: inbox.address,
    from: { address: 'a@example.com', name: null },
    to: [inbox.address],
    subject: 'subject of the mail',
    text: 'text of the mail',
    html: null,
    notes: [],
    auth: null,
    authorProven: false,
    size: 3,
    receivedAt: START,
    readAt: null,
    attachments: [info],
  };
  const email = { id: 'eml_r', source: 'smtp', raw: Buffer.from('raw of the mail'), receivedAt: START, cursor: null };
  const intake = { dedupeKey: 'key', mail: null, inboxMail: { mail, attachments: [file] } };
  await new SqliteMessageTable(database).receive(email, [intake]);
  const holds = (words: string): boolean =>
    ['disposable_inbox', 'inbox_mail', 'inbox_attachment', 'received_email', 'blob'].some((table) =>
      database.db
        .prepare<[], Record<string, unknown>>(`SELECT * FROM ${table}`)
        .all()
        .some((row) => Object.values(row).some((value) => String(value).includes(words))),
    );
  const written = ['text of', 'subject of', 'file of', 'raw of', 'a secret plan', 'a@example.com'];
  expect(written.filter(holds)).toEqual(written);
  expect(await inboxes.prune(START + 1001)).toBe(1);
  expect(written.filter(holds)).toEqual([]);
  expect(holds('brisk-heron-42')).toBe(true);
  await database.close();
});
