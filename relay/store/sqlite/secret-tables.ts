/** Tables `secret` and `signing_key`: what the relay signs with. They live in the database so that one backup holds all. */
import type { SecretStore, SigningKeyRow, SigningKeyStore } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';

export class SqliteSecretTable implements SecretStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  async getOrMake(name: string, make: () => Buffer): Promise<Buffer> {
    const made = make();
    return this.#store.write(() => {
      this.#store.prepare('INSERT INTO secret (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING').run(name, made);
      return (
        this.#store.prepare<[string], { value: Buffer }>('SELECT value FROM secret WHERE name = ?').get(name)?.value ??
        made
      );
    });
  }

  async find(name: string): Promise<Buffer | undefined> {
    return this.#store.prepare<[string], { value: Buffer }>('SELECT value FROM secret WHERE name = ?').get(name)?.value;
  }

  async put(name: string, value: Buffer): Promise<void> {
    await this.#store.write(() => {
      this.#store
        .prepare(
          'INSERT INTO secret (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
        )
        .run(name, value);
    });
  }
}

type KeyRow = Omit<SigningKeyRow, 'publicJwk'> & { readonly publicJwk: string };

const LIST = `
  SELECT kid, private_pem AS privatePem, public_jwk AS publicJwk, valid_from AS validFrom, retired_at AS retiredAt
  FROM signing_key ORDER BY valid_from, kid`;
const INSERT = `
  INSERT INTO signing_key (kid, private_pem, public_jwk, valid_from, retired_at)
  VALUES (@kid, @privatePem, @publicJwk, @validFrom, @retiredAt)`;

export class SqliteSigningKeyTable implements SigningKeyStore {
  readonly #store: SqliteDatabase;

  constructor(store: SqliteDatabase) {
    this.#store = store;
  }

  async list(): Promise<readonly SigningKeyRow[]> {
    const rows = this.#store.prepare<[], KeyRow>(LIST).all();
    return rows.map((row) => ({ ...row, publicJwk: JSON.parse(row.publicJwk) }));
  }

  async add(key: SigningKeyRow): Promise<void> {
    await this.#store.write(() => {
      this.#store.prepare(INSERT).run({ ...key, publicJwk: JSON.stringify(key.publicJwk) });
    });
  }
}
