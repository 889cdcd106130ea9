/** The SQLite file itself: group commit, and what happens when it cannot be written. */
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { RelayError } from '../../relay/errors.ts';
import { SqliteAgentTable } from '../../relay/store/sqlite/agent-table.ts';
import { SqliteDatabase } from '../../relay/store/sqlite/database.ts';
import { SqliteMessageTable } from '../../relay/store/sqlite/message-table.ts';
import { aDelivery, aKey, aMessage, anAgent, anAttachment } from '../support/store-fixture.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

function openFile(): { readonly database: SqliteDatabase; readonly file: string } {
  const file = path.join(temporaryFolder(), 'turnpost.db');
  const database = new SqliteDatabase(file);
  onTestFinished(() => database.close());
  database.db.exec('CREATE TABLE note (text TEXT PRIMARY KEY) STRICT');
  return { database, file };
}

/** What is on disk for everybody else. */
function seenByOthers(file: string): string[] {
  const other = new Database(file, { readonly: true });
  try {
    return other.prepare<[], string>('SELECT text FROM note ORDER BY rowid').pluck().all();
  } finally {
    other.close();
  }
}

const insert = (database: SqliteDatabase, text: string) => () => {
  database.db.prepare('INSERT INTO note (text) VALUES (?)').run(text);
  return text;
};

const transactionsIn = (database: SqliteDatabase) => {
  const exec = vi.spyOn(database.db, 'exec');
  return () => exec.mock.calls.filter(([sql]) => sql === 'BEGIN IMMEDIATE').length;
};

test('every commit reaches the disk before it is answered: WAL with synchronous=FULL, and foreign keys hold', () => {
  const { database } = openFile();
  expect(database.db.pragma('journal_mode', { simple: true })).toBe('wal');
  expect(database.db.pragma('synchronous', { simple: true })).toBe(2);
  expect(database.db.pragma('foreign_keys', { simple: true })).toBe(1);
});

describe('group commit', () => {
  test('writes asked for together share one transaction, in their order, and are answered after it', async () => {
    const { database, file } = openFile();
    const transactions = transactionsIn(database);
    const answered: string[][] = [];
    const writes = ['a', 'b', 'c'].map(async (text) => {
      expect(await database.write(insert(database, text))).toBe(text);
      answered.push(seenByOthers(file));
    });
    expect(seenByOthers(file)).toEqual([]);
    await Promise.all(writes);
    expect(answered).toEqual(Array(3).fill(['a', 'b', 'c']));
    expect(transactions()).toBe(1);
  });

  test('one that fails gets its own error and undoes its own changes, not those of the others', async () => {
    const { database, file } = openFile();
    const both = await Promise.allSettled([
      database.write(insert(database, 'a')),
      database.write(() => {
        insert(database, 'half')();
        throw new RelayError('name_taken');
      }),
      database.write(insert(database, 'b')),
      database.write(() => {
        throw new TypeError('a bug');
      }),
    ]);
    expect(seenByOthers(file)).toEqual(['a', 'b']);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    expect(both[1]).toMatchObject({ reason: { code: 'name_taken' } });
    expect(both[3]).toMatchObject({ reason: expect.any(TypeError) });
  });

  test('later writes go on after a failure', async () => {
    const { database, file } = openFile();
    await expect(database.write(() => insert(database, 'a')() + insert(database, 'a')())).rejects.toThrow(/UNIQUE/);
    await database.write(insert(database, 'b'));
    expect(seenByOthers(file)).toEqual(['b']);
  });

  test('closing writes first what is waiting; afterwards a write is refused', async () => {
    const { database, file } = openFile();
    const waiting = database.write(insert(database, 'a'));
    await database.close();
    await waiting;
    expect(seenByOthers(file)).toEqual(['a']);
    await expect(database.write(insert(database, 'b'))).rejects.toThrow(/not open/);
  });
});

describe('a database that cannot be written', () => {
  test('locked by another: unavailable for all that wait, after one wait and not one each; then it goes on', async () => {
    const { database, file } = openFile();
    const transactions = transactionsIn(database);
    const other = new Database(file);
    onTestFinished(() => void other.close());
    other.exec('BEGIN IMMEDIATE');
    const refused = await Promise.allSettled(['a', 'b', 'c'].map((text) => database.write(insert(database, text))));
    for (const one of refused) {
      expect(one).toMatchObject({
        status: 'rejected',
        reason: { code: 'unavailable', cause: { code: 'SQLITE_BUSY' } },
      });
    }
    expect(transactions()).toBe(1);
    other.exec('ROLLBACK');
    await database.write(insert(database, 'd'));
    expect(seenByOthers(file)).toEqual(['d']);
  });

  test('full disk: unavailable, and of a message with its files nothing is half-written', async () => {
    const { database } = openFile();
    const [agents, messages] = [new SqliteAgentTable(database), new SqliteMessageTable(database)];
    const agent = anAgent('reader');
    await agents.register({ agent, key: aKey(agent.id) });
    const pages = Number(database.db.pragma('page_count', { simple: true }));
    database.db.pragma(`max_page_count = ${pages + 2}`);

    const files = [anAttachment(0, 'small'), anAttachment(1, 'x'.repeat(100_000))];
    const message = aMessage({ attachments: files.map(({ content: _, ...info }) => info) });
    const mail = { message, deliveries: [aDelivery(message, { agentId: agent.id })], attachments: files };
    await expect(messages.accept(mail)).rejects.toMatchObject({ code: 'unavailable', cause: { code: 'SQLITE_FULL' } });
    for (const table of ['message', 'delivery', 'attachment', 'blob']) {
      expect(database.db.prepare(`SELECT count(*) AS n FROM ${table}`).get(), table).toEqual({ n: 0 });
    }
    expect(database.db.pragma('integrity_check', { simple: true })).toBe('ok');

    database.db.pragma('max_page_count = 100000');
    await messages.accept(mail);
    expect(await messages.find(message.id)).toEqual(message);
  });

  test('full disk: what still fits is taken, also when it comes together with what does not', async () => {
    const { database, file } = openFile();
    const pages = Number(database.db.pragma('page_count', { simple: true }));
    database.db.pragma(`max_page_count = ${pages + 2}`);
    const both = await Promise.allSettled(
      ['a', 'x'.repeat(100_000), 'b'].map((t) => database.write(insert(database, t))),
    );
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(seenByOthers(file)).toEqual(['a', 'b']);
  });
});
