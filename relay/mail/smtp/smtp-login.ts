/**
 * AUTH (RFC 4954) for the SMTP listener: PLAIN, LOGIN, OAUTHBEARER and XOAUTH2, where the secret is an agent's key. It
 * takes the place of smtp-server's own, which knows no OAUTHBEARER, no throttle, and one rule about TLS for everybody.
 *
 * A secret is read only over TLS or from this machine, is never logged, and is looked at only while the peer may try.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import type { Log } from '../../log.ts';
import { isLoopbackAddress, type LoginGuard, peerOf } from './login-guard.ts';
import { type Credentials, decodeSasl, readOauthBearer, readPlain, readXoauth2 } from './sasl.ts';
import type { SmtpDesk, Submitter } from './smtp-desk.ts';

export interface LoginOptions {
  readonly desk: Pick<SmtpDesk, 'logIn'>;
  readonly guard: LoginGuard;
  readonly log: Log;
}

/** After so many failures in one connection it is closed. */
const TRIES = 3;

export const MECHANISMS = ['PLAIN', 'LOGIN', 'OAUTHBEARER', 'XOAUTH2'];

/** An SMTP server whose connections log in by `LoginOptions`. */
export class LoginServer extends SMTPServer {
  readonly #login: LoginOptions;

  constructor(options: SMTPServerOptions, login: LoginOptions) {
    // The mechanisms are read for the list in EHLO only; its type names those that smtp-server speaks itself.
    super({ ...options, authMethods: MECHANISMS as NonNullable<SMTPServerOptions['authMethods']> });
    this.#login = login;
  }

  override connect(socket: Socket | TLSSocket, options?: SMTPConnectionOptions | null): void {
    const connection = new LoginConnection(this, socket, options ?? null, this.#login);
    this.connections.add(connection);
    connection.on('error', (error) => this._onError(error));
    connection.on('connect', (data) => this._onClientConnect(data));
    connection.init();
  }
}

/** Ends an exchange with this reply. */
class Refusal extends Error {
  readonly code: number;
  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

class LoginConnection extends SMTPConnection {
  readonly #login: LoginOptions;
  #failures = 0;
  /** Lets smtp-server read the next line. */
  #resume: () => void = () => {};

  constructor(
    server: SMTPServer,
    socket: Socket | TLSSocket,
    options: SMTPConnectionOptions | null,
    login: LoginOptions,
  ) {
    super(server, socket, options);
    this.#login = login;
  }

  get #mayLogIn(): boolean {
    return this.secure || isLoopbackAddress(this.remoteAddress);
  }

  /** RFC 4954 section 4: AUTH is not offered where it would be refused. */
  override handler_EHLO(command: Buffer, callback: () => void): void {
    if (!this.#mayLogIn) this.session.disabledCommands = [...this._server.options.disabledCommands, 'AUTH'];
    super.handler_EHLO(command, () => {
      delete this.session.disabledCommands;
      callback();
    });
  }

  override handler_AUTH(command: Buffer, callback: () => void): void {
    this.#resume = callback;
    const [, method = '', ...initial] = command.toString('latin1').trim().split(/\s+/);
    this.#logIn(method.toUpperCase(), initial).then(
      () => this.#answer(235, '2.7.0 Logged in'),
      (error: unknown) => this.#refuse(error),
    );
  }

  async #logIn(method: string, initial: readonly string[]): Promise<void> {
    if (this.session.user) throw new Refusal(503, '5.5.1 You are logged in already');
    if (this.session.envelope.mailFrom) throw new Refusal(503, '5.5.1 Not within a mail'); // RFC 4954 section 4
    if (!this.#mayLogIn) throw new Refusal(538, '5.7.11 A key is taken over TLS only: say STARTTLS first');
    if (!MECHANISMS.includes(method)) throw new Refusal(504, `5.5.4 The mechanisms are ${MECHANISMS.join(', ')}`);
    if (initial.length > 1) throw new Refusal(501, '5.5.4 AUTH takes a mechanism and one response');
    const credentials = await this.#read(method, initial[0]);
    const peer = peerOf(this.remoteAddress, credentials.names);
    const waitMs = this.#login.guard.waitMs(peer);
    if (waitMs > 0) throw new Refusal(454, `4.7.0 Too many failed logins: come again in ${Math.ceil(waitMs / 1000)} s`);
    const submitter = await this.#find(credentials);
    if (submitter === undefined) {
      this.#login.guard.failed(peer);
      throw await this.#failure(method);
    }
    this.#login.guard.succeeded(peer);
    this.session.user = submitter;
    this.session.transmissionType = this._transmissionType();
  }

  async #find({ names, secret }: Credentials): Promise<Submitter | undefined> {
    try {
      return await this.#login.desk.logIn(names, secret);
    } catch (cause) {
      this.#login.log.error({ tag: 'smtp', cause }, 'could not check a login');
      throw new Refusal(454, '4.7.0 We cannot check that now, try again later');
    }
  }

  async #read(method: string, initial: string | undefined): Promise<Credentials> {
    if (method === 'LOGIN') {
      const name = decode(initial ?? (await this.#ask(toBase64('Username:'))));
      const secret = decode(await this.#ask(toBase64('Password:')));
      return { names: [name], secret };
    }
    const text = decode(initial ?? (await this.#ask('')));
    const read = { PLAIN: readPlain, OAUTHBEARER: readOauthBearer }[method] ?? readXoauth2;
    const credentials = read(text);
    if (credentials === undefined) throw new Refusal(501, `5.5.2 That is not how ${method} is written`);
    return credentials;
  }

  /** The bearer mechanisms say why as a challenge first, which the client answers with nothing (RFC 7628 section 3.2.3). */
  async #failure(method: string): Promise<Refusal> {
    if (method === 'OAUTHBEARER') await this.#ask(toBase64('{"status":"invalid_token"}'));
    if (method === 'XOAUTH2') await this.#ask(toBase64('{"status":"401","schemes":"bearer"}'));
    this.#failures += 1;
    const text = "5.7.8 The name must be the agent's name or address, the password a live key of that agent";
    return this.#failures < TRIES ? new Refusal(535, text) : new Refusal(421, '4.7.0 Too many failed logins');
  }

  #ask(challenge: string): Promise<string> {
    return new Promise((resolve) => {
      this._nextHandler = (line, callback) => {
        this.#resume = callback;
        resolve(line.toString('latin1').trim());
      };
      this.#answer(334, challenge);
    });
  }

  #refuse(error: unknown): void {
    const known = error instanceof Refusal;
    if (!known) this.#login.log.error({ tag: 'smtp', cause: error }, 'a login failed');
    if (known) this.#answer(error.code, error.message);
    else this.#answer(454, '4.7.0 We cannot check that now, try again later');
  }

  #answer(code: number, text: string): void {
    this.send(code, text);
    // 421 has closed the connection: nothing more is read from it.
    if (code !== 421) this.#resume();
  }
}

const toBase64 = (text: string): string => Buffer.from(text).toString('base64');

function decode(line: string): string {
  if (line === '*') throw new Refusal(501, '5.7.0 You broke it off'); // RFC 4954 section 4
  const text = decodeSasl(line);
  if (text === undefined) throw new Refusal(501, '5.5.2 That is not base64');
  return text;
}
