/** An SMTP client for tests: says one thing at a time and reads one reply at a time, over real sockets. */
import net from 'node:net';
import tls from 'node:tls';

export class SmtpClient {
  #socket: net.Socket;
  #buffer = '';
  #wake = () => {};
  closed = false;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    this.#listen();
  }

  /** Connected, greeted. `secure`: TLS from the first byte. */
  static async connect(port: number, { host = '127.0.0.1', secure = false } = {}): Promise<SmtpClient> {
    const socket = secure ? tls.connect({ port, host, rejectUnauthorized: false }) : net.connect(port, host);
    const client = new SmtpClient(socket);
    client.greeting = await client.reply();
    return client;
  }

  greeting = '';

  #listen(): void {
    this.#socket.on('data', (chunk) => {
      this.#buffer += chunk.toString();
      this.#wake();
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  write(bytes: string): void {
    this.#socket.write(bytes);
  }

  /** The next whole reply, its lines joined; '' when the connection has ended. */
  async reply(): Promise<string> {
    for (;;) {
      const end = /^\d{3} .*\r\n/m.exec(this.#buffer);
      if (end !== null) {
        const text = this.#buffer.slice(0, end.index + end[0].length);
        this.#buffer = this.#buffer.slice(text.length);
        return text.trimEnd();
      }
      if (this.closed) return '';
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async say(line: string): Promise<string> {
    this.write(`${line}\r\n`);
    return await this.reply();
  }

  async startTls(): Promise<void> {
    this.#socket.removeAllListeners('data');
    const secure = tls.connect({ socket: this.#socket, rejectUnauthorized: false });
    await new Promise<void>((resolve) => secure.once('secureConnect', resolve));
    this.#socket = secure;
    this.#listen();
  }

  drop(): void {
    this.#socket.destroy();
  }
}
