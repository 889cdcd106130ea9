/**
 * Opens the SQLite file, brings its schema up to date and runs all writes by group commit: what is asked for in the
 * same turn of the event loop shares one transaction and one fsync (`synchronous=FULL`), and every caller is answered
 * only after that commit. The connection must never be used for a write outside of `write`.
 */
import Database from 'better-sqlite3';
import { RelayError } from '../../errors.ts';
import { MIGRATIONS } from './migrations.ts';

/** Long enough for a backup's short lock, short enough that a hook still gets its answer in time. */
const BUSY_MS = 500;

interface Waiting {
  readonly work: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Databases and statements are never garbage: Node 24.19 and newer abort the process when a statement of better-sqlite3
 * 12 is collected while no JavaScript runs (its destructor asserts an environment; better-sqlite3 13 needs Node 22).
 * So nothing here calls `db.pragma`, which drops a statement at each call, and what is closed is kept as well.
 */
const KEPT: unknown[] = [];

export function keepForLife<T>(opened: T): T {
  KEPT.push(opened);
  return opened;
}

export type Statement<Bind extends unknown[] | object = unknown[], Row = unknown> = Database.Statement<Bind, Row>;

export class SqliteDatabase {
  readonly db: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();
  #queue: Waiting[] = [];
  #scheduled = false;

  /** `:memory:` works too. Throws an Error for people where the file is no database, newer than this build or locked. */
  constructor(filename: string) {
    this.db = openFile(filename);
    keepForLife(this.#statements);
  }

  /** Prepared once per text. */
  prepare<Bind extends unknown[] | object = unknown[], Row = unknown>(sql: string): Statement<Bind, Row> {
    const known = this.#statements.get(sql) ?? this.db.prepare(sql);
    this.#statements.set(sql, known);
    return known as Statement<Bind, Row>; // the caller knows the columns it asked for
  }

  /**
   * Runs `work` inside a transaction and resolves with its result when that is on disk. What it throws is thrown here
   * and undoes its changes alone. It may run twice, so it must change nothing but the database.
   */
  write<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ work, resolve: (value) => resolve(value as T), reject }); // value is what this work returned
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.#flush());
    });
  }

  async close(): Promise<void> {
    this.#flush();
    this.db.close();
  }

  #flush(): void {
    const batch = this.#queue;
    this.#queue = [];
    this.#scheduled = false;
    if (batch.length === 0) return;
    this.#settle(batch);
  }

  /** One that refuses is told so alone, and the others share their transaction again. */
  #settle(batch: readonly Waiting[]): void {
    const failed = this.#commit(batch);
    if (failed === undefined || batch.length === 1) return;
    if (failed === batch.length) {
      for (const one of batch) this.#commit([one]);
      return;
    }
    for (const part of [batch.slice(0, failed), batch.slice(failed, failed + 1), batch.slice(failed + 1)]) {
      if (part.length > 0) this.#settle(part);
    }
  }

  /** Undefined: settled. Else nothing was changed, and this is the one that failed; `batch.length`: the commit itself. */
  #commit(batch: readonly Waiting[]): number | undefined {
    try {
      this.db.exec('BEGIN IMMEDIATE');
    } catch (error) {
      // A locked database is locked for all of them: to wait BUSY_MS for each would stop the whole relay meanwhile.
      for (const { reject } of batch) reject(toStoreError(error));
      return undefined;
    }
    const results: unknown[] = [];
    try {
      for (const { work } of batch) results.push(work());
      this.db.exec('COMMIT');
    } catch (error) {
      if (this.db.inTransaction) this.db.exec('ROLLBACK');
      if (batch.length === 1) batch[0]?.reject(toStoreError(error));
      return results.length;
    }
    for (const [index, { resolve }] of batch.entries()) resolve(results[index]);
    return undefined;
  }
}

function openFile(filename: string): Database.Database {
  let db: Database.Database | undefined;
  try {
    db = keepForLife(new Database(filename, { timeout: BUSY_MS }));
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    migrate(db);
    return db;
  } catch (error) {
    db?.close();
    if (error instanceof SchemaTooNew) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `cannot open the database ${filename}: ${reason}. Check that the file is a Turnpost database, that this user may write it, and that nothing else has locked it.`,
      { cause: error },
    );
  }
}

export class SchemaTooNew extends Error {
  override readonly name = 'SchemaTooNew';
}

/** Applies what is missing, each version in its own transaction. Refuses a newer file. */
export function migrate(db: Database.Database, migrations: readonly string[] = MIGRATIONS): void {
  const from = Number(keepForLife(db.prepare('PRAGMA user_version').pluck()).get());
  if (from > migrations.length) {
    throw new SchemaTooNew(
      `the database ${db.name} is at schema ${from}, this version of Turnpost knows ${migrations.length}: upgrade Turnpost, or name another folder in TURNPOST_DATA_DIR`,
    );
  }
  for (const [offset, sql] of migrations.slice(from).entries()) {
    db.transaction(() => {
      db.exec(sql);
      db.exec(`PRAGMA user_version = ${from + offset + 1}`);
    })();
  }
}

/** What SQLite says when it cannot write now, as `unavailable`; a rule's own RelayError passes; the rest is a bug. */
function toStoreError(error: unknown): unknown {
  if (
    error instanceof Database.SqliteError &&
    /^SQLITE_(FULL|IOERR|BUSY|LOCKED|READONLY|CANTOPEN|NOMEM)/.test(error.code)
  ) {
    return new RelayError('unavailable', { cause: error });
  }
  return error;
}
