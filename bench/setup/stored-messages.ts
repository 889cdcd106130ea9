/**
 * Fills a stopped relay's database with old messages, straight through SQLite: half of them were delivered to the first
 * agent, which has nothing left; the rest went to the others, and of every tenth of those the delivery is still open.
 */
import path from 'node:path';
import Database from 'better-sqlite3';

const MESSAGES = `
  WITH RECURSIVE n (i) AS (SELECT @first UNION ALL SELECT i + 1 FROM n WHERE i + 1 < @first + @count)
  INSERT INTO message (id, thread_id, from_address, from_kind, sender_agent_id, recipients, cc, subject, body, type,
    priority, requires_response, verified_by, hop, created_at)
  SELECT printf('msg_%026d', i), printf('thr_%026d', i / 4), 'person@example.com', 'agent',
    (SELECT id FROM agent ORDER BY seq LIMIT 1), '["agent@example.com"]', '[]', 'An old message', @body, 'message',
    'normal', 0, 'key', 0, 1700000000000 + i FROM n`;

const DELIVERIES = `
  WITH RECURSIVE n (i) AS (SELECT @first UNION ALL SELECT i + 1 FROM n WHERE i + 1 < @first + @count)
  INSERT INTO delivery (id, message_id, agent_id, address, state, attempt, trust, rank, available_at, delivered_at,
    evidence, finalized_at)
  SELECT printf('dlv_%026d', i), printf('msg_%026d', i), a.id, 'agent@example.com', iif(open, 'available', 'delivered'),
    1, 'peer', 1, 1700000000000 + i, iif(open, NULL, 1700000000000 + i), iif(open, NULL, 'ack'),
    iif(open, NULL, 1700000000000 + i)
  FROM (SELECT i, i % 2 = 1 AND i % 20 = 1 AS open,
          iif(i % 2 = 0, 1, 2 + (i / 2) % (SELECT count(*) - 1 FROM agent)) AS who FROM n)
  JOIN (SELECT id, row_number() OVER (ORDER BY seq) AS place FROM agent) a ON a.place = who`;

const AT_ONCE = 50_000;
const BODY = 'The tests are green. Please deploy release 1.4 to staging first. '.repeat(3);

export function storeMessages(dataFolder: string, count: number): void {
  const db = new Database(path.join(dataFolder, 'turnpost.db'));
  db.pragma('synchronous = OFF');
  for (let first = 0; first < count; first += AT_ONCE) {
    const some = { first, count: Math.min(AT_ONCE, count - first) };
    db.prepare(MESSAGES).run({ ...some, body: BODY });
    db.prepare(DELIVERIES).run(some);
  }
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
}
