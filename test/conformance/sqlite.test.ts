/** The conformance suite over SQLite. */
import { openSqlite } from '../../relay/store/sqlite/open-sqlite.ts';
import { conformance } from './stores.ts';

conformance('SQLite', async () => openSqlite(':memory:'));
