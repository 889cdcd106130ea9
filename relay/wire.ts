/**
 * The wire schemas of the HTTP interface: what a request may hold (strict: unknown fields are refused) and what an
 * answer looks like. `/openapi.json` is made from these; the typed client stands on them. snake_case, RFC 3339 times.
 */
import { z } from 'zod';

export const MAX_RECIPIENTS = 100;
export const MAX_SUBJECT = 200;
export const MAX_ATTACHMENTS = 50;

export const time = z.iso.datetime({ offset: true });
/** '90s', '10m': see config-values.ts. */
export const durationText = z.string().regex(/^\d{1,9}(ms|s|m|h|d)$/, "want a number and a unit, like '10m'");
const noControl = (value: string): boolean => !/[\r\n\0]/.test(value);
export const line = (max: number) => z.string().max(max).refine(noControl, 'must be one line');

export const AgentName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,38}$/, 'want 1 to 39 of a-z, 0-9 and -, not starting with -');
const Address = line(254).min(1);
const Capability = line(64).min(1);

const AgentFields = {
  display_name: line(100).nullish(),
  description: z.string().max(2000).nullish(),
  capabilities: z.array(Capability).max(50).optional(),
  host: line(50).nullish(),
  program: line(100).nullish(),
  model: line(100).nullish(),
};

export const RegisterBody = z.strictObject({
  name: AgentName.optional(),
  owner: z.email().max(254).nullish(),
  ...AgentFields,
});
export const PatchAgentBody = z.strictObject({ owner: z.email().max(254).nullish(), ...AgentFields });

export const IssueKeyBody = z.strictObject({
  scope: z.enum(['agent', 'admin']).optional(),
  expires_at: time.optional(),
  label: line(100).optional(),
  /** Its MCP tools may use disposable inboxes. */
  mcp_access: z.boolean().optional(),
});
export const RotateKeyBody = z.strictObject({ grace: durationText.optional() });
export const EnrolmentBody = z.strictObject({
  name: AgentName.optional(),
  expires_in: durationText.optional(),
  /** For the first key of the agent that registers with it. */
  mcp_access: z.boolean().optional(),
});

export const Priority = z.enum(['low', 'normal', 'high', 'urgent']);
export const MessageTypeToSend = z.enum(['message', 'task', 'query', 'response']);
export const MessageType = z.enum([...MessageTypeToSend.options, 'bounce', 'auto_reply', 'notice']);
export const DeliveryState = z.enum([
  'held',
  'available',
  'leased',
  'deferred',
  'delivered',
  'bounced',
  'expired',
  'cancelled',
]);

const AttachmentToSend = z.strictObject({
  filename: line(255).min(1),
  content_type: line(127)
    .regex(/^[\w.+-]+\/[\w.+-]+(\s*;.*)?$/, 'want a media type like text/plain')
    .optional(),
  content: z.base64(),
});
const Data = z.record(z.string(), z.unknown());

export const SendBody = z.strictObject({
  to: z.union([Address, z.array(Address).min(1).max(MAX_RECIPIENTS)]),
  body: z.string().min(1),
  subject: line(MAX_SUBJECT).optional(),
  type: MessageTypeToSend.optional(),
  priority: Priority.optional(),
  in_reply_to: z.string().optional(),
  thread_id: z.string().optional(),
  requires_response: z.boolean().optional(),
  expires_at: time.optional(),
  data: Data.optional(),
  cc: z.array(Address).max(MAX_RECIPIENTS).optional(),
  attachments: z.array(AttachmentToSend).max(MAX_ATTACHMENTS).optional(),
});
export const ReplyBody = z.strictObject({
  body: z.string().min(1),
  subject: line(MAX_SUBJECT).optional(),
  data: Data.optional(),
  attachments: z.array(AttachmentToSend).max(MAX_ATTACHMENTS).optional(),
});

const pageNumber = z.coerce.number().int().min(1).max(100).optional();
export const PageFields = { cursor: z.string().max(200).optional(), limit: pageNumber };
export const PageQuery = z.strictObject(PageFields);
export const AgentListQuery = z.strictObject({
  ...PageFields,
  query: z.string().max(100).optional(),
  capability: Capability.optional(),
});
export const MessageListQuery = z.strictObject({
  ...PageFields,
  direction: z.enum(['inbound', 'outbound', 'all']).optional(),
  state: DeliveryState.optional(),
  thread_id: z.string().max(40).optional(),
  since: time.optional(),
});
export const RevokeQuery = z.strictObject({ reason: line(100).optional() });

export const LeaseBody = z.strictObject({
  session_id: line(200).min(1).optional(),
  max: z.number().int().min(1).max(100).optional(),
  wait: durationText.optional(),
  lease: durationText.optional(),
  /** "Asking again": what this session was handed by an earlier lease of this kind has been read. */
  confirm_previous: z.boolean().optional(),
});

// ---- answers ----

export const Agent = z.object({
  id: z.string(),
  name: z.string(),
  address: z.string(),
  display_name: z.string().nullable(),
  description: z.string().nullable(),
  capabilities: z.array(z.string()),
  owner: z.string().nullable().optional(),
  host: z.string().nullable(),
  program: z.string().nullable(),
  model: z.string().nullable(),
  created_at: time,
  updated_at: time,
  /** Of the key that asks; only where an agent asks for itself. */
  mcp_access: z.boolean().optional(),
});
export const NewKey = z.object({
  id: z.string(),
  secret: z.string(),
  scope: z.enum(['agent', 'admin']),
  label: z.string().nullable(),
  created_at: time,
  expires_at: time.nullable(),
  mcp_access: z.boolean().optional(),
});
export const RegisteredAgent = Agent.extend({ key: NewKey });
export const DeletedAgent = z.object({ deleted: z.literal(true), address: z.string() });
export const RevokedKey = z.object({ id: z.string(), revoked_at: time });
export const Enrolment = z.object({ code: z.string(), name: z.string().nullable(), expires_at: time });

