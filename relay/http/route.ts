/**
 * A route as data: method, path, who may call, what it takes and answers. `mount` gives each the same treatment in the
 * same order: key, scope, JSON, media type, schema, idempotency; `/openapi.json` is made from the same rows. No body is
 * read for a caller whose key or scope is refused.
 */
import type { ServerResponse } from 'node:http';
import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import { z } from 'zod';
import type { BrokerDeps } from '../broker/deps.ts';
import { type InboxAsker, type InboxOwner, inboxOwner } from '../broker/inboxes/inbox-owner.ts';
import { authenticate, type Caller } from '../broker/keys.ts';
import { type ErrorCode, type FieldProblem, invalidRequest, RelayError } from '../errors.ts';
import type { Receipt } from '../store/stores.ts';
import type { Agent } from '../types.ts';
import { bearer } from './bearer.ts';
import { answerOnce } from './idempotency.ts';

/** `inbox`: a key, the session token of an anonymous inbox, or where that is allowed nobody at all. */
export type Who = 'anyone' | 'key' | 'agent' | 'admin' | 'inbox';
export type AgentCaller = Caller & { readonly agent: Agent };

export interface Answer {
  readonly status?: number;
  readonly body: unknown;
}

export interface Context<Body, Query> {
  readonly body: Body;
  readonly query: Query;
  /** Path parameters. */
  readonly param: (name: string) => string;
  /** Throws where the route is for anyone and no key was sent. */
  readonly caller: () => Caller;
  readonly agent: () => AgentCaller;
  /** Whose disposable inboxes are asked for; for routes of `inbox`. */
  readonly inboxOwner: () => InboxOwner;
  /** The body, for routes that take `bytes`. */
  readonly bytes: () => Buffer;
  /** The host session that calls, where it says so. */
  readonly sessionId: string | null;
  readonly isTool: boolean;
  /** Aborts when the caller goes away. */
  readonly signal: () => AbortSignal;
  /** Makes the receipt of an answer, where the request has an Idempotency-Key. */
  readonly receipt: ((status: number, body: unknown) => Receipt) | undefined;
  readonly req: Request;
  readonly res: Response;
}

interface RouteSpec<B extends z.ZodType, Q extends z.ZodType> {
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  /** Express style: `/v1/agents/:agent`. */
  readonly path: string;
  readonly who: Who;
  readonly summary: string;
  /** Where the rule of openapi.ts would give two routes the same. */
  readonly operationId?: string;
  /** Left out: a body may hold no field. */
  readonly body?: B;
  /** The body belongs to a host and may hold anything: the handler reads it. */
  readonly foreignBody?: true;
  /** The body is bytes of that media type, up to the largest message; `check` throws before any of them is read. */
  readonly bytes?: { readonly media: string; readonly check: (req: Request) => void };
  readonly query?: Q;
  readonly status?: number;
  readonly answer?: z.ZodType;
  /** Where the answer is not JSON. */
  readonly media?: string;
  /** Answers that are no errors, beside the usual one. */
  readonly otherAnswers?: Readonly<Record<number, z.ZodType>>;
  /** Statuses that it answers with a page for people (relay/http/page.ts). */
  readonly pages?: readonly number[];
  /** What this route may refuse, beside what every route of its kind may (openapi.ts). */
  readonly errors?: readonly ErrorCode[];
  /** Takes an Idempotency-Key. */
  readonly creates?: true;
  /** Undefined: the handler has written the answer itself. */
  readonly handle: (context: Context<z.output<B>, z.output<Q>>) => Promise<Answer | undefined>;
}

/** A row whose schema types are folded in. */
export interface Route extends Omit<RouteSpec<z.ZodType, z.ZodType>, 'handle'> {
  readonly handle: (context: Context<never, never>) => Promise<Answer | undefined>;
}

export function route<B extends z.ZodType, Q extends z.ZodType>(spec: RouteSpec<B, Q>): Route {
  return spec;
}

export function mount(router: Router, deps: BrokerDeps, routes: readonly Route[]): void {
  // One entry a path: Express compares a request with each entry in turn.
  for (const path of new Set(routes.map((row) => row.path))) {
    const rows = routes.filter((row) => row.path === path);
    const entry = router.route(path);
    for (const row of rows) entry[row.method](handlerOf(deps, row));
    // Express answers HEAD wherever there is a GET.
    const methods = rows.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]));
    entry.all(refuseMethod(methods));
  }
}

function refuseMethod(methods: readonly string[]): RequestHandler {
  return (_req, res) => {
    res.setHeader('Allow', methods.join(', '));
    throw new RelayError('method_not_allowed', { message: `This address takes ${methods.join(', ')} only.` });
  };
}

/** base64 takes four bytes for three, and JSON escapes some more. */
const JSON_OVERHEAD = 1.5;
/** For callers without a key. */
const STRANGERS_BODY_BYTES = 64 * 1024;
const NO_FIELDS = z.strictObject({});

