/**
 * The HTTP interface as methods, one a route (docs/http.md). Every answer is checked against relay/wire.ts, every failure
 * is a TurnpostError. A POST that creates carries an Idempotency-Key and is sent once more with the same key when the
 * connection drops, so it happens once. A lease is never sent again by itself: what the lost answer held stays leased.
 */
import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import {
  Agent,
  type AgentListQuery,
  DeletedAgent,
  Enrolment,
  type EnrolmentBody,
  Health,
  HoldDecision,
  HoldItem,
  type IssueKeyBody,
  LeaseAnswer,
  Message,
  type MessageListQuery,
  NewKey,
  OutboxItem,
  type PageQuery,
  type PatchAgentBody,
  page,
  Ready,
  type RegisterBody,
  RegisteredAgent,
  ReleaseAnswer,
  RemovedSuppressions,
  RevokedKey,
  type RotateKeyBody,
  Suppression,
  Thread,
  ThreadWithMessages,
  type WireLease,
  type WireReply,
  type WireSend,
} from '../relay/wire.ts';
import { type DomainCalls, domainCalls } from './domain-calls.ts';
import { type Exchange, type HttpAnswer, openExchange, type RelayAddress } from './http-exchange.ts';
import { type InboxCalls, inboxCalls } from './inbox-calls.ts';
import { aborted, fromAnswer, type TurnpostError, unexpectedAnswer, unreachable } from './turnpost-error.ts';

export interface ClientOptions {
  readonly relay: RelayAddress;
  readonly key?: string | undefined;
  /** The host's session this client speaks for: an answer goes there first. */
  readonly sessionId?: string | undefined;
  readonly program?: 'mcp' | 'cli' | undefined;
  /** Calls off whatever is under way, and whatever is asked later. */
  readonly signal?: AbortSignal | undefined;
}

export interface Call {
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** The request creates something: it gets an Idempotency-Key and one more try. */
  readonly creates?: true;
  /** How long the relay may take beyond the ordinary. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** A status that is an answer here and no error. */
  readonly alsoFine?: number;
}

/** How long an answer may take that does not wait for mail. */
const ANSWER_MS = 30_000;

const Agents = page(Agent);
const Messages = page(Message);
const Threads = page(Thread);
const Outbox = page(OutboxItem);
const Holds = page(HoldItem);
const Suppressions = page(Suppression);

const seg = encodeURIComponent;

export class TurnpostClient {
  readonly #options: ClientOptions;
  readonly #exchange: Exchange;

  constructor(options: ClientOptions, exchange: Exchange = openExchange(options.relay)) {
    this.#options = options;
    this.#exchange = exchange;
  }

  /** Where the relay is, for messages to people. */
  get address(): string {
    return this.#exchange.address;
  }

  get key(): string | undefined {
    return this.#options.key;
  }

