/** Table `peer_key`: public keys of other relays, kept as long as there is mail that they signed. */
import type { PeerKeyRow, PeerKeyStore } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';

type Row = Omit<PeerKeyRow, 'jwk'> & { readonly jwk: string };

const LIST = 'SELECT iss, kid, jwk, seen_at AS seenAt, gone_at AS goneAt FROM peer_key ORDER BY iss, kid';
const KEEP = `
  INSERT INTO peer_key (iss, kid, jwk, seen_at, gone_at) VALUES (@iss, @kid, @jwk, @seenAt, @goneAt)
  ON CONFLICT (iss, kid) DO UPDATE SET gone_at = @goneAt WHERE gone_at IS NOT @goneAt`;
const GONE = `
  UPDATE peer_key SET gone_at = @now
  WHERE iss = @iss AND gone_at IS NULL AND kid NOT IN (SELECT value FROM json_each(@kids)) RETURNING kid`;

export class SqlitePeerKeyTable implements PeerKeyStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  async list(): Promise<readonly PeerKeyRow[]> {
    return this.#store
      .prepare<[], Row>(LIST)
      .all()
      .map((row) => ({ ...row, jwk: JSON.parse(row.jwk) }));
  }

  async keep(key: PeerKeyRow): Promise<void> {
    await this.#store.write(() => this.#store.prepare(KEEP).run({ ...key, jwk: JSON.stringify(key.jwk) }));
  }

  async keepOnly(iss: string, kids: readonly string[], now: number): Promise<readonly string[]> {
    return this.#store.write(() =>
      this.#store
        .prepare<[object], { kid: string }>(GONE)
        .all({ iss, kids: JSON.stringify(kids), now })
        .map(({ kid }) => kid),
    );
  }
}
