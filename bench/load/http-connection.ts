/**
 * One kept-alive HTTP/1.1 connection with one request in flight, written by hand so that the load costs far less than
 * what it measures. Knows only what the servers of the bench answer: a Content-Length, no chunks.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export type HttpTarget = { readonly host: string; readonly port: number } | { readonly path: string };

export interface HttpRequest {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

interface Waiting {
  readonly resolve: (answer: HttpAnswer) => void;
  readonly reject: (error: Error) => void;
}

export class HttpConnection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #waiting: Waiting | undefined;

  /** Rejects with the system's error where nobody listens. */
  static async open(target: HttpTarget): Promise<HttpConnection> {
    const socket = connect(target);
    await once(socket, 'connect');
    return new HttpConnection(socket.setNoDelay(true));
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.#settle()?.reject(new Error('the connection broke')));
  }

  /** Rejects where the connection breaks before the whole answer is there. */
  request(request: HttpRequest): Promise<HttpAnswer> {
    if (this.#waiting !== undefined) throw new Error('one request at a time');
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the connection is closed'));
      this.#waiting = { resolve, reject };
      this.#socket.write(textOf(request));
    });
  }

  get isClosed(): boolean {
    return this.#socket.destroyed || this.#socket.readableEnded;
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#received.toString('latin1', 0, end);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < end + 4 + length) return;
    const body = this.#received.toString('utf8', end + 4, end + 4 + length);
    this.#received = this.#received.subarray(end + 4 + length);
    this.#settle()?.resolve({ status: Number(head.slice(9, 12)), body });
  }

  #settle(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}

function textOf({ method = 'POST', path, key, headers = {}, body = '' }: HttpRequest): string {
  const all = {
    Host: 'localhost',
    ...(key !== undefined && { Authorization: `Bearer ${key}` }),
    ...(body !== '' && { 'Content-Type': 'application/json' }),
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

/** One request on a connection of its own. */
export async function request(target: HttpTarget, one: HttpRequest): Promise<HttpAnswer> {
  const connection = await HttpConnection.open(target);
  try {
    return await connection.request(one);
  } finally {
    connection.close();
  }
}
