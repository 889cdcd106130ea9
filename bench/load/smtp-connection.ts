/** One SMTP connection (RFC 5321), one command at a time, written by hand so that it costs less than what it measures. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Mail {
  readonly from: string;
  readonly to: string;
  /** With CRLF line ends, no line that begins with a dot. */
  readonly text: string;
}

export class SmtpConnection {
  readonly #socket: Socket;
  #received = '';
  #waiting: ((reply: string) => void) | undefined;

  static async open(port: number): Promise<SmtpConnection> {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    const connection = new SmtpConnection(socket.setNoDelay(true));
    await connection.#reply('220');
    await connection.#command('EHLO bench.example.com', '250');
    return connection;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (chunk: string) => this.#receive(chunk));
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.#receive('421 the connection broke\r\n'));
  }

  /** Resolves with the time (`performance.now`) at which the whole mail was sent, once 250 came for it. */
  async send({ from, to, text }: Mail): Promise<number> {
    await this.#command(`MAIL FROM:<${from}>`, '250');
    await this.#command(`RCPT TO:<${to}>`, '250');
    await this.#command('DATA', '354');
    const sentAt = performance.now();
    await this.#command(`${text}\r\n.`, '250');
    return sentAt;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #command(line: string, expected: string): Promise<void> {
    const reply = this.#reply(expected);
    this.#socket.write(`${line}\r\n`, 'latin1');
    await reply;
  }

  async #reply(expected: string): Promise<void> {
    const reply = await new Promise<string>((resolve) => {
      this.#waiting = resolve;
    });
    if (!reply.startsWith(expected)) throw new Error(`expected ${expected} of the mail server, got ${reply}`);
  }

  /** The last line of a reply has a space behind its code (RFC 5321 section 4.2.1). */
  #receive(chunk: string): void {
    this.#received += chunk;
    const [reply] = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(this.#received) ?? [];
    if (reply === undefined) return;
    this.#received = this.#received.slice(reply.length);
    this.#waiting?.(reply.trim());
    this.#waiting = undefined;
  }
}
