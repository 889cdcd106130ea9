/** Table `email_deferral`: emails whose sender could not be checked for now, and how often they have come already. */
import type { Deferral, DeferralStore } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';

const COUNT = `
  INSERT INTO email_deferral (hash, first_at, tries) VALUES (?, ?, 1)
  ON CONFLICT (hash) DO UPDATE SET tries = tries + 1
  RETURNING tries, first_at AS firstAt`;

export class SqliteDeferralTable implements DeferralStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  async count(hash: string, now: number): Promise<Deferral> {
    return this.#store.write(
      () => this.#store.prepare<[string, number], Deferral>(COUNT).get(hash, now) ?? { tries: 1, firstAt: now },
    );
  }

  async prune(before: number): Promise<void> {
    if (this.#store.prepare('SELECT 1 FROM email_deferral WHERE first_at < ? LIMIT 1').get(before) === undefined)
      return;
    await this.#store.write(() => this.#store.prepare('DELETE FROM email_deferral WHERE first_at < ?').run(before));
  }
}
