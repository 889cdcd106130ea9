/** Stands in for the relay's hook route: records what hooks send and answers as told. On a socket and on a free port. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One call of a hook. */
export interface SeenCall {
  readonly host: string;
  readonly event: string;
  /** The request body's text, to the byte. */
  readonly body: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly authorization: string | undefined;
  /** Undefined when the header was missing, which a host's own http hook would do. */
  readonly seen: readonly string[] | undefined;
}

export interface HookRelay extends AsyncDisposable {
  readonly calls: readonly SeenCall[];
  readonly socket: string;
  readonly url: string;
  /** What a hook needs to reach it. */
  readonly env: Readonly<Record<string, string>>;
}

/** `answer` gives the response body, '' for nothing. */
export async function startHookRelay(
  answer: (call: SeenCall) => string | Promise<string> = () => '',
): Promise<HookRelay> {
  const calls: SeenCall[] = [];
  const listener: RequestListener = async (request, response) => {
    const call = await readCall(request);
    calls.push(call);
    const text = await answer(call);
    response.writeHead(200, { 'content-type': 'application/json' }).end(text);
  };
  const directory = mkdtempSync(join(tmpdir(), 'turnpost-hook-relay-'));
  const socket = join(directory, 'relay.sock');
  const local = createServer(listener);
  const remote = createServer(listener);
  await Promise.all([listen(local, { path: socket }), listen(remote, { port: 0, host: '127.0.0.1' })]);
  const { port } = remote.address() as AddressInfo; // it listens on TCP
  const close = async () => {
    for (const server of [local, remote]) {
      const closed = once(server, 'close');
      server.close().closeAllConnections();
      await closed;
    }
    rmSync(directory, { recursive: true, force: true });
  };
  return {
    calls,
    socket,
    url: `http://127.0.0.1:${port}`,
    env: { TURNPOST_SOCKET: socket, TURNPOST_KEY: 'tp_agent_test' },
    [Symbol.asyncDispose]: close,
  };
}

async function readCall(request: IncomingMessage): Promise<SeenCall> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString('utf8');
  const [, host = '', event = ''] = /^\/v1\/hooks\/([^/]+)\/([^/]+)$/.exec(request.url ?? '') ?? [];
  const header = request.headers['x-turnpost-seen'];
  const seen = typeof header === 'string' ? header.split(',').filter((id) => id !== '') : undefined;
  return { host, event, body, input: JSON.parse(body), authorization: request.headers.authorization, seen };
}

function listen(server: Server, where: { path: string } | { port: number; host: string }): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail).listen(where, () => done());
  });
}
