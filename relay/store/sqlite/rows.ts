/** How rows become nouns: column lists with their aliases, and the few columns that hold JSON or 0/1. */

import { RelayError } from '../../errors.ts';
import type { Agent, AttachmentInfo, Delivery, Hold, Key, Message } from '../../types.ts';
import type { Page, PageRequest } from '../stores.ts';

export const AGENT_COLUMNS = `id, name, display_name AS displayName, description, capabilities, owner, host, program, model,
  created_at AS createdAt, updated_at AS updatedAt, deleted_at AS deletedAt`;

export const KEY_COLUMNS = `id, agent_id AS agentId, scope, hash, label, created_at AS createdAt, expires_at AS expiresAt,
  revoked_at AS revokedAt, revoke_reason AS revokeReason, line,
  mcp_access AS mcpAccess`;

/** Columns of table `delivery` under the alias `d`. */
export const DELIVERY_COLUMNS = `d.id, d.message_id AS messageId, d.agent_id AS agentId, d.address, d.state, d.attempt,
  d.trust, d.available_at AS availableAt, d.preferred_session_id AS preferredSessionId, d.lease_id AS leaseId,
  d.last_error AS lastError, d.delivered_at AS deliveredAt, d.evidence, d.finalized_at AS finalizedAt`;

/**
 * May its recipient see this delivery (alias `d`)? Not while it waits for a decision, and not after it was dropped or
 * has expired undecided: only what a person accepted.
 */
export const SEEN = `(d.state <> 'held' AND NOT EXISTS (
    SELECT 1 FROM hold h WHERE h.delivery_id = d.id AND h.decision IS NOT 'accepted'))`;

/** Columns of table `message` under the alias `m`, with its attachments as JSON. */
export const MESSAGE_COLUMNS = `m.id, m.thread_id AS threadId, m.from_address AS fromAddress, m.from_name AS fromName,
  m.from_kind AS fromKind, m.sender_agent_id AS senderAgentId, m.sender_key_id AS senderKeyId,
  m.sender_session_id AS senderSessionId, m.recipients, m.cc, m.subject, m.body, m.quoted, m.signature, m.notes, m.type,
  m.priority, m.in_reply_to AS inReplyTo, m.requires_response AS requiresResponse, m.expires_at AS expiresAt, m.data,
  m.verified_by AS verifiedBy, m.auth, m.hop, m.jws, m.email_message_id AS emailMessageId, m.created_at AS createdAt,
  (SELECT json_group_array(json_object('index', a.idx, 'filename', a.filename, 'contentType', a.content_type,
    'size', a.size, 'sha256', a.sha256)) FROM attachment a WHERE a.message_id = m.id) AS attachments`;

export const HOLD_COLUMNS = `h.id, h.delivery_id AS deliveryId, h.kind, h.reason, h.created_at AS createdAt,
  h.decided_at AS decidedAt, h.decision`;

export type AgentRow = Omit<Agent, 'capabilities'> & { readonly capabilities: string };
export type KeyRow = Omit<Key, 'mcpAccess'> & { readonly mcpAccess: number };
export type DeliveryRow = Delivery;
export type HoldRow = Hold;

export interface MessageRow
  extends Omit<Message, 'from' | 'to' | 'cc' | 'notes' | 'requiresResponse' | 'data' | 'auth' | 'attachments'> {
  readonly fromAddress: string;
  readonly fromName: string | null;
  readonly fromKind: Message['from']['kind'];
  readonly recipients: string;
  readonly cc: string;
  readonly notes: string;
  readonly requiresResponse: number;
  readonly data: string | null;
  readonly auth: string | null;
  readonly attachments: string;
}

export function toAgent(row: AgentRow): Agent {
  return { ...row, capabilities: JSON.parse(row.capabilities) };
}

export function toKey(row: KeyRow): Key {
  return { ...row, mcpAccess: row.mcpAccess === 1 };
}

export function toMessage(row: MessageRow): Message {
  const { fromAddress, fromName, fromKind, recipients, ...rest } = row;
  return {
    ...rest,
    from: { address: fromAddress, name: fromName, kind: fromKind },
    to: JSON.parse(recipients),
    cc: JSON.parse(row.cc),
    notes: JSON.parse(row.notes),
    requiresResponse: row.requiresResponse === 1,
    data: row.data === null ? null : JSON.parse(row.data),
    auth: row.auth === null ? null : JSON.parse(row.auth),
    attachments: (JSON.parse(row.attachments) as AttachmentInfo[]).toSorted((a, b) => a.index - b.index), // written by us
  };
}

/** The seq behind a cursor; the beginning is `start`. Throws `invalid_cursor`. */
export function cursorToSeq(cursor: string | undefined, start: number): number {
  if (cursor === undefined) return start;
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!/^s\d{1,15}$/.test(text)) throw new RelayError('invalid_cursor');
  return Number(text.slice(1));
}

export const seqToCursor = (seq: number): string => Buffer.from(`s${seq}`, 'latin1').toString('base64url');

/** `rows` holds one more than the page wants where there is more to come. */
export function toPage<R extends { readonly seq: number }, T>(
  rows: readonly R[],
  page: PageRequest,
  map: (row: R) => T,
): Page<T> {
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  const more = rows.length > page.limit && last !== undefined;
  return { items: shown.map(map), nextCursor: more ? seqToCursor(last.seq) : null };
}

/** Newest first starts behind every row. */
export const NEWEST = Number.MAX_SAFE_INTEGER;
