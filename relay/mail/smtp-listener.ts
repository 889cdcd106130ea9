/**
 * Takes mail in by SMTP (RFC 5321). Says 250 to a mail only after the desk has it on disk, 451 where it could not.
 *
 * Never relays: each recipient is asked of the desk in the dialogue. No login, no SMTPUTF8 (every address here is
 * ASCII). Bare line feeds do not end a mail (SMTP smuggling); smtp-server guards that, and a test holds it.
 */
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { canonicalAddress } from './address.ts';
import type { SmtpDesk } from './contracts.ts';

export interface SmtpListenerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** PEM, for STARTTLS. */
  readonly tls: { readonly key: string; readonly cert: string };
  readonly maxBytes: number;
  /** How the server calls itself. */
  readonly domain: string;
  readonly desk: SmtpDesk;
  /** A connection that says nothing for this long is closed (RFC 5321 section 4.5.3.2.7). */
  readonly idleMs?: number;
  /** How long `close` waits for mail in hand. */
  readonly graceMs?: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface SmtpListener {
  readonly port: number;
  /** Takes no new connection, lets mail in hand finish, then resolves. */
  close(): Promise<void>;
}

const IDLE_MS = 5 * 60_000;
const GRACE_MS = 5_000;
/** RFC 5321 section 4.5.3.1.8. */
const MAX_RECIPIENTS = 100;
const MAX_CLIENTS = 200;

/** Rejects with the system's error where the port cannot be had. */
export async function startSmtpListener(options: SmtpListenerOptions): Promise<SmtpListener> {
  const { host, port, tls, maxBytes, domain, log } = options;
  const server = new SMTPServer({
    name: domain,
    banner: 'Turnpost',
    size: maxBytes,
    key: tls.key,
    cert: tls.cert,
    disabledCommands: ['AUTH', 'WIZ', 'SHELL', 'KILL'],
    hideSMTPUTF8: true,
    hideENHANCEDSTATUSCODES: true,
    hideDSN: true,
    disableReverseLookup: true,
    maxRecipients: MAX_RECIPIENTS,
    maxClients: MAX_CLIENTS,
    socketTimeout: options.idleMs ?? IDLE_MS,
    closeTimeout: options.graceMs ?? GRACE_MS,
    logger: false,
    onMailFrom: ({ address }, _session, callback) => callback(checkSender(address)),
    onRcptTo: ({ address }, _session, callback) => {
      checkRecipient(options, address).then(callback, callback);
    },
    onData: (stream, session, callback) => {
      takeMail(options, stream, session).then((reply) => callback(null, reply), callback);
    },
  });
  // A client's broken connection or handshake is the client's business.
  server.on('error', (cause) => log.debug({ tag: 'smtp', cause }, 'connection error'));
  await listen(server, port, host);
  const bound = server.server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

function listen(server: SMTPServer, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.server.once('error', reject);
    server.listen(port, host, () => {
      server.server.off('error', reject);
      resolve();
    });
  });
}

/** An SMTP reply as smtp-server wants it; the text begins with the code of RFC 3463. */
function reply(code: number, text: string): Error & { responseCode: number } {
  return Object.assign(new Error(text), { responseCode: code });
}

function checkSender(address: string): Error | null {
  // The null path `<>` is how bounces come (RFC 5321 section 4.5.5).
  const sound = address === '' || canonicalAddress(address) !== undefined;
  return sound ? null : reply(553, '5.1.7 That sender address cannot be answered');
}

async function checkRecipient({ desk, log }: SmtpListenerOptions, address: string): Promise<Error | null> {
  const canonical = canonicalAddress(address);
  if (canonical === undefined) return reply(553, '5.1.3 That is not an address we can read');
  try {
    const answer = await desk.checkRecipient(canonical);
    return answer.accepted ? null : reply(answer.code, answer.text);
  } catch (cause) {
    log.error({ tag: 'smtp', cause }, 'could not check a recipient');
    return reply(451, '4.3.0 We cannot check that address now, try again later');
  }
}

async function takeMail(
  { desk, clock, log, maxBytes }: SmtpListenerOptions,
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
): Promise<string> {
  const raw = await readMail(stream, maxBytes);
  const { mailFrom, rcptTo } = session.envelope;
  const envelopeTo = rcptTo.flatMap(({ address }) => canonicalAddress(address) ?? []);
  const source = {
    kind: 'smtp',
    envelopeFrom: mailFrom === false ? '' : (canonicalAddress(mailFrom.address) ?? ''),
    envelopeTo,
    remote: session.remoteAddress,
    hello: session.hostNameAppearsAs,
  } as const;
  try {
    await desk.take({ source, raw, receivedAt: clock.now() });
    return '2.0.0 Taken';
  } catch (cause) {
    log.error({ tag: 'smtp', remote: session.remoteAddress, cause }, 'could not take a mail in');
    throw reply(451, '4.3.0 We cannot store it now, try again later');
  }
}

/** Rejects, so that the mail is not taken, where it is too big or the connection broke before its end. */
function readMail(stream: SMTPServerDataStream, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => {
      // What is over the limit is read, since the client sends it all, but not kept.
      if (stream.byteLength <= maxBytes) chunks.push(chunk);
      else chunks.length = 0;
    });
    stream.on('error', reject);
    stream.on('close', () => reject(new Error('the connection broke')));
    stream.on('end', () => {
      if (stream.sizeExceeded) reject(reply(552, `5.3.4 The mail is larger than ${maxBytes} bytes`));
      else resolve(Buffer.concat(chunks));
    });
  });
}
