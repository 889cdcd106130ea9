/** Without statistics SQLite likes the index of all that an agent ever got: cheap with ten messages, not with a million. */
import { expect, test } from 'vitest';
import { SqliteAgentTable } from '../../relay/store/sqlite/agent-table.ts';
import { SqliteDatabase, type Statement } from '../../relay/store/sqlite/database.ts';
import { SqliteDeliveryTable } from '../../relay/store/sqlite/delivery-table.ts';
import { SqliteInboxTable } from '../../relay/store/sqlite/inbox-table.ts';
import { SqliteMessageTable } from '../../relay/store/sqlite/message-table.ts';
import { SqliteOutboxTable } from '../../relay/store/sqlite/outbox-table.ts';
import type { Stores } from '../../relay/store/stores.ts';
import { aTurn, post, register, START } from '../support/store-fixture.ts';

class RecordingDatabase extends SqliteDatabase {
  readonly asked = new Set<string>();

  override prepare<Bind extends unknown[] | object = unknown[], Row = unknown>(sql: string): Statement<Bind, Row> {
    this.asked.add(sql);
    return super.prepare<Bind, Row>(sql);
  }

  /** How SQLite goes about each statement that was asked for and has such a plan. */
  plansWith(index: string): string[] {
    return [...this.asked].filter((sql) => {
      const marks = sql.match(/\?/g)?.length ?? 0;
      const names = [...sql.matchAll(/@(\w+)/g)].map(([, name]) => [name, null]);
      const values = names.length > 0 ? [Object.fromEntries(names)] : Array(marks).fill(null);
      const plan = this.db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
      return plan.some(({ detail }) => detail.includes(index));
    });
  }
}

test('leasing, evidence and reading do not go through all that the agent ever got', async () => {
  const database = new RecordingDatabase(':memory:');
  const messages = new SqliteMessageTable(database);
  const deliveries = new SqliteDeliveryTable(database);
  // The fixtures need these two of all stores.
  const stores = { agents: new SqliteAgentTable(database), messages } as unknown as Stores;
  const reader = await register(stores, 'reader');
  const { message } = await post(stores, reader);
  const evidence = [{ messageIds: [message.id], kind: 'transcript' }] as const;
  const turn = aTurn(reader, START, { evidence, newRun: true, release: 'earlier_prompt' });

  await deliveries.turn(turn);
  await deliveries.confirm(reader.agent.id, message.id, 'ack', START);
  // With nothing held it looks at the evidence, too.
  await deliveries.hasWork(turn);
  await deliveries.countAvailable(reader.agent.id);
  await messages.findSeen(reader.agent.id, message.id);
  await messages.thread(reader.agent.id, message.threadId);

  expect(database.asked.size).toBeGreaterThan(15);
  expect(database.plansWith('delivery_of_agent')).toEqual([]);
  await database.close();
});

test('whether an agent wrote to somebody is looked up in the thread, not in all that it ever sent', async () => {
  const database = new RecordingDatabase(':memory:');
  const messages = new SqliteMessageTable(database);
  await messages.hasWrittenTo({ agentId: 'agt_1', threadId: 'thr_1', address: 'person@example.com' });
  expect(database.plansWith('message_sender')).toEqual([]);
  expect(database.plansWith('(thread_id=?')).toHaveLength(1);
  await database.close();
});

test('the next email that may be sent is found by an index, whatever waits for other domains', async () => {
  const database = new RecordingDatabase(':memory:');
  const outbox = new SqliteOutboxTable(database);
  await outbox.claimNext(START, 1, 'lse_1', ['busy.example.com']);
  await outbox.nextDueAt(['busy.example.com']);
  await outbox.sentSince(START, 1);
  expect(database.plansWith('delivery_outbox_domain')).toHaveLength(2);
  expect(database.plansWith('delivery_sent')).toHaveLength(1);
  expect(database.plansWith('SCAN d')).toEqual([]);
  await database.close();
});

test("an owner's inboxes and an inbox's mail are found by an index, whatever others have", async () => {
  const database = new RecordingDatabase(':memory:');
  const inboxes = new SqliteInboxTable(database);
  const reader = { ownerId: 'owner', goneBefore: START };
  const page = { cursor: undefined, limit: 10 };
  await inboxes.list(reader, page);
  await inboxes.mails('ibx_1', {}, page);
  await inboxes.newMails('ibx_1', undefined, {}, 10);
  await inboxes.findLiveByName('brisk-heron-42', START);
  await inboxes.findMail(reader, null, 'eml_1');
  expect(database.plansWith('SCAN i')).toEqual([]);
  expect(database.plansWith('SCAN e')).toEqual([]);
  await database.close();
});

test('an owner who made thousands of inboxes is asked about those that are left only', async () => {
  const database = new RecordingDatabase(':memory:');
  const inboxes = new SqliteInboxTable(database);
  const reader = { ownerId: 'owner', goneBefore: START };
  await inboxes.list(reader, { cursor: undefined, limit: 10 });
  await inboxes.isOwner(reader);
  expect(database.plansWith('disposable_inbox_kept (owner_id=?')).toHaveLength(2);
  const name = 'brisk-heron-42';
  const times = { createdAt: START, expiresAt: START + 1 };
  const inbox = { id: 'ibx_1', name, address: name, ownerId: 'owner', quotaKey: 'owner', label: null, maxMessages: 1 };
  await inboxes.createIfAllowed({ ...inbox, ...times, ownerType: 'api' }, { inboxes: 1, perHour: 2 });
  expect(database.plansWith('disposable_inbox_alive (quota_key=? AND expires_at>?)')).toHaveLength(1);
  expect(database.plansWith('disposable_inbox_quota (quota_key=? AND created_at>?)')).toHaveLength(1);
  expect(database.plansWith('TEMP B-TREE FOR ORDER BY')).toEqual([]);
  await database.close();
});
