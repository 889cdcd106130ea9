/** All stores over one SQLite file. */
import type { Stores } from '../stores.ts';
import { SqliteAgentTable } from './agent-table.ts';
import { SqliteDatabase } from './database.ts';
import { SqliteDeferralTable } from './deferral-table.ts';
import { SqliteDeliveryTable } from './delivery-table.ts';
import { SqliteDkimKeyTable } from './dkim-key-table.ts';
import { SqliteEnrolmentTable } from './enrolment-table.ts';
import { SqliteHoldTable } from './hold-table.ts';
import { SqliteInboxTable } from './inbox-table.ts';
import { SqliteKeyTable } from './key-table.ts';
import { SqliteMailboxTable } from './mailbox-table.ts';
import { SqliteMessageTable } from './message-table.ts';
import { SqliteOutboxTable } from './outbox-table.ts';
import { SqlitePeerKeyTable } from './peer-key-table.ts';
import { SqliteReceiptTable } from './receipt-table.ts';
import { SqliteRouteTable } from './route-table.ts';
import { SqliteSecretTable, SqliteSigningKeyTable } from './secret-tables.ts';
import { SqliteAutoAnswerTable, SqliteSuppressionTable } from './suppression-table.ts';

/** `filename` may be `:memory:`. Throws an Error for people where the file cannot be used. */
export function openSqlite(filename: string): Stores {
  const database = new SqliteDatabase(filename);
  return {
    agents: new SqliteAgentTable(database),
    keys: new SqliteKeyTable(database),
    enrolments: new SqliteEnrolmentTable(database),
    messages: new SqliteMessageTable(database),
    deliveries: new SqliteDeliveryTable(database),
    outbox: new SqliteOutboxTable(database),
    routes: new SqliteRouteTable(database),
    holds: new SqliteHoldTable(database),
    deferrals: new SqliteDeferralTable(database),
    mailboxes: new SqliteMailboxTable(database),
    signingKeys: new SqliteSigningKeyTable(database),
    peerKeys: new SqlitePeerKeyTable(database),
    dkimKeys: new SqliteDkimKeyTable(database),
    secrets: new SqliteSecretTable(database),
    receipts: new SqliteReceiptTable(database),
    inboxes: new SqliteInboxTable(database),
    suppressions: new SqliteSuppressionTable(database),
    autoAnswers: new SqliteAutoAnswerTable(database),
    close: () => database.close(),
  };
}
