/**
 * Takes mail in by SMTP (RFC 5321). Says 250 to a mail only after the desk has it on disk, 451 where it could not.
 *
 * Never relays: each recipient is asked of the desk in the dialogue. Who logs in (smtp-login.ts) sends as an agent, by
 * the rules for agents. No SMTPUTF8 (every address here is ASCII). Bare line feeds do not end a mail (SMTP smuggling);
 * smtp-server guards that, and a test holds it.
 */
import type { SMTPServer, SMTPServerDataStream, SMTPServerSession } from 'smtp-server';
import type { Clock } from '../../clock.ts';
import { RelayError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { canonicalAddress } from '../address.ts';
import { isLoopbackAddress, LoginGuard, peerOf } from './login-guard.ts';
import type { DeskReply, SmtpDesk, Submitter } from './smtp-desk.ts';
import { LoginServer } from './smtp-login.ts';

export interface SmtpListenerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Of a second port that speaks TLS from its first byte and takes mail of agents only (RFC 8314 section 3.3); null: none. */
  readonly implicitTlsPort?: number | null;
  /** PEM. */
  readonly tls: { readonly key: string; readonly cert: string };
  readonly maxBytes: number;
  /** How the server calls itself. */
  readonly domain: string;
  readonly desk: SmtpDesk;
  /** A connection that says nothing for this long is closed (RFC 5321 section 4.5.3.2.7). */
  readonly idleMs?: number;
  /** How long `close` waits for mail in hand. */
  readonly graceMs?: number;
  /** Connections of one peer at a time; of this machine, where a mail server may stand in front of us, any number. */
  readonly maxOfOne?: number;
  /** Bytes of mail in hand, of all connections together. */
  readonly maxInHand?: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface SmtpListener {
  readonly port: number;
  readonly implicitTlsPort: number | null;
  /** Takes no new connection, lets mail in hand finish, then resolves. */
  close(): Promise<void>;
}

const IDLE_MS = 5 * 60_000;
const GRACE_MS = 5_000;
/** RFC 5321 section 4.5.3.1.8. */
const MAX_RECIPIENTS = 100;
const MAX_CLIENTS = 200;
/** More than honest servers open, and few enough that one peer cannot keep all others out. */
const MAX_OF_ONE = 20;
/** Every connection may bring a mail of the largest size: not all of them at once. */
const MAX_IN_HAND = 256 * 1024 * 1024;

/** Rejects with the system's error where a port cannot be had. */
export async function startSmtpListener(options: SmtpListenerOptions): Promise<SmtpListener> {
  const { host, port, implicitTlsPort = null } = options;
  const shared = { guard: new LoginGuard(options.clock), inHand: { bytes: 0 } };
  const server = newServer(options, shared, { secure: false });
  const secure = implicitTlsPort === null ? null : newServer(options, shared, { secure: true });
  const close = async (): Promise<void> => {
    await Promise.all([server, secure].map((one) => one?.server.listening && closed(one)));
  };
  try {
    const bound = await listen(server, port, host);
    const securePort = secure === null ? null : await listen(secure, implicitTlsPort ?? 0, host);
    return { port: bound, implicitTlsPort: securePort, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the two ports have together. */
interface Shared {
  readonly guard: LoginGuard;
  readonly inHand: InHand;
}

interface InHand {
  bytes: number;
}

function newServer(options: SmtpListenerOptions, { guard, inHand }: Shared, { secure }: { readonly secure: boolean }) {
  const { tls, maxBytes, domain, desk, log } = options;
  const server = new LoginServer(
    {
      name: domain,
      banner: 'Turnpost',
      secure,
      // The port for everybody's mail is also the one for agents'; on the other one nothing goes without a login.
      authOptional: !secure,
      authRequiredMessage: '5.7.0 Log in first: this port takes mail of agents only',
      size: maxBytes,
      key: tls.key,
      cert: tls.cert,
      disabledCommands: ['WIZ', 'SHELL', 'KILL'],
      hideSMTPUTF8: true,
      hideENHANCEDSTATUSCODES: true,
      hideDSN: true,
      disableReverseLookup: true,
      maxRecipients: MAX_RECIPIENTS,
      maxClients: MAX_CLIENTS,
      socketTimeout: options.idleMs ?? IDLE_MS,
      closeTimeout: options.graceMs ?? GRACE_MS,
      logger: false,
      onConnect: ({ remoteAddress }, callback) => {
        const peer = peerOf(remoteAddress, []);
        // Its type leaves open what they are.
        const open = server.connections as ReadonlySet<{ readonly remoteAddress: string }>;
        const ofOne = [...open].filter((one) => peerOf(one.remoteAddress, []) === peer).length;
        const most = options.maxOfOne ?? (isLoopbackAddress(remoteAddress) ? MAX_CLIENTS : MAX_OF_ONE);
        callback(ofOne > most ? reply(421, '4.7.0 Too many connections from your address') : null);
      },
      onMailFrom: ({ address }, session, callback) => {
        checkSender(options, submitterOf(session), address).then(callback, callback);
      },
      onRcptTo: ({ address }, session, callback) => {
        checkRecipient(options, submitterOf(session), address).then(callback, callback);
      },
      onData: (stream, session, callback) => {
        takeMail(options, inHand, stream, session).then((reply) => callback(null, reply), callback);
      },
    },
    { desk, guard, log },
  );
  // A client's broken connection or handshake is the client's business.
  server.on('error', (cause) => log.debug({ tag: 'smtp', cause }, 'connection error'));
  return server;
}

const closed = (server: SMTPServer): Promise<void> => new Promise((resolve) => server.close(resolve));

/** smtp-login.ts puts it there. */
const submitterOf = ({ user }: SMTPServerSession): Submitter | undefined => user || undefined;

/** Resolves with the port. */
function listen(server: SMTPServer, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.server.once('error', reject);
    server.listen(port, host, () => {
      server.server.off('error', reject);
      const bound = server.server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    });
  });
}

/** An SMTP reply as smtp-server wants it; the text begins with the code of RFC 3463. */
function reply(code: number, text: string): Error & { responseCode: number } {
  return Object.assign(new Error(text), { responseCode: code });
}

async function checkSender(
  { log }: SmtpListenerOptions,
  submitter: Submitter | undefined,
  address: string,
): Promise<Error | null> {
  // The null path `<>` is how bounces come (RFC 5321 section 4.5.5).
  const canonical = address === '' ? '' : canonicalAddress(address);
  if (canonical === undefined) return reply(553, '5.1.7 That sender address cannot be answered');
  return submitter === undefined ? null : asReply(() => submitter.checkSender(canonical), log, 'check a sender');
}

async function checkRecipient(
  { desk, log }: SmtpListenerOptions,
  submitter: Submitter | undefined,
  address: string,
): Promise<Error | null> {
  const canonical = canonicalAddress(address);
  if (canonical === undefined) return reply(553, '5.1.3 That is not an address we can read');
  return asReply(() => (submitter ?? desk).checkRecipient(canonical), log, 'check a recipient');
}

/** Null where it is accepted. */
async function asReply(ask: () => Promise<DeskReply>, log: Log, what: string): Promise<Error | null> {
  try {
    const answer = await ask();
    return answer.accepted ? null : reply(answer.code, answer.text);
  } catch (cause) {
    log.error({ tag: 'smtp', cause }, `could not ${what}`);
    return reply(451, '4.3.0 We cannot check that address now, try again later');
  }
}

async function takeMail(
  options: SmtpListenerOptions,
  inHand: InHand,
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
): Promise<string> {
  const room = roomIn(inHand, options.maxInHand ?? Math.max(MAX_IN_HAND, 2 * options.maxBytes));
  try {
    const raw = await readMail(stream, options.maxBytes, room);
    const answer = await handOver(options, raw, session);
    if (!answer.accepted) throw reply(answer.code, answer.text);
    return `2.0.0 ${answer.text ?? 'Taken'}`;
  } finally {
    room.leave();
  }
}

interface Room {
  /** False where there is none left for so many bytes more. */
  take(bytes: number): boolean;
  /** Gives back all that was taken. */
  leave(): void;
}

function roomIn(inHand: InHand, most: number): Room {
  let own = 0;
  return {
    take(bytes) {
      if (inHand.bytes + bytes > most) return false;
      own += bytes;
      inHand.bytes += bytes;
      return true;
    },
    leave() {
      inHand.bytes -= own;
      own = 0;
    },
  };
}

async function handOver(
  { desk, clock, log }: SmtpListenerOptions,
  raw: Buffer,
  session: SMTPServerSession,
): Promise<DeskReply> {
  const { mailFrom, rcptTo } = session.envelope;
  const envelopeTo = rcptTo.flatMap(({ address }) => canonicalAddress(address) ?? []);
  const source = {
    kind: 'smtp',
    envelopeFrom: mailFrom === false ? '' : (canonicalAddress(mailFrom.address) ?? ''),
    envelopeTo,
    remote: session.remoteAddress,
    hello: session.hostNameAppearsAs,
  } as const;
  const submitter = submitterOf(session);
  try {
    if (submitter !== undefined) return await submitter.submit({ raw, envelopeTo });
    return await desk.take({ source, raw, receivedAt: clock.now() });
  } catch (cause) {
    log.error({ tag: 'smtp', remote: session.remoteAddress, cause }, 'could not take a mail in');
    const why = cause instanceof RelayError ? cause.message : 'We cannot store it now, try again later';
    return { accepted: false, code: 451, text: `4.3.0 ${why}` };
  }
}

/** Rejects, so that the mail is not taken, where it is too big or the connection broke before its end. */
function readMail(stream: SMTPServerDataStream, maxBytes: number, room: Room): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let full = false;
    stream.on('data', (chunk: Buffer) => {
      full ||= stream.byteLength <= maxBytes && !room.take(chunk.length);
      // What is over a limit is read, since the client sends it all, but not kept.
      if (stream.byteLength <= maxBytes && !full) chunks.push(chunk);
      else {
        chunks.length = 0;
        room.leave();
      }
    });
    stream.on('error', reject);
    stream.on('close', () => reject(new Error('the connection broke')));
    stream.on('end', () => {
      if (stream.sizeExceeded) reject(reply(552, `5.3.4 The mail is larger than ${maxBytes} bytes`));
      else if (full) reject(reply(452, '4.3.1 Too much mail in hand now, try again later'));
      else resolve(Buffer.concat(chunks));
    });
  });
}
