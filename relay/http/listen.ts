/** HTTP servers over one application: on TCP and on a Unix socket, opened with clear errors, closed without cutting answers. */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Slow clients may not keep a connection for ever; the long poll has no limit of its own here (10 minutes at most). */
const HEADERS_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 65_000;

export interface Listening {
  /** The port, for TCP. */
  readonly port: number;
  /** Takes no new connection, lets what is being answered finish. */
  close(): Promise<void>;
}

export async function listenTcp(app: RequestListener, host: string, port: number): Promise<Listening> {
  const server = newServer(app);
  await open(server, { host, port }, `${host}:${port}`, 'TURNPOST_HTTP_PORT');
  // An open TCP server has an AddressInfo.
  return closable(server, (server.address() as AddressInfo).port);
}

/** Whoever holds the folder's lock may remove a socket that a killed relay left. Only this user may connect. */
export async function listenSocket(app: RequestListener, socketPath: string): Promise<Listening> {
  rmSync(socketPath, { force: true });
  const server = newServer(app);
  await open(server, { path: socketPath }, socketPath, 'TURNPOST_SOCKET');
  chmodSync(socketPath, 0o600);
  return closable(server, 0);
}

function newServer(app: RequestListener): Server {
  const server = createServer(
    { requestTimeout: 0, headersTimeout: HEADERS_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS },
    app,
  );
  return server;
}

function open(
  server: Server,
  where: { host?: string; port?: number; path?: string },
  name: string,
  setting: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, name, setting)));
    server.listen(where, resolve);
  });
}

function explain(error: NodeJS.ErrnoException, name: string, setting: string): Error {
  const why =
    error.code === 'EADDRINUSE'
      ? 'another program is using it. Stop that one, or choose another (0 takes any free port)'
      : `${error.message}. Choose another`;
  return new Error(`cannot listen on ${name}: ${why} with ${setting}.`, { cause: error });
}

function closable(server: Server, port: number): Listening {
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}
