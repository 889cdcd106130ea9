/**
 * The MCP server over streamable HTTP, mounted by the relay at /mcp. Every request carries the agent's key and every
 * request has it checked first: a dead key gets 401 at once, whatever it asks. Each POST is served by a server and a
 * transport of its own, so a relay that was restarted goes on serving clients that know nothing of it; what a session
 * must remember (see mcp-session.ts) is found by its Mcp-Session-Id. There is nothing to push, so GET is refused, as
 * https://modelcontextprotocol.io/specification/2025-11-25/basic/transports section "Listening for Messages" allows.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import type { RelayAddress } from '../client/http-exchange.ts';
import { TurnpostClient } from '../client/turnpost-client.ts';
import { TurnpostError } from '../client/turnpost-error.ts';
import type { WireAgent } from '../relay/wire.ts';
import { cancelledRequest } from './cancelled.ts';
import { answerError, readJson } from './http-body.ts';
import { type HttpSession, HttpSessions } from './http-sessions.ts';
import { createMcpServer } from './server.ts';

export interface McpHttpOptions {
  /** The relay's own HTTP interface: what a tool may do is decided there, by the caller's key. */
  readonly relay: RelayAddress;
  readonly version: string;
  readonly maxBodyBytes: number;
  readonly reportBug: (error: unknown) => void;
}

/** A request whose body a middleware may have read already. */
type Request = IncomingMessage & { readonly body?: unknown };

export interface McpHttpHandler {
  (req: Request, res: ServerResponse): Promise<void>;
  /** Ends what is under way, so that the relay can stop. */
  close(): Promise<void>;
}

const SESSION_HEADER = 'mcp-session-id';

export function createMcpHttpHandler(options: McpHttpOptions): McpHttpHandler {
  const client = new TurnpostClient({ relay: options.relay, program: 'mcp' });
  const sessions = new HttpSessions();
  const open = new Set<StreamableHTTPServerTransport>();

  const handle = async (req: Request, res: ServerResponse): Promise<void> => {
    const key = bearerKey(req);
    const caller = await checkKey(client.as({ key }), res);
    if (caller === undefined) return;
    if (req.method === 'DELETE') return endSession(sessions, caller.id, req, res);
    if (req.method !== 'POST') {
      return answerError(res, 405, 'method_not_allowed', 'Send MCP messages by POST.', { allow: 'POST, DELETE' });
    }
    const body = req.body ?? (await readJson(req, res, options.maxBodyBytes));
    if (body === undefined) return;
    const named = headerText(req, SESSION_HEADER);
    const isFirst = isInitializeRequest(body);
    const session = isFirst || named === undefined ? sessions.unnamed() : sessions.get(caller.id, named);
    if (isFirst) res.setHeader(SESSION_HEADER, session.memory.fallbackId);
    await callOff(session, cancelledRequest(body));
    const mcpAccess = caller.mcp_access ?? false;
    await serve({ ...options, client: client.as({ key }), session, mcpAccess, open }, req, res, body);
  };
  return Object.assign(handle, {
    close: async () => {
      await Promise.all([...open].map((transport) => transport.close()));
      client.close();
    },
  });
}

type ServeOptions = McpHttpOptions & {
  readonly client: TurnpostClient;
  readonly session: HttpSession;
  readonly mcpAccess: boolean;
  readonly open: Set<StreamableHTTPServerTransport>;
};

async function serve(options: ServeOptions, req: Request, res: ServerResponse, body: unknown): Promise<void> {
  const { client, session, version, mcpAccess, reportBug, open } = options;
  const server = createMcpServer({ client, session: session.memory, version, mcpAccess, reportBug });
  // Without a generator the transport knows no sessions: they are ours, above.
  const transport = new StreamableHTTPServerTransport({});
  const id = requestId(body);
  open.add(transport);
  if (id !== undefined) session.running.set(id, transport);
  res.once('close', () => {
    open.delete(transport);
    if (id !== undefined) session.running.delete(id);
    // A host that hung up did not get the answer; one that is closed here has its calls aborted.
    if (!res.writableFinished && id !== undefined) session.memory.answerLost(id).catch(reportBug);
    server.close().catch(reportBug);
  });
  await server.connect(transport);
  await transport.handleRequest(req, res, body);
}

/** A cancellation comes as a request of its own and is handed to the transport that serves the call. */
async function callOff(session: HttpSession, id: string | number | undefined): Promise<void> {
  if (id === undefined) return;
  await session.memory.answerLost(id);
  await session.running.get(id)?.close();
}

/** The agent the key belongs to; undefined where the request was refused. */
async function checkKey(client: TurnpostClient, res: ServerResponse): Promise<WireAgent | undefined> {
  try {
    return await client.getAgent('me');
  } catch (error) {
    const { status, code, message } = refusal(error);
    // RFC 6750 section 3
    answerError(res, status, code, message, status === 401 ? { 'www-authenticate': 'Bearer' } : {});
    return undefined;
  }
}

function refusal(error: unknown): { readonly status: number; readonly code: string; readonly message: string } {
  if (!(error instanceof TurnpostError) || error.status === 0) {
    return { status: 503, code: 'unavailable', message: 'The relay does not answer.' };
  }
  // A live key that is no agent's has no `me`.
  const { status, code, message } = error;
  return status === 404
    ? { status: 403, code: 'forbidden', message: "MCP speaks for an agent: send an agent's key." }
    : { status, code, message };
}

function endSession(sessions: HttpSessions, agentId: string, req: Request, res: ServerResponse): void {
  sessions.delete(agentId, headerText(req, SESSION_HEADER) ?? '');
  res.writeHead(204).end();
}

function bearerKey(req: Request): string | undefined {
  return /^Bearer +([\x21-\x7e]+)$/i.exec(req.headers.authorization ?? '')?.[1];
}

function headerText(req: Request, name: string): string | undefined {
  const value = req.headers[name];
  return typeof value === 'string' && /^[\x21-\x7e]{1,200}$/.test(value) ? value : undefined;
}

function requestId(body: unknown): string | number | undefined {
  if (typeof body !== 'object' || body === null || !('id' in body) || !('method' in body)) return undefined;
  return typeof body.id === 'string' || typeof body.id === 'number' ? body.id : undefined;
}
