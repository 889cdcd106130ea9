/**
 * One call of a session as one transaction: take evidence, release, lease (design: life of a message). The order is
 * the promise: evidence wins over release, and what is released may be handed out again in the same call.
 */
import type { Lease } from '../../types.ts';
import type { Candidate, Choice, LeaseRequest, Turn, TurnResult } from '../stores.ts';
import type { SqliteDatabase } from './database.ts';
import { confirmDeliveries, quarantineDelivery, takeDelivery } from './delivery-arrows.ts';
import { insertLease, releaseLeases, renewLeases } from './lease-table.ts';
import { DELIVERY_COLUMNS, type DeliveryRow, MESSAGE_COLUMNS, type MessageRow, toMessage } from './rows.ts';

/** A session that has not called for so long no longer keeps answers to itself (its host may have been killed). */
const SESSION_LIVES_MS = 60 * 60_000;
/** `last_seen_at` is written at most this often, so that an end of turn without mail costs no write. */
const SEEN_EVERY_MS = 60_000;

const TOUCH_SESSION = `
  INSERT INTO session (agent_id, session_id, host, last_seen_at) VALUES (@agentId, @sessionId, @host, @now)
  ON CONFLICT DO UPDATE SET last_seen_at = @now, host = @host, ended_at = NULL`;
const END_SESSION = `UPDATE session SET ended_at = @now WHERE agent_id = @agentId AND session_id = @sessionId`;
/** A tool's caller may not know its host's session: then any session of the agent may be the one it works in. */
const IN_A_RUN = `agent_id = @agentId AND run_injections > 0 AND (session_id = @sessionId OR NOT EXISTS (
  SELECT 1 FROM session k WHERE k.agent_id = @agentId AND k.session_id = @sessionId AND k.host IS NOT NULL))`;
const NEW_RUN = `UPDATE session SET run_injections = 0 WHERE ${IN_A_RUN}`;
const ANY_RUN = `SELECT 1 FROM session WHERE ${IN_A_RUN} LIMIT 1`;
const COUNT_INJECTION = `
  UPDATE session SET run_injections = run_injections + 1 WHERE agent_id = @agentId AND session_id = @sessionId`;
const RUN = `SELECT run_injections AS n, last_seen_at AS lastSeenAt, ended_at AS endedAt
  FROM session WHERE agent_id = @agentId AND session_id = @sessionId`;

const HELD_BY_PATH = `
  SELECT d.message_id AS id FROM lease l JOIN delivery d ON d.lease_id = l.id
  WHERE l.agent_id = @agentId AND l.session_id IS @sessionId AND l.path = @path`;

/** A host that names no prompts has no continuation evidence: nothing tells this prompt from the one before. */
const HELD_BY_LEASE = `
  SELECT d.message_id AS id FROM lease l JOIN delivery d ON d.lease_id = l.id
  WHERE l.id = @leaseId AND l.agent_id = @agentId AND l.session_id = @sessionId AND l.path = 'end_of_turn'
    AND l.prompt_id = @promptId`;

/** An end of turn's lease from another prompt; where the host names no prompts, from any earlier call. */
const EARLIER_PROMPT = `agent_id = @agentId AND session_id = @sessionId AND path = 'end_of_turn'
  AND (prompt_id IS NULL OR @promptId IS NULL OR prompt_id <> @promptId)`;
const ALL_OF_SESSION = `agent_id = @agentId AND session_id = @sessionId`;

/** Of several sessions of one agent an answer goes first to the one that asked, while that one lives. */
const AVAILABLE = `
  d.agent_id = @agentId AND d.state = 'available' AND (d.expires_at IS NULL OR d.expires_at > @now)
  AND (d.preferred_session_id IS NULL OR d.preferred_session_id = @sessionId OR NOT EXISTS (
    SELECT 1 FROM session s WHERE s.agent_id = d.agent_id AND s.session_id = d.preferred_session_id
      AND s.host IS NOT NULL AND s.ended_at IS NULL AND s.last_seen_at > @now - ${SESSION_LIVES_MS}))`;

const CANDIDATES = `
  SELECT d.id, d.message_id AS messageId,
    (SELECT octet_length(m.body) FROM message m WHERE m.id = d.message_id) AS bytes
  FROM delivery d INDEXED BY delivery_available WHERE ${AVAILABLE} ORDER BY d.rank, d.seq LIMIT @max`;
