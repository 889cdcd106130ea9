/**
 * The schema. One entry per version, in order: entry n takes a database from `user_version` n to n + 1.
 * Never edit an entry that has shipped.
 */
export const MIGRATIONS: readonly string[] = [
  // 0 -> 1
  `CREATE TABLE secret (
     name  TEXT PRIMARY KEY,
     value BLOB NOT NULL
   ) STRICT;

   CREATE TABLE signing_key (
     kid         TEXT PRIMARY KEY,
     private_pem TEXT NOT NULL,
     public_jwk  TEXT NOT NULL,
     valid_from  INTEGER NOT NULL,
     retired_at  INTEGER
   ) STRICT;

   CREATE TABLE agent (
     seq          INTEGER PRIMARY KEY,
     id           TEXT NOT NULL UNIQUE,
     name         TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 39),
     display_name TEXT,
     description  TEXT,
     capabilities TEXT NOT NULL,
     owner        TEXT,
     host         TEXT,
     program      TEXT,
     model        TEXT,
     created_at   INTEGER NOT NULL,
     updated_at   INTEGER NOT NULL,
     deleted_at   INTEGER
   ) STRICT;

   CREATE TABLE key (
     id            TEXT PRIMARY KEY,
     agent_id      TEXT REFERENCES agent (id),
     scope         TEXT NOT NULL CHECK (scope IN ('admin', 'agent')),
     hash          TEXT NOT NULL UNIQUE,
     label         TEXT,
     created_at    INTEGER NOT NULL,
     expires_at    INTEGER,
     revoked_at    INTEGER,
     revoke_reason TEXT,
     CHECK ((agent_id IS NULL) = (scope = 'admin'))
   ) STRICT;
   CREATE INDEX key_of_agent ON key (agent_id);

   CREATE TABLE enrolment (
     hash       TEXT PRIMARY KEY,
     name       TEXT,
     created_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     used_at    INTEGER
   ) STRICT;

   CREATE TABLE receipt (
     scope      TEXT PRIMARY KEY,
     body_hash  TEXT NOT NULL,
     status     INTEGER NOT NULL,
     sealed     BLOB NOT NULL,
     created_at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX receipt_age ON receipt (created_at);

   CREATE TABLE session (
     agent_id       TEXT NOT NULL REFERENCES agent (id),
     session_id     TEXT NOT NULL,
     host           TEXT,
     last_seen_at   INTEGER NOT NULL,
     run_injections INTEGER NOT NULL DEFAULT 0,
     ended_at       INTEGER,
     PRIMARY KEY (agent_id, session_id)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE message (
     seq               INTEGER PRIMARY KEY,
     id                TEXT NOT NULL UNIQUE,
     thread_id         TEXT NOT NULL,
     from_address      TEXT NOT NULL,
     from_name         TEXT,
     from_kind         TEXT NOT NULL CHECK (from_kind IN ('agent', 'person', 'machine')),
     sender_agent_id   TEXT REFERENCES agent (id),
     sender_key_id     TEXT REFERENCES key (id),
     sender_session_id TEXT,
     recipients        TEXT NOT NULL,
     cc                TEXT NOT NULL,
     subject           TEXT,
     body              TEXT NOT NULL,
     quoted            TEXT,
     signature         TEXT,
     type              TEXT NOT NULL
       CHECK (type IN ('message', 'task', 'query', 'response', 'bounce', 'auto_reply', 'notice')),
     priority          TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
     in_reply_to       TEXT,
     requires_response INTEGER NOT NULL,
     expires_at        INTEGER,
     data              TEXT,
     verified_by       TEXT NOT NULL CHECK (verified_by IN ('key', 'signature', 'dmarc', 'token', 'none')),
     auth              TEXT,
     hop               INTEGER NOT NULL,
     jws               TEXT,
     email_message_id  TEXT,
     created_at        INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX message_thread ON message (thread_id, seq);
   CREATE INDEX message_sender ON message (sender_agent_id, seq) WHERE sender_agent_id IS NOT NULL;
   CREATE INDEX message_email_id ON message (email_message_id) WHERE email_message_id IS NOT NULL;

   CREATE TABLE blob (
     sha256  TEXT PRIMARY KEY,
     content BLOB NOT NULL
   ) STRICT;

   CREATE TABLE attachment (
     message_id   TEXT NOT NULL REFERENCES message (id),
     idx          INTEGER NOT NULL,
     filename     TEXT NOT NULL,
     content_type TEXT NOT NULL,
     size         INTEGER NOT NULL,
     sha256       TEXT NOT NULL REFERENCES blob (sha256),
     PRIMARY KEY (message_id, idx)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE lease (
     id         TEXT PRIMARY KEY,
     agent_id   TEXT REFERENCES agent (id),
     key_id     TEXT REFERENCES key (id),
     session_id TEXT,
     path       TEXT NOT NULL CHECK (path IN ('end_of_turn', 'tool', 'api', 'outbox')),
     prompt_id  TEXT,
     given_at   INTEGER NOT NULL,
     lease_ms   INTEGER NOT NULL,
     expires_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX lease_end ON lease (expires_at);
   CREATE INDEX lease_of_session ON lease (agent_id, session_id);
   CREATE INDEX lease_of_key ON lease (key_id) WHERE key_id IS NOT NULL;

   CREATE TABLE delivery (
     seq                  INTEGER PRIMARY KEY,
     id                   TEXT NOT NULL UNIQUE,
     message_id           TEXT NOT NULL REFERENCES message (id),
     agent_id             TEXT REFERENCES agent (id),
     address              TEXT NOT NULL CHECK (length(address) BETWEEN 3 AND 320),
     state                TEXT NOT NULL CHECK (state IN
       ('held', 'available', 'leased', 'deferred', 'delivered', 'bounced', 'expired', 'cancelled')),
     attempt              INTEGER NOT NULL DEFAULT 0,
     trust                TEXT CHECK (trust IN ('owner', 'peer', 'known', 'unknown')),
     rank                 INTEGER NOT NULL,
     available_at         INTEGER NOT NULL,
     expires_at           INTEGER,
     preferred_session_id TEXT,
     lease_id             TEXT REFERENCES lease (id),
     last_error           TEXT,
     delivered_at         INTEGER,
     evidence             TEXT CHECK (evidence IN
       ('read', 'reply', 'ack', 'asked_again', 'transcript', 'continuation', 'smtp')),
     finalized_at         INTEGER,
     UNIQUE (message_id, address),
     CHECK ((state = 'leased') = (lease_id IS NOT NULL)),
     CHECK ((finalized_at IS NOT NULL) = (state IN ('delivered', 'bounced', 'expired', 'cancelled'))),
     CHECK ((evidence IS NOT NULL) <= (delivered_at IS NOT NULL))
   ) STRICT;
   CREATE INDEX delivery_available ON delivery (agent_id, rank, seq) WHERE state = 'available' AND agent_id IS NOT NULL;
   CREATE INDEX delivery_outbox ON delivery (available_at, seq)
     WHERE state IN ('available', 'deferred') AND agent_id IS NULL;
   CREATE INDEX delivery_of_lease ON delivery (lease_id) WHERE lease_id IS NOT NULL;
   CREATE INDEX delivery_of_agent ON delivery (agent_id, seq) WHERE agent_id IS NOT NULL;
   CREATE INDEX delivery_expiry ON delivery (expires_at)
     WHERE expires_at IS NOT NULL AND state IN ('held', 'available', 'deferred');
   CREATE INDEX delivery_open ON delivery (state) WHERE finalized_at IS NULL;

   CREATE TABLE outbox_email (
     delivery_id   TEXT PRIMARY KEY REFERENCES delivery (id),
     envelope_from TEXT NOT NULL,
     envelope_to   TEXT NOT NULL,
     envid         TEXT NOT NULL UNIQUE,
     raw           BLOB NOT NULL
   ) STRICT;

   CREATE TABLE reply_route (
     id          TEXT PRIMARY KEY,
     agent_id    TEXT NOT NULL REFERENCES agent (id),
     thread_id   TEXT NOT NULL,
     message_id  TEXT NOT NULL REFERENCES message (id),
     delivery_id TEXT NOT NULL REFERENCES delivery (id),
     address     TEXT NOT NULL,
     created_at  INTEGER NOT NULL
   ) STRICT;

   CREATE TABLE hold (
     seq         INTEGER PRIMARY KEY,
     id          TEXT NOT NULL UNIQUE,
     delivery_id TEXT NOT NULL REFERENCES delivery (id),
     kind        TEXT NOT NULL CHECK (kind IN ('approval', 'quarantine')),
     reason      TEXT NOT NULL,
     created_at  INTEGER NOT NULL,
     decided_at  INTEGER,
     decision    TEXT CHECK (decision IN ('accepted', 'dropped')),
     CHECK ((decided_at IS NULL) = (decision IS NULL))
   ) STRICT;
   CREATE INDEX hold_open ON hold (seq) WHERE decided_at IS NULL;
   CREATE INDEX hold_of_delivery ON hold (delivery_id);

   CREATE TABLE mailbox (
     account      TEXT NOT NULL,
     folder       TEXT NOT NULL,
     uid_validity TEXT NOT NULL,
     last_uid     INTEGER NOT NULL,
     PRIMARY KEY (account, folder)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE mailbox_failure (
     account      TEXT NOT NULL,
     folder       TEXT NOT NULL,
     uid_validity TEXT NOT NULL,
     uid          INTEGER NOT NULL,
     tries        INTEGER NOT NULL,
     PRIMARY KEY (account, folder, uid_validity, uid)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE received_email (
     id          TEXT PRIMARY KEY,
     source      TEXT NOT NULL,
     raw         BLOB,
     received_at INTEGER NOT NULL
   ) STRICT;

   CREATE TABLE intake (
     dedupe_key TEXT PRIMARY KEY,
     email_id   TEXT NOT NULL REFERENCES received_email (id),
     message_id TEXT REFERENCES message (id)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX intake_message ON intake (message_id) WHERE message_id IS NOT NULL;`,

  // 1 -> 2: where reading a mailbox began. For those that are there it is not known: nothing below the cursor is read again.
  `ALTER TABLE mailbox ADD COLUMN first_uid INTEGER NOT NULL DEFAULT 1;
   UPDATE mailbox SET first_uid = last_uid + 1;`,

  // 2 -> 3: email that can be trusted.
  `ALTER TABLE message ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';

   CREATE TABLE suppression (
     seq        INTEGER PRIMARY KEY,
     address    TEXT NOT NULL,
     agent_id   TEXT NOT NULL DEFAULT '', -- '' is every agent's mail: NULLs are never equal in a UNIQUE
     reason     TEXT NOT NULL CHECK (reason IN ('bounce', 'complaint', 'unsubscribe')),
     code       TEXT,
     source     TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     expires_at INTEGER,
     UNIQUE (address, agent_id, reason)
   ) STRICT;

   CREATE INDEX session_age ON session (last_seen_at);
   CREATE INDEX delivery_to_person ON delivery (address, available_at) WHERE agent_id IS NULL;

   CREATE TABLE auto_answer (
     day     TEXT NOT NULL,
     address TEXT NOT NULL,
     PRIMARY KEY (day, address)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE dkim_key (
     seq         INTEGER PRIMARY KEY,
     selector    TEXT NOT NULL UNIQUE,
     algorithm   TEXT NOT NULL CHECK (algorithm IN ('rsa', 'ed25519')),
     private_pem TEXT NOT NULL,
     created_at  INTEGER NOT NULL,
     used_from   INTEGER,
     retired_at  INTEGER,
     CHECK ((retired_at IS NOT NULL) <= (used_from IS NOT NULL))
   ) STRICT;

   ALTER TABLE delivery ADD COLUMN domain TEXT;
   UPDATE delivery SET domain = substr(address, instr(address, '@') + 1) WHERE agent_id IS NULL;
   CREATE INDEX delivery_outbox_domain ON delivery (domain, available_at, seq)
     WHERE state IN ('available', 'deferred') AND agent_id IS NULL;
   CREATE INDEX delivery_sent ON delivery (delivered_at) WHERE evidence = 'smtp';

   ALTER TABLE enrolment ADD COLUMN mcp_access INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE key ADD COLUMN mcp_access INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE key ADD COLUMN line TEXT NOT NULL DEFAULT '';
   UPDATE key SET line = id;
   CREATE INDEX key_line ON key (line);

   CREATE TABLE disposable_inbox (
     seq          INTEGER PRIMARY KEY,
     id           TEXT NOT NULL UNIQUE,
     name         TEXT NOT NULL UNIQUE,
     address      TEXT NOT NULL UNIQUE,
     owner_type   TEXT NOT NULL CHECK (owner_type IN ('agent', 'api', 'mcp', 'anonymous')),
     owner_id     TEXT NOT NULL,
     quota_key    TEXT NOT NULL,
     label        TEXT,
     max_messages INTEGER NOT NULL,
     created_at   INTEGER NOT NULL,
     expires_at   INTEGER NOT NULL,
     deleted_at   INTEGER,
     pruned_at    INTEGER,
     CHECK (expires_at > created_at)
   ) STRICT;
   CREATE INDEX disposable_inbox_kept ON disposable_inbox (owner_id, seq) WHERE pruned_at IS NULL;
   CREATE INDEX disposable_inbox_alive ON disposable_inbox (quota_key, expires_at) WHERE deleted_at IS NULL;
   CREATE INDEX disposable_inbox_quota ON disposable_inbox (quota_key, created_at);
   CREATE INDEX disposable_inbox_unpruned ON disposable_inbox (seq) WHERE pruned_at IS NULL;

   CREATE TABLE inbox_mail (
     seq            INTEGER PRIMARY KEY,
     id             TEXT NOT NULL UNIQUE,
     inbox_id       TEXT NOT NULL REFERENCES disposable_inbox (id),
     email_id       TEXT NOT NULL REFERENCES received_email (id),
     from_address   TEXT,
     from_name      TEXT,
     recipients     TEXT NOT NULL,
     subject        TEXT,
     subject_folded TEXT NOT NULL,
     notes          TEXT NOT NULL,
     auth           TEXT,
     author_proven  INTEGER NOT NULL,
     size           INTEGER NOT NULL,
     received_at    INTEGER NOT NULL,
     read_at        INTEGER,
     text           TEXT NOT NULL, -- last, so that a list need not read past what is large
     html           TEXT
   ) STRICT;
   CREATE INDEX inbox_mail_of_inbox ON inbox_mail (inbox_id, seq);
   CREATE INDEX inbox_mail_email ON inbox_mail (email_id);

   CREATE TABLE inbox_attachment (
     mail_id      TEXT NOT NULL REFERENCES inbox_mail (id),
     idx          INTEGER NOT NULL,
     filename     TEXT NOT NULL,
     content_type TEXT NOT NULL,
     size         INTEGER NOT NULL,
     sha256       TEXT NOT NULL REFERENCES blob (sha256),
     PRIMARY KEY (mail_id, idx)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX inbox_attachment_blob ON inbox_attachment (sha256);
   CREATE INDEX attachment_blob ON attachment (sha256);
   CREATE INDEX intake_email ON intake (email_id);

   CREATE TABLE email_deferral (
     hash     TEXT PRIMARY KEY,
     first_at INTEGER NOT NULL,
     tries    INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX email_deferral_age ON email_deferral (first_at);

   CREATE TABLE peer_key (
     iss     TEXT NOT NULL,
     kid     TEXT NOT NULL,
     jwk     TEXT NOT NULL,
     seen_at INTEGER NOT NULL,
     gone_at INTEGER,
     PRIMARY KEY (iss, kid)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE email_alias (
     alias      TEXT PRIMARY KEY,
     message_id TEXT NOT NULL REFERENCES message (id)
   ) STRICT, WITHOUT ROWID;`,
];
