/** Opening a database of any age. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { migrate, SchemaTooNew, SqliteDatabase } from '../../relay/store/sqlite/database.ts';
import { SqliteMailboxTable } from '../../relay/store/sqlite/mailbox-table.ts';
import { MIGRATIONS } from '../../relay/store/sqlite/migrations.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const versionOf = (db: Database.Database) => db.pragma('user_version', { simple: true });
const schemaOf = (db: Database.Database) =>
  db.prepare("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name").all();

function databaseAt(version: number): string {
  const file = path.join(temporaryFolder(), 'turnpost.db');
  const db = new Database(file);
  migrate(db, MIGRATIONS.slice(0, version));
  db.close();
  return file;
}

test.each(MIGRATIONS.map((_, version) => version).concat(MIGRATIONS.length))(
  'a database at version %i comes to the same schema as a new one',
  async (version) => {
    const [old, fresh] = [new SqliteDatabase(databaseAt(version)), new SqliteDatabase(':memory:')];
    expect(versionOf(old.db)).toBe(MIGRATIONS.length);
    expect(schemaOf(old.db)).toEqual(schemaOf(fresh.db));
    await old.close();
    await fresh.close();
  },
);

test('only what is missing is applied, and what was stored stays', () => {
  const db = new Database(':memory:');
  migrate(db, ['CREATE TABLE a (x)']);
  db.exec('INSERT INTO a VALUES (1)');
  migrate(db, ['this is not run again', 'ALTER TABLE a ADD COLUMN y DEFAULT 2']);
  expect([versionOf(db), db.prepare('SELECT * FROM a').all()]).toEqual([2, [{ x: 1, y: 2 }]]);
});

test('of a mailbox read before it was kept where reading began, nothing below the cursor counts as ours', async () => {
  const file = databaseAt(1);
  const old = new Database(file);
  old.exec("INSERT INTO mailbox (account, folder, uid_validity, last_uid) VALUES ('a', 'INBOX', '7', 41)");
  old.close();
  const store = new SqliteDatabase(file);
  expect(await new SqliteMailboxTable(store).find('a', 'INBOX')).toEqual({
    uidValidity: '7',
    firstUid: 42,
    lastUid: 41,
  });
  await store.close();
});

test('a version that fails is undone whole; those before it stay', () => {
  const db = new Database(':memory:');
  expect(() => migrate(db, ['CREATE TABLE a (x)', 'CREATE TABLE b (x); CREATE TABLE a (x)'])).toThrow(/already exists/);
  expect(versionOf(db)).toBe(1);
  expect(db.prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual(['a']);
});

test('a newer file is refused in clear words, and left as it was', () => {
  const file = databaseAt(MIGRATIONS.length);
  const newer = new Database(file);
  newer.pragma(`user_version = ${MIGRATIONS.length + 1}`);
  newer.close();
  expect(() => new SqliteDatabase(file)).toThrow(SchemaTooNew);
  expect(() => new SqliteDatabase(file)).toThrow(/upgrade Turnpost, or name another folder in TURNPOST_DATA_DIR/);
  const after = new Database(file);
  expect(versionOf(after)).toBe(MIGRATIONS.length + 1);
  after.close();
});

test('a file that is no database, a folder that is not there, a locked file: refused with the path and what to check', () => {
  const folder = temporaryFolder();
  const noDatabase = path.join(folder, 'notes.txt');
  writeFileSync(noDatabase, 'these are notes, not a database, and long enough to be read as a header of one');
  const locked = databaseAt(0);
  const holder = new Database(locked);
  holder.exec('BEGIN EXCLUSIVE');
  for (const file of [noDatabase, path.join(folder, 'none', 'turnpost.db'), locked]) {
    expect(() => new SqliteDatabase(file), file).toThrow(`cannot open the database ${file}: `);
    expect(() => new SqliteDatabase(file), file).toThrow('nothing else has locked it');
  }
  holder.close();
});