const ANY_CANDIDATE = `SELECT 1 FROM delivery d INDEXED BY delivery_available WHERE ${AVAILABLE} LIMIT 1`;
const DELIVERY = `SELECT ${DELIVERY_COLUMNS} FROM delivery d WHERE d.id = ?`;
const MESSAGE = `SELECT ${MESSAGE_COLUMNS} FROM message m WHERE m.id = ?`;
// Named, since SQLite without statistics would walk through all that the agent ever got.
const COUNT_AVAILABLE = `SELECT count(*) AS n FROM delivery d INDEXED BY delivery_available WHERE ${AVAILABLE}`;

const HOLDING = `
  SELECT d.message_id AS id FROM lease l JOIN delivery d ON d.lease_id = l.id
  WHERE l.agent_id = @agentId AND l.session_id IS @sessionId ORDER BY d.seq`;

// `+` keeps the agent's index out of it: found by message, and not among all that the agent ever got.
const OPEN_EVIDENCE = `
  SELECT 1 FROM delivery WHERE +agent_id = @agentId AND message_id IN (SELECT value FROM json_each(@messageIds))
    AND state IN ('leased', 'available') LIMIT 1`;

interface RunRow {
  readonly n: number;
  readonly lastSeenAt: number;
  readonly endedAt: number | null;
}

type Who = {
  readonly agentId: string;
  readonly sessionId: string | null;
  readonly promptId: string | null;
  readonly now: number;
};

const whoOf = ({ agentId, sessionId, promptId, now }: Turn): Who => ({ agentId, sessionId, promptId, now });

/** Would `runTurn` change or hand out anything? Must say true whenever it would; a read. */
export function turnHasWork(store: SqliteDatabase, turn: Turn): boolean {
  const who = whoOf(turn);
  const run = store.prepare<[object], RunRow>(RUN).get({ agentId: who.agentId, sessionId: who.sessionId });
  // Only a host's own call says that its session lives: a tool's process can outlive it.
  if (turn.host !== null && (turn.endSession || run === undefined || run.endedAt !== null)) return true;
  if (turn.host !== null && run !== undefined && turn.now - run.lastSeenAt >= SEEN_EVERY_MS) return true;
  if (turn.newRun && store.prepare(ANY_RUN).get({ agentId: who.agentId, sessionId: who.sessionId }) !== undefined)
    return true;
  if (store.prepare(HOLDING).get({ agentId: who.agentId, sessionId: who.sessionId }) !== undefined) return true;
  const messageIds = JSON.stringify(turn.evidence.flatMap((one) => one.messageIds));
  if (messageIds !== '[]' && store.prepare(OPEN_EVIDENCE).get({ agentId: who.agentId, messageIds }) !== undefined)
    return true;
  return turn.lease !== null && store.prepare(ANY_CANDIDATE).get(candidateValues(who)) !== undefined;
}

const candidateValues = ({ agentId, sessionId, now }: Who) => ({ agentId, sessionId, now });

/** The caller has the transaction open. */
export function runTurn(store: SqliteDatabase, turn: Turn): TurnResult {
  const who = whoOf(turn);
  if (turn.host !== null) {
    const { agentId, sessionId, now } = who;
    store.prepare(TOUCH_SESSION).run({ agentId, sessionId, now, host: turn.host });
  }
  const confirmed = takeEvidence(store, turn, who);
  const released = release(store, turn, who);
  if (turn.endSession) store.prepare(END_SESSION).run({ agentId: who.agentId, sessionId: who.sessionId, now: who.now });
  if (turn.newRun) store.prepare(NEW_RUN).run({ agentId: who.agentId, sessionId: who.sessionId });
  if (turn.sessionId !== null) renewLeases(store, turn.agentId, turn.sessionId, turn.now);
  const holding = heldMessages(store, HOLDING, { agentId: who.agentId, sessionId: who.sessionId });
  const given = turn.lease === null ? NOTHING : give(store, turn, turn.lease, who);
  const waiting = store.prepare<[object], { n: number }>(COUNT_AVAILABLE).get(candidateValues(who))?.n ?? 0;
  return { confirmed, released, holding, waiting, ...given };
}

const NOTHING = { lease: null, items: [], quarantined: 0 } as const;

function heldMessages(store: SqliteDatabase, sql: string, values: object): string[] {
  return store
    .prepare<[object], { id: string }>(sql)
    .all(values)
    .map(({ id }) => id);
}

