/**
 * One request and its whole answer over node:http or node:https, by URL or Unix socket, on kept-alive connections.
 * `fetch` is not used: it knows no Unix sockets and costs 85 ms to load. Never retries: that is the client's decision.
 */
import http, { type ClientRequest, type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';

export interface Exchange {
  /** The address as a person would name it. */
  readonly address: string;
  send(request: HttpRequest): Promise<HttpAnswer>;
  /** Closes the idle connections; later requests open new ones. */
  close(): void;
}

export interface HttpRequest {
  readonly method: string;
  /** With its query, starting with `/`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Longest silence before the request counts as lost. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Where a relay is: `http(s)://...` or the path of its Unix socket. */
export type RelayAddress = { readonly url: string } | { readonly socketPath: string };

export function openExchange(relay: RelayAddress): Exchange {
  const url = new URL('url' in relay ? relay.url : 'http://localhost');
  const { request, Agent } = url.protocol === 'https:' ? https : http;
  const agent = new Agent({ keepAlive: true });
  const target =
    'url' in relay
      ? { hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port }
      : { socketPath: relay.socketPath };
  // A relay behind a path prefix (https://example.com/turnpost) keeps it.
  const prefix = url.pathname.replace(/\/$/, '');
  return {
    address: 'url' in relay ? relay.url : `socket ${relay.socketPath}`,
    send: ({ method, path, headers, body, timeoutMs, signal }) =>
      new Promise((resolve, reject) => {
        const options = {
          ...target,
          agent,
          method,
          path: prefix + path,
          timeout: timeoutMs,
          ...(signal && { signal }),
        };
        const sent = request({ ...options, headers: withLength(headers, body) });
        collect(sent, resolve, reject);
        sent.end(body);
      }),
    close: () => agent.destroy(),
  };
}

function withLength(headers: Readonly<Record<string, string>>, body: string | undefined): Record<string, string> {
  return body === undefined ? { ...headers } : { ...headers, 'content-length': String(Buffer.byteLength(body)) };
}

function collect(sent: ClientRequest, resolve: (answer: HttpAnswer) => void, reject: (error: Error) => void): void {
  sent.on('error', reject);
  sent.on('timeout', () => sent.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })));
  sent.on('response', (answer) => {
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.on('error', reject);
    answer.on('end', () =>
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
    );
  });
}
