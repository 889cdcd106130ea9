/** HTTP servers over one application: on TCP and on a Unix socket, opened with clear errors, closed without cutting answers. */
import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { markUnixSocket } from './guard.ts';

/** Slow clients may not hold a connection for ever. These end with the request's last byte: a long poll is an answer. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 5 * 60_000;
const KEEP_ALIVE_MS = 65_000;

export interface Listening {
  /** The port, for TCP. */
  readonly port: number;
  /** Takes no new connection, lets what is being answered finish. */
  close(): Promise<void>;
  /** Ends what has not finished. */
  cut(): void;
}

export async function listenTcp(app: RequestListener, host: string, port: number): Promise<Listening> {
  const server = newServer();
  const listening = closable(server);
  server.on('request', app);
  await open(server, { host, port }, `${host}:${port}`, 'TURNPOST_HTTP_PORT');
  // An open TCP server has an AddressInfo.
  return { ...listening, port: (server.address() as AddressInfo).port };
}

/** Only this user may connect. A socket that a killed relay left is removed; one that is in use, and any file, is not. */
export async function listenSocket(app: RequestListener, socketPath: string): Promise<Listening> {
  await removeLeftSocket(socketPath);
  const server = newServer();
  const listening = closable(server);
  server.on('connection', markUnixSocket);
  server.on('request', app);
  // From its first moment on: the socket may lie in a folder that others can enter.
  const before = process.umask(0o177);
  const opened = open(server, { path: socketPath }, socketPath, 'TURNPOST_SOCKET');
  process.umask(before);
  await opened;
  chmodSync(socketPath, 0o600);
  return { ...listening, port: 0 };
}

async function removeLeftSocket(socketPath: string): Promise<void> {
  const found = lstatSync(socketPath, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    throw new Error(`cannot listen on ${socketPath}: it is a file. Choose another with TURNPOST_SOCKET.`);
  if (await answers(socketPath)) throw inUse(socketPath, 'TURNPOST_SOCKET');
  rmSync(socketPath, { force: true });
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

const newServer = (): Server =>
  createServer({
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });

function open(
  server: Server,
  where: { host?: string; port?: number; path?: string },
  name: string,
  setting: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, name, setting)));
    server.listen(where, resolve);
  });
}

/** Why a server could not listen, for people. */
export function listenError(error: NodeJS.ErrnoException, name: string, setting: string): Error {
  if (error.code === 'EADDRINUSE') return inUse(name, setting, error);
  return new Error(`cannot listen on ${name}: ${error.message}. Choose another with ${setting}.`, { cause: error });
}

const inUse = (name: string, setting: string, cause?: unknown): Error =>
  new Error(
    `cannot listen on ${name}: another program is using it. Stop that one, or choose another with ${setting}.`,
    { cause },
  );

function closable(server: Server): Omit<Listening, 'port'> {
  const answering = new Set<ServerResponse>();
  let closing = false;
  // Before the application, which may answer at once.
  server.on('request', (_req, res) => {
    answering.add(res);
    res.on('close', () => answering.delete(res));
    if (closing) endAfter(res);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        closing = true;
        // A kept-alive connection would outlive its last answer by a minute.
        for (const res of answering) endAfter(res);
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
    cut: () => server.closeAllConnections(),
  };
}

function endAfter(res: ServerResponse): void {
  res.shouldKeepAlive = false;
}