  /** The same relay over the same connections, with another key or session. */
  as(change: Omit<Partial<ClientOptions>, 'relay'>): TurnpostClient {
    return new TurnpostClient({ ...this.#options, ...change }, this.#exchange);
  }

  close(): void {
    this.#exchange.close();
  }

  health() {
    return this.#call('GET', '/v1/health', Health);
  }
  /** Also answers where the relay is not ready, and says what is missing. */
  ready() {
    return this.#call('GET', '/v1/ready', Ready, { alsoFine: 503 });
  }

  registerAgent(body: z.infer<typeof RegisterBody>) {
    return this.#call('POST', '/v1/agents', RegisteredAgent, { body, creates: true });
  }
  listAgents(query: z.infer<typeof AgentListQuery> = {}) {
    return this.#call('GET', '/v1/agents', Agents, { query });
  }
  /** By address, by name, or `me`. */
  getAgent(agent: string) {
    return this.#call('GET', `/v1/agents/${seg(agent)}`, Agent);
  }
  patchAgent(agent: string, body: z.infer<typeof PatchAgentBody>) {
    return this.#call('PATCH', `/v1/agents/${seg(agent)}`, Agent, { body });
  }
  deleteAgent(agent: string) {
    return this.#call('DELETE', `/v1/agents/${seg(agent)}`, DeletedAgent);
  }

  issueKey(agent: string, body: z.infer<typeof IssueKeyBody> = {}) {
    return this.#call('POST', `/v1/agents/${seg(agent)}/keys`, NewKey, { body, creates: true });
  }
  rotateKey(agent: string, keyId: string, body: z.infer<typeof RotateKeyBody> = {}) {
    return this.#call('POST', `/v1/agents/${seg(agent)}/keys/${seg(keyId)}/rotate`, NewKey, { body, creates: true });
  }
  revokeKey(agent: string, keyId: string, reason?: string) {
    return this.#call('DELETE', `/v1/agents/${seg(agent)}/keys/${seg(keyId)}`, RevokedKey, { query: { reason } });
  }
  createEnrolment(body: z.infer<typeof EnrolmentBody> = {}) {
    return this.#call('POST', '/v1/enrolments', Enrolment, { body, creates: true });
  }
  /** Needs no key: the code is the permission. */
  enrol(code: string, body: z.infer<typeof RegisterBody> = {}) {
    return this.#call('POST', `/v1/enrolments/${seg(code)}/agents`, RegisteredAgent, { body, creates: true });
  }

  sendMessage(body: WireSend) {
    return this.#call('POST', '/v1/agents/me/messages', Message, { body, creates: true });
  }
  listMessages(query: z.infer<typeof MessageListQuery> = {}, signal?: AbortSignal) {
    return this.#call('GET', '/v1/agents/me/messages', Messages, { query, signal });
  }
  getMessage(id: string) {
    return this.#call('GET', `/v1/agents/me/messages/${seg(id)}`, Message);
  }
  async getAttachment(id: string, index: number): Promise<Buffer> {
    const answer = await this.#send('GET', `/v1/agents/me/messages/${seg(id)}/attachments/${index}`, {});
    if (answer.status !== 200) throw this.#failure(answer);
    return answer.body;
  }
  ackMessage(id: string) {
    return this.#call('POST', `/v1/agents/me/messages/${seg(id)}/ack`, Message, { body: {} });
  }
  replyMessage(id: string, body: WireReply) {
    return this.#call('POST', `/v1/agents/me/messages/${seg(id)}/reply`, Message, { body, creates: true });
  }

  /** @param waitMs how long `body.wait` is: the answer may take that much longer. */
  lease(body: WireLease, options: { readonly waitMs?: number; readonly signal?: AbortSignal | undefined } = {}) {
    return this.#call('POST', '/v1/agents/me/leases', LeaseAnswer, { body, ...options });
  }
  releaseLease(id: string) {
    return this.#call('POST', `/v1/agents/me/leases/${seg(id)}/release`, ReleaseAnswer, { body: {} });
  }

  listThreads(query: z.infer<typeof PageQuery> = {}) {
    return this.#call('GET', '/v1/threads', Threads, { query });
  }
  getThread(id: string) {
    return this.#call('GET', `/v1/threads/${seg(id)}`, ThreadWithMessages);
  }

  /** Disposable inboxes of this key, by address. */
  get inboxes(): InboxCalls {
    return inboxCalls((method, path, schema, call) => this.#call(method, path, schema, call));
  }

  /** The DNS records of the relay's domain. */
  get domain(): DomainCalls {
    return domainCalls((method, path, schema, call) => this.#call(method, path, schema, call));
  }

  listOutbox(query: z.infer<typeof PageQuery> = {}) {
    return this.#call('GET', '/v1/outbox', Outbox, { query });
  }
  listHolds(query: z.infer<typeof PageQuery> = {}) {
    return this.#call('GET', '/v1/holds', Holds, { query });
  }
  acceptHold(id: string) {
    return this.#call('POST', `/v1/holds/${seg(id)}/accept`, HoldDecision, { body: {} });
  }
  dropHold(id: string) {
    return this.#call('POST', `/v1/holds/${seg(id)}/drop`, HoldDecision, { body: {} });
  }
  listSuppressions(query: z.infer<typeof PageQuery> = {}) {
    return this.#call('GET', '/v1/suppressions', Suppressions, { query });
  }
  removeSuppressions(address: string) {
    return this.#call('DELETE', `/v1/suppressions/${seg(address)}`, RemovedSuppressions);
  }

  async #call<T extends z.ZodType>(method: string, path: string, schema: T, call: Call = {}): Promise<z.infer<T>> {
    const answer = await this.#send(method, path, call);
    if (answer.status >= 300 && answer.status !== call.alsoFine) throw this.#failure(answer);
    const parsed = schema.safeParse(parseJson(answer.body));
    if (!parsed.success) throw unexpectedAnswer(this.address, answer.status, parsed.error);
    return parsed.data;
  }

  #failure({ status, body, headers }: HttpAnswer): TurnpostError {
    return fromAnswer(this.address, status, parseJson(body), headers['retry-after']);
  }

  async #send(method: string, path: string, call: Call): Promise<HttpAnswer> {
    const signal = eitherOf(call.signal, this.#options.signal);
    const request = {
      method,
      path: path + queryText(call.query),
      headers: this.#headers(call),
      body: call.body === undefined ? undefined : JSON.stringify(call.body),
      timeoutMs: ANSWER_MS + (call.waitMs ?? 0),
      signal,
    };
    const mayRepeat = method === 'GET' || call.creates === true;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#exchange.send(request);
      } catch (error) {
        if (signal?.aborted) throw aborted();
        if (mayRepeat && attempt === 1 && isDrop(error)) continue;
        throw unreachable(this.address, error);
      }
    }
  }

  #headers(call: Call): Record<string, string> {
    const { key, sessionId, program } = this.#options;
    return {
      accept: 'application/json',
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(sessionId !== undefined && { 'x-turnpost-session': sessionId }),
      ...(program !== undefined && { 'x-turnpost-client': program }),
      ...(call.body !== undefined && { 'content-type': 'application/json' }),
      ...(call.creates && { 'idempotency-key': randomUUID() }),
    };
  }
}

/** A joined signal only where there are two: one is made for each, and a listener asks for ever. */
function eitherOf(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  return one !== undefined && other !== undefined && one !== other ? AbortSignal.any([one, other]) : (one ?? other);
}

/** The connection broke after it stood: whether the relay took the request is unknown. */
function isDrop(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

function queryText(query: Call['query'] = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? '' : `?${given}`;
}

/** Undefined where it is no JSON: the schema then refuses it. */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
