/** Stores a message with everything that belongs to it; the caller has the transaction open. */
import { RelayError } from '../../errors.ts';
import type { AttachmentContent, Delivery, Hold, Message, OutgoingEmail, ReplyRoute } from '../../types.ts';
import type { NewMail } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';
import { confirmDeliveries } from './delivery-arrows.ts';
import { insertReceipt } from './receipt-table.ts';

const KEY_IS_LIVE = `SELECT 1 FROM key WHERE id = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)`;
const AGENT_LIVES = `SELECT 1 FROM agent WHERE id = ? AND deleted_at IS NULL`;

const INSERT_MESSAGE = `
  INSERT INTO message (id, thread_id, from_address, from_name, from_kind, sender_agent_id, sender_key_id,
    sender_session_id, recipients, cc, subject, body, quoted, signature, notes, type, priority, in_reply_to,
    requires_response, expires_at, data, verified_by, auth, hop, jws, email_message_id, created_at)
  VALUES (@id, @threadId, @fromAddress, @fromName, @fromKind, @senderAgentId, @senderKeyId,
    @senderSessionId, @recipients, @cc, @subject, @body, @quoted, @signature, @notes, @type, @priority, @inReplyTo,
    @requiresResponse, @expiresAt, @data, @verifiedBy, @auth, @hop, @jws, @emailMessageId, @createdAt)`;

const INSERT_DELIVERY = `
  INSERT INTO delivery (id, message_id, agent_id, address, domain, state, trust, rank, available_at, expires_at,
    preferred_session_id, last_error, finalized_at)
  VALUES (@id, @messageId, @agentId, @address, @domain, @state, @trust, @rank, @availableAt, @expiresAt,
    @preferredSessionId, @lastError, @finalizedAt)`;

const INSERT_BLOB = `INSERT INTO blob (sha256, content) VALUES (?, ?) ON CONFLICT DO NOTHING`;

const INSERT_ATTACHMENT = `
  INSERT INTO attachment (message_id, idx, filename, content_type, size, sha256) VALUES (?, ?, ?, ?, ?, ?)`;

const INSERT_EMAIL = `
  INSERT INTO outbox_email (delivery_id, envelope_from, envelope_to, envid, raw)
  VALUES (@deliveryId, @envelopeFrom, @envelopeTo, @envid, @raw)`;

const INSERT_ROUTE = `
  INSERT INTO reply_route (id, agent_id, thread_id, message_id, delivery_id, address, created_at)
  VALUES (@id, @agentId, @threadId, @messageId, @deliveryId, @address, @createdAt)`;

const INSERT_HOLD = `
  INSERT INTO hold (id, delivery_id, kind, reason, created_at) VALUES (@id, @deliveryId, @kind, @reason, @createdAt)`;

/** `urgent` first, else oldest first. */
const rankOf = (message: Message): number => (message.priority === 'urgent' ? 0 : 1);

export function insertMail(store: SqliteDatabase, mail: NewMail): void {
  checkStillAllowed(store, mail);
  insertMessage(store, mail.message);
  for (const delivery of mail.deliveries) insertDelivery(store, mail.message, delivery);
  insertAttachments(store, mail.message.id, mail.attachments ?? []);
  insertAll<Hold>(store, INSERT_HOLD, mail.holds);
  insertAll<OutgoingEmail>(store, INSERT_EMAIL, mail.emails);
  insertAll<ReplyRoute>(store, INSERT_ROUTE, mail.routes);
  insertReceipt(store, mail.receipt);
  if (mail.answered !== undefined) {
    const { agentId, messageId } = mail.answered;
    confirmDeliveries(store, agentId, [messageId], 'reply', mail.message.createdAt, { evenIfNeverGiven: true });
  }
}

/** Between the rules' look and this transaction a key may have been revoked or an agent deleted. */
function checkStillAllowed(store: SqliteDatabase, { message, deliveries }: NewMail): void {
  const keyId = message.senderKeyId;
  if (keyId !== null && store.prepare(KEY_IS_LIVE).get(keyId, message.createdAt) === undefined) {
    throw new RelayError('unauthorized');
  }
  if (!recipientsLive(store, { deliveries })) throw new RelayError('recipient_unknown');
}

/** Are all agents it is for still registered? */
export function recipientsLive(store: SqliteDatabase, { deliveries }: Pick<NewMail, 'deliveries'>): boolean {
  return deliveries.every(({ agentId }) => agentId === null || store.prepare(AGENT_LIVES).get(agentId) !== undefined);
}

function insertMessage(store: SqliteDatabase, message: Message): void {
  const { from, to, cc, data, auth, notes, attachments: _, ...rest } = message;
  store.prepare(INSERT_MESSAGE).run({
    ...rest,
    fromAddress: from.address,
    fromName: from.name,
    fromKind: from.kind,
    recipients: JSON.stringify(to),
    cc: JSON.stringify(cc),
    notes: JSON.stringify(notes),
    requiresResponse: message.requiresResponse ? 1 : 0,
    data: data === null ? null : JSON.stringify(data),
    auth: auth === null ? null : JSON.stringify(auth),
  });
}

function insertDelivery(store: SqliteDatabase, message: Message, delivery: Delivery): void {
  const { agentId, address } = delivery;
  // What is limited by domain is mail that leaves the relay.
  const domain = agentId === null ? address.slice(address.lastIndexOf('@') + 1) : null;
  store.prepare(INSERT_DELIVERY).run({ ...delivery, domain, rank: rankOf(message), expiresAt: message.expiresAt });
}

function insertAttachments(store: SqliteDatabase, messageId: string, attachments: readonly AttachmentContent[]): void {
  for (const { index, filename, contentType, size, sha256, content } of attachments) {
    store.prepare(INSERT_BLOB).run(sha256, content);
    store.prepare(INSERT_ATTACHMENT).run(messageId, index, filename, contentType, size, sha256);
  }
}

function insertAll<Row extends object>(store: SqliteDatabase, sql: string, rows: readonly Row[] = []): void {
  for (const row of rows) store.prepare<[Row]>(sql).run(row);
}