function takeEvidence(store: SqliteDatabase, turn: Turn, who: Who): number {
  let confirmed = 0;
  for (const { messageIds, kind } of turn.evidence) {
    if (messageIds.length > 0) confirmed += confirmDeliveries(store, who.agentId, messageIds, kind, who.now);
  }
  const { agentId, sessionId, promptId, now } = who;
  if (turn.confirmPath !== null) {
    const { path, kind } = turn.confirmPath;
    const held = heldMessages(store, HELD_BY_PATH, { agentId, sessionId, path });
    if (held.length > 0) confirmed += confirmDeliveries(store, agentId, held, kind, now);
  }
  if (turn.confirmLease !== null) {
    const { leaseId, kind } = turn.confirmLease;
    const held = heldMessages(store, HELD_BY_LEASE, { leaseId, agentId, sessionId, promptId });
    if (held.length > 0) confirmed += confirmDeliveries(store, agentId, held, kind, now);
  }
  return confirmed;
}

function release(store: SqliteDatabase, turn: Turn, who: Who): number {
  if (turn.release === 'none') return 0;
  const { agentId, sessionId, promptId, now } = who;
  return turn.release === 'all'
    ? releaseLeases(store, { where: ALL_OF_SESSION, values: { agentId, sessionId }, now })
    : releaseLeases(store, { where: EARLIER_PROMPT, values: { agentId, sessionId, promptId }, now });
}

function give(
  store: SqliteDatabase,
  turn: Turn,
  request: LeaseRequest & { readonly maxRun: number | null },
  who: Who,
): Pick<TurnResult, 'lease' | 'items' | 'quarantined'> {
  const key = { agentId: who.agentId, sessionId: who.sessionId };
  const injections = store.prepare<[object], RunRow>(RUN).get(key)?.n ?? 0;
  if (request.maxRun !== null && injections >= request.maxRun) return NOTHING;

  const candidates = readCandidates(store, who, request);
  const choice = amongThem(candidates, request.choose(candidates));
  for (const hold of choice.quarantine) quarantineDelivery(store, hold, turn.now);
  if (choice.take.length === 0) return { ...NOTHING, quarantined: choice.quarantine.length };

  const lease = newLease(turn, request);
  insertLease(store, lease);
  for (const id of choice.take) takeDelivery(store, id, lease.id);
  if (request.maxRun !== null) store.prepare(COUNT_INJECTION).run(key);
  return { lease, items: taken(store, candidates, choice.take), quarantined: choice.quarantine.length };
}

/** Only what was offered can be chosen, and what is refused is not taken. */
function amongThem(candidates: readonly Candidate[], { take, quarantine }: Choice): Choice {
  const offered = new Set(candidates.map(({ delivery }) => delivery.id));
  const refused = new Set(quarantine.map(({ deliveryId }) => deliveryId));
  return {
    take: take.filter((id) => offered.has(id) && !refused.has(id)),
    quarantine: quarantine.filter(({ deliveryId }) => offered.has(deliveryId)),
  };
}

interface CandidateRow {
  readonly id: string;
  readonly messageId: string;
  readonly bytes: number;
}

function readCandidates(store: SqliteDatabase, who: Who, { max, maxBytes }: LeaseRequest): Candidate[] {
  const rows = store.prepare<[object], CandidateRow>(CANDIDATES).all({ ...candidateValues(who), max });
  const candidates: Candidate[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += row.bytes;
    if (bytes > maxBytes && candidates.length > 0) break;
    const delivery = store.prepare<[string], DeliveryRow>(DELIVERY).get(row.id);
    const message = store.prepare<[string], MessageRow>(MESSAGE).get(row.messageId);
    if (delivery && message) candidates.push({ delivery, message: toMessage(message) });
  }
  return candidates;
}

function newLease(turn: Turn, request: LeaseRequest): Lease {
  const { agentId, sessionId, promptId, now } = turn;
  const { leaseId, keyId, path, leaseMs } = request;
  return { id: leaseId, agentId, keyId, sessionId, path, promptId, givenAt: now, expiresAt: now + leaseMs };
}

/** The chosen ones as they are now, with state and attempt of this lease. */
function taken(store: SqliteDatabase, candidates: readonly Candidate[], ids: readonly string[]): Candidate[] {
  const chosen = new Map(candidates.map((candidate) => [candidate.delivery.id, candidate]));
  return ids.flatMap((id) => {
    const delivery = store.prepare<[string], DeliveryRow>(DELIVERY).get(id);
    const candidate = chosen.get(id);
    return delivery && candidate ? [{ ...candidate, delivery }] : [];
  });
}

/** How many messages an agent could be handed, whatever session asks. */
export function countAvailable(store: SqliteDatabase, agentId: string): number {
  const sql = `SELECT count(*) AS n FROM delivery WHERE agent_id = ? AND state = 'available'`;
  return store.prepare<[string], { n: number }>(sql).get(agentId)?.n ?? 0;
}