function handlerOf(deps: BrokerDeps, row: Route): RequestHandler {
  const isOpen = row.who === 'anyone' || row.who === 'inbox';
  const limit = isOpen ? STRANGERS_BODY_BYTES : Math.ceil(deps.settings.maxMessage * JSON_OVERHEAD);
  const readJson = express.json({ limit, strict: true });
  const most = Math.ceil(deps.settings.maxMessage * JSON_OVERHEAD);
  const readBytes = express.raw({ limit: most, type: () => true, inflate: false });
  return async (req, res) => {
    const caller = isOpen ? undefined : await authenticate(deps, bearer(req));
    checkScope(row.who, caller);
    const owner = row.who === 'inbox' ? await inboxOwner(deps, inboxAsker(row, req)) : undefined;
    row.bytes?.check(req);
    if (row.method === 'post' || row.method === 'patch') await parse(row.bytes ? readBytes : readJson, req, res);
    const body = takesFields(row) ? readBody(row.body ?? NO_FIELDS, req) : undefined;
    const query = row.query === undefined ? undefined : check(row.query, req.query);
    const run = async (receipt: Context<never, never>['receipt']): Promise<Answer | undefined> => {
      // `check` has made body and query what this row's schema says.
      return row.handle(contextOf(req, res, { caller, owner }, body as never, query as never, receipt));
    };
    // Nobody can tell who asks again without a key: another's answer, with its token, must not be given out.
    const once = row.creates && !owner?.newToken;
    const answer = once
      ? await answerOnce(deps, req, (caller ?? owner?.caller)?.key.id ?? owner?.id ?? '', run)
      : await run(undefined);
    if (answer !== undefined) send(res, answer, row.status ?? 200);
  };
}

function inboxAsker(row: Route, req: Request): InboxAsker {
  const remote = req.socket.remoteAddress ?? 'socket';
  return { secret: bearer(req), remote: networkOf(remote), isTool: isTool(req), mayBegin: row.creates === true };
}

/** One holder of an IPv6 network has 2^64 addresses of it (RFC 6177). */
export function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address.replace(/^::ffff:/, '');
  // RFC 5952 section 4.2: "::" stands for as many zeros as are missing, also inside the network's half.
  const [before = [], after = []] = address.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const zeros = Array(Math.max(0, 8 - before.length - after.length)).fill('0');
  return [...before, ...zeros, ...after].slice(0, 4).join(':');
}

const isTool = (req: Request): boolean => req.headers['x-turnpost-client'] === 'mcp';

const takesFields = ({ method, foreignBody, bytes }: Route): boolean =>
  (method === 'post' || method === 'patch') && foreignBody === undefined && bytes === undefined;

function parse(readJson: RequestHandler, req: Request, res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    readJson(req, res, (error?: unknown) => (error === undefined ? resolve() : reject(error)));
  });
}

/** What Express's `json` does for nothing here (etag, freshness, charset) costs as much as a query. */
function send(res: Response, { status, body }: Answer, usual: number): void {
  const text = JSON.stringify(body);
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  res.status(status ?? usual).end(text);
}

function checkScope(who: Who, caller: Caller | undefined): void {
  if (who === 'admin' && caller?.key.scope !== 'admin') {
    throw new RelayError('forbidden', { message: 'Only an admin key may do that.' });
  }
  if (who === 'agent' && caller?.agent === null) {
    throw new RelayError('forbidden', { message: "Only an agent's key may do that; an admin key has no mail." });
  }
}

function readBody(schema: z.ZodType, req: Request): unknown {
  const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
  if (hasBody && req.is('json') === false) throw new RelayError('unsupported_media_type');
  return check(schema, hasBody ? req.body : {});
}

function check(schema: z.ZodType, value: unknown): unknown {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  throw invalidRequest(read.error.issues.flatMap(toProblems));
}

function toProblems(issue: z.core.$ZodIssue): FieldProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...issue.path, key].join('.'), message: 'there is no such field' }));
  }
  return [{ path: issue.path.join('.'), message: issue.message }];
}

function contextOf(
  req: Request,
  res: Response,
  { caller, owner }: { readonly caller: Caller | undefined; readonly owner: InboxOwner | undefined },
  body: never,
  query: never,
  receipt: Context<never, never>['receipt'],
): Context<never, never> {
  const known = (): Caller => {
    if (caller === undefined) throw new RelayError('unauthorized');
    return caller;
  };
  return {
    body,
    query,
    param: (name) => String(req.params[name] ?? ''),
    caller: known,
    agent: () => withAgent(known()),
    inboxOwner: () => {
      if (owner === undefined) throw new RelayError('unauthorized');
      return owner;
    },
    bytes: () => (Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0)),
    sessionId: sessionOf(req),
    isTool: isTool(req),
    signal: () => whenGone(res),
    receipt,
    req,
    res,
  };
}

function withAgent(caller: Caller): AgentCaller {
  if (caller.agent === null) throw new RelayError('forbidden');
  return { ...caller, agent: caller.agent };
}

/** The host session that calls, where it says so in a form that can be one. */
export function sessionOf(req: Request): string | null {
  const session = req.headers['x-turnpost-session'];
  return typeof session === 'string' && /^[\x21-\x7e]{1,200}$/.test(session) ? session : null;
}

/** Aborts when the caller has gone away, also where it went before this was asked. */
export function whenGone(res: ServerResponse): AbortSignal {
  const gone = new AbortController();
  res.on('close', () => gone.abort());
  // It may have gone while the key was looked up.
  if (res.destroyed) gone.abort();
  return gone.signal;
}