export const Attachment = z.object({
  index: z.number(),
  filename: z.string(),
  content_type: z.string(),
  size: z.number(),
  sha256: z.string(),
});
export const SenderDelivery = z.object({
  id: z.string(),
  to: z.string(),
  state: DeliveryState,
  attempt: z.number(),
  last_error: z.string().nullable(),
});
export const Message = z.object({
  id: z.string(),
  thread_id: z.string(),
  from: z.object({ address: z.string(), name: z.string().nullable(), kind: z.enum(['agent', 'person', 'machine']) }),
  to: z.array(z.string()),
  cc: z.array(z.string()),
  subject: z.string().nullable(),
  body: z.string(),
  quoted: z.string().nullable(),
  signature: z.string().nullable(),
  /** What the relay has to say about it: what was left out, what does not fit together. */
  notes: z.array(z.string()),
  type: MessageType,
  priority: Priority,
  in_reply_to: z.string().nullable(),
  requires_response: z.boolean(),
  expires_at: time.nullable(),
  data: Data.nullable(),
  attachments: z.array(Attachment),
  created_at: time,
  trust: z.enum(['owner', 'peer', 'known', 'unknown']),
  verified_by: z.enum(['key', 'signature', 'dmarc', 'token', 'none']),
  auth: z.object({ spf: z.string(), dkim: z.string(), dmarc: z.string(), arc: z.string() }).nullable(),
  // for a recipient
  state: DeliveryState.optional(),
  attempt: z.number().optional(),
  delivered_at: time.nullable().optional(),
  evidence: z.string().nullable().optional(),
  // for the sender
  deliveries: z.array(SenderDelivery).optional(),
});
export const LeaseAnswer = z.object({
  lease_id: z.string().nullable(),
  lease_expires_at: time.nullable(),
  items: z.array(Message),
  /** What this session was handed before and nothing has confirmed yet. */
  holding: z.array(z.string()),
});
export const ReleaseAnswer = z.object({ released: z.number() });
export const Thread = z.object({
  id: z.string(),
  subject: z.string().nullable(),
  message_count: z.number(),
  last_message_at: time,
  participants: z.array(z.string()),
});
export const ThreadWithMessages = Thread.extend({ messages: z.array(Message) });
export const OutboxItem = z.object({
  id: z.string(),
  message_id: z.string(),
  state: DeliveryState,
  attempt: z.number(),
  next_attempt_at: time.nullable(),
  last_error: z.string().nullable(),
  envelope: z.object({ from: z.string(), to: z.string() }),
  headers: z.record(z.string(), z.string()),
  text: z.string(),
});
export const HoldItem = z.object({
  id: z.string(),
  kind: z.enum(['approval', 'quarantine']),
  reason: z.string(),
  created_at: time,
  delivery_id: z.string(),
  to: z.string(),
  message: Message,
});
export const HoldDecision = z.object({
  id: z.string(),
  decision: z.enum(['accepted', 'dropped']),
  delivery: SenderDelivery,
});
export const Suppression = z.object({
  address: z.string(),
  /** Whose mail it means; null: every agent's. */
  agent_id: z.string().nullable(),
  reason: z.enum(['bounce', 'complaint', 'unsubscribe']),
  /** RFC 3463, where a server said so. */
  code: z.string().nullable(),
  source: z.string(),
  created_at: time,
  expires_at: time.nullable(),
});
export const RemovedSuppressions = z.object({ address: z.string(), removed: z.number() });
/** An email that was handed in: true where it is on disk, now or from before; false where nothing of it is ours. */
export const Taken = z.object({ taken: z.boolean() });
export const Health = z.object({ status: z.literal('ok'), version: z.string() });
export const Ready = z.object({ ready: z.boolean(), not_ready: z.array(z.string()) });
export const ErrorAnswer = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    details: Data.optional(),
    request_id: z.string(),
  }),
});

/** A page of a list: newest first where not said otherwise. */
export function page<T extends z.ZodType>(
  item: T,
): z.ZodObject<{ items: z.ZodArray<T>; next_cursor: z.ZodNullable<z.ZodString> }> {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}

export type WireAgent = z.infer<typeof Agent>;
export type WireNewKey = z.infer<typeof NewKey>;
export type WireMessage = z.infer<typeof Message>;
export type WireSend = z.infer<typeof SendBody>;
export type WireReply = z.infer<typeof ReplyBody>;
export type WireLease = z.infer<typeof LeaseBody>;
export type WireLeaseAnswer = z.infer<typeof LeaseAnswer>;
export type WireHold = z.infer<typeof HoldItem>;
export type WireSuppression = z.infer<typeof Suppression>;
export type WireOutboxItem = z.infer<typeof OutboxItem>;
export type WireTaken = z.infer<typeof Taken>;
export type WireThread = z.infer<typeof Thread>;
export interface WirePage<T> {
  readonly items: T[];
  readonly next_cursor: string | null;
}
