/**
 * A model that answers from a script, for the real clients in test/clients: one server on a Unix socket, one dialect per
 * provider. Records every request. No account, no network.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';

/** What the model answers to one turn's request. Plain text, or text and tool calls, or an HTTP error. */
export type Turn =
  | string
  | {
      readonly text?: string;
      readonly tools?: readonly ToolCall[];
      readonly status?: number;
      /** Waits for this before it answers. */
      readonly after?: Promise<unknown>;
    };

export interface ToolCall {
  readonly name: string;
  /** Codex names the MCP server here, the others put it into the name. */
  readonly namespace?: string;
  readonly input?: Readonly<Record<string, unknown>>;
}

export interface ModelRequest {
  /** `main`: a turn of the agent; `side`: titles, routers, token counts. */
  readonly kind: 'main' | 'side';
  readonly url: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Every text the model was given in this request, in order. */
  readonly texts: readonly string[];
}

export interface Answer {
  readonly text: string;
  readonly tools: readonly ToolCall[];
  /** Counts answers, for ids. */
  readonly n: number;
}

/** How a provider's API looks on the wire. */
export interface Dialect {
  kindOf(url: string, body: ModelRequest['body']): ModelRequest['kind'] | undefined;
  textsOf(body: ModelRequest['body']): string[];
  /** Writes the whole response to a turn or a side request. */
  answer(response: ServerResponse, request: ModelRequest, answer: Answer): void;
}

export interface Model extends AsyncDisposable {
  readonly requests: readonly ModelRequest[];
  /** The requests that are turns. */
  readonly turns: readonly ModelRequest[];
}

/** Listens on `socket`. When the script has run out: a plain answer, different each time (Gemini stops repetitive ones). */
export async function startModel(dialect: Dialect, script: readonly Turn[], socket: string): Promise<Model> {
  const requests: ModelRequest[] = [];
  const turns: ModelRequest[] = [];
  const server = createServer(async (incoming, response) => {
    const body = await readJson(incoming);
    const url = incoming.url ?? '';
    const kind = incoming.method === 'POST' ? dialect.kindOf(url, body) : undefined;
    if (kind === undefined) return void response.writeHead(404).end('{}');
    const request = { kind, url, body, texts: dialect.textsOf(body) };
    requests.push(request);
    if (kind === 'side') return dialect.answer(response, request, { text: '{"title":"test"}', tools: [], n: 0 });
    turns.push(request);
    const n = turns.length;
    const turn = script[n - 1] ?? `Answer number ${n}.`;
    const { text = '', tools = [], status, after } = typeof turn === 'string' ? { text: turn } : turn;
    await after;
    if (status !== undefined) return void response.writeHead(status, JSON_TYPE).end(ERROR);
    dialect.answer(response, request, { text, tools, n });
  });
  await once(server.listen(socket), 'listening');
  const close = async () => {
    const closed = once(server, 'close');
    server.close().closeAllConnections();
    await closed;
  };
  return { requests, turns, [Symbol.asyncDispose]: close };
}

export const JSON_TYPE = { 'content-type': 'application/json' };
const ERROR = '{"error":{"type":"api_error","message":"from the script"}}';

/** Server-sent events: `[event name or null, data]`. */
export function sendEvents(response: ServerResponse, events: readonly (readonly [string | null, unknown])[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  for (const [name, data] of events) {
    response.write(`${name === null ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`);
  }
  response.end();
}

/** Every string under `text`, `content` and the like, wherever it stands: enough to count what the model was given. */
export function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(stringsIn);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const raw = Buffer.concat(chunks);
  const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString('utf8');
  return text === '' ? {} : JSON.parse(text);
}
