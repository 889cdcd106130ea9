/**
 * Hands an email straight to the mail servers of its recipient's domain (RFC 5321 section 5.1): in their order of
 * preference, over TLS where they offer it (RFC 7435), and only over TLS with a certificate that checks where the domain's
 * MTA-STS policy says so (RFC 8461).
 *
 * Never connects into a private network. Never tries a second server when the first may have taken the mail.
 */
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { Outcome, OutgoingEmail } from '../../types.ts';
import type { Courier } from '../contracts.ts';
import type { Resolver } from '../dns.ts';
import { isPublicAddress } from '../web/web-fetch.ts';
import { mayBeMx, type StsPolicies, type StsPolicy } from './mta-sts.ts';
import { findAddresses, findMxHosts } from './mx-hosts.ts';
import { type Accepted, envelopeOf, outcomeOf, outcomeOfSending } from './smtp-outcome.ts';

export interface MxCourierOptions {
  readonly resolver: Resolver;
  readonly policies: StsPolicies;
  /** How we greet: the name other servers know us by. */
  readonly hello: string;
  /** PEM of the authority to trust instead of the system's. */
  readonly ca?: string | undefined;
  /** 25 but in tests, which also let loopback in. */
  readonly port?: number;
  readonly mayConnect?: (address: string) => boolean;
  readonly timeoutMs?: number;
  readonly clock: Clock;
  readonly log: Log;
}

const TIMEOUT_MS = 2 * 60_000;
/** A server that does not answer keeps the next one waiting. */
const CONNECT_TIMEOUT_MS = 20_000;

export function mxCourier(options: MxCourierOptions): Courier {
  const { clock, log } = options;
  return {
    async deliver(email) {
      const startedAt = clock.now();
      const outcome = await deliver(options, email);
      log.info(
        { tag: 'courier', delivery_id: email.deliveryId, outcome: outcome.kind, ms: clock.now() - startedAt },
        'tried to deliver',
      );
      return outcome;
    },
    close: () => undefined,
  };
}

async function deliver(options: MxCourierOptions, email: OutgoingEmail): Promise<Outcome> {
  const domain = email.envelopeTo.slice(email.envelopeTo.lastIndexOf('@') + 1);
  const hosts = await findMxHosts(options.resolver, options.clock, domain);
  if ('kind' in hosts) return hosts;
  const policy = await options.policies.find(domain);
  const enforced = policy?.mode === 'enforce' ? policy : undefined;
  let last: Outcome = { kind: 'deferred', reason: `${domain} has no mail server that can be reached`, code: null };
  for (const host of hosts) {
    const tried = await tryHost(options, email, host, enforced);
    if (!tried.next) return tried.outcome;
    last = worst(last, tried.outcome);
  }
  return enforced === undefined ? last : explain(last, domain);
}

interface Tried {
  readonly outcome: Outcome;
  /** The next address or server may be tried: this one has certainly not taken it. */
  readonly next: boolean;
}

/** The later one tells more; who asks for a pause is heard from any of them. */
function worst(before: Outcome, now: Outcome): Outcome {
  const asked = before.kind === 'deferred' && before.slowDown !== undefined;
  return asked && now.kind === 'deferred' ? { ...now, slowDown: 'domain' } : now;
}

const explain = (outcome: Outcome, domain: string): Outcome =>
  outcome.kind === 'deferred'
    ? { ...outcome, reason: `${domain} takes mail over checked TLS only (MTA-STS): ${outcome.reason}` }
    : outcome;

async function tryHost(
  options: MxCourierOptions,
  email: OutgoingEmail,
  host: string,
  enforced: StsPolicy | undefined,
): Promise<Tried> {
  if (enforced !== undefined && !mayBeMx(host, enforced)) return goOn(`its policy does not name ${host}`);
  const { addresses, reason } = await findAddresses(options.resolver, host, options.mayConnect ?? isPublicAddress);
  let tried = goOn(reason);
  for (const address of addresses) {
    tried = await tryAddress(options, email, { host, address, tls: enforced === undefined ? 'offered' : 'checked' });
    if (!tried.next) return tried;
  }
  return tried;
}

const goOn = (reason: string): Tried => ({ outcome: { kind: 'deferred', reason, code: null }, next: true });

interface Place {
  readonly host: string;
  readonly address: string;
  /** `checked`: only with a certificate that checks; `offered`: with any, or without; `none`: not even tried. */
  readonly tls: 'checked' | 'offered' | 'none';
}

async function tryAddress(options: MxCourierOptions, email: OutgoingEmail, place: Place): Promise<Tried> {
  const connection = new SMTPConnection(connectionTo(options, place));
  // Whoever waits hears of it; what comes later (a server that hangs up) is nobody's business.
  connection.on('error', () => undefined);
  try {
    await connect(connection);
  } catch (error) {
    connection.close();
    // RFC 7435 section 4: broken TLS must not be worse than none, where nobody asked for it.
    if (place.tls === 'offered' && mayHaveBrokenTls(error))
      return tryAddress(options, email, { ...place, tls: 'none' });
    return { outcome: outcomeOf(error), next: true };
  }
  try {
    return { outcome: outcomeOfSending(await send(connection, email)), next: false };
  } catch (error) {
    const outcome = outcomeOf(error);
    // An answer before the mail was sent; silence may be that of a server that has it.
    return { outcome, next: outcome.kind === 'deferred' && outcome.code !== null && !isAfterData(error) };
  } finally {
    connection.quit();
  }
}

function connectionTo(
  { hello, ca, port = 25, timeoutMs = TIMEOUT_MS }: MxCourierOptions,
  { host, address, tls }: Place,
) {
  const checked = tls === 'checked';
  return {
    host: address,
    port,
    secure: false,
    name: hello,
    requireTLS: checked,
    opportunisticTLS: tls === 'offered',
    ignoreTLS: tls === 'none',
    // RFC 8461 section 4.2 for a checked one; RFC 7435 section 3 for the others, which are better than no TLS.
    tls: {
      servername: host,
      rejectUnauthorized: checked,
      minVersion: 'TLSv1.2' as const,
      ...(ca !== undefined && { ca }),
    },
    connectionTimeout: Math.min(CONNECT_TIMEOUT_MS, timeoutMs),
    greetingTimeout: Math.min(CONNECT_TIMEOUT_MS, timeoutMs),
    socketTimeout: timeoutMs,
  };
}

function connect(connection: SMTPConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.once('error', reject);
    connection.connect((error) => (error ? reject(error) : resolve()));
  });
}

function send(connection: SMTPConnection, email: OutgoingEmail): Promise<Accepted> {
  return new Promise((resolve, reject) => {
    connection.send(envelopeOf(email), email.raw, (error, info) => (error ? reject(error) : resolve(info)));
  });
}

/** What nodemailer puts on its errors; any object can be read so, since every member is unknown. */
interface Failure {
  readonly command?: unknown;
  readonly responseCode?: unknown;
  readonly syscall?: unknown;
  readonly timeoutType?: unknown;
}
const asFailure = (error: unknown): Failure => (typeof error === 'object' && error !== null ? error : {});

/** The server greeted us and then there was no sensible answer: most likely in the handshake. A wrong guess costs a connection. */
function mayHaveBrokenTls(error: unknown): boolean {
  const { responseCode, syscall, timeoutType } = asFailure(error);
  const neverGreeted = syscall === 'connect' || timeoutType === 'CONNECT_TIMEOUT' || timeoutType === 'GREETING_TIMEOUT';
  return !neverGreeted && responseCode === undefined;
}

const isAfterData = (error: unknown): boolean => asFailure(error).command === 'DATA';
