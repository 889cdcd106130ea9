/**
 * Hands an email to the next mail server by SMTP (nodemailer), byte for byte as it was composed.
 *
 * Promises an Outcome for whatever network or server do: `delivered` after the server's 250 only, `refused` after its
 * 5yz to this mail only (RFC 5321 section 4.2.1), everything else `deferred`. Never sends a password in plain text over
 * a network, never accepts a certificate that does not check.
 */
import nodemailer from 'nodemailer';
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { Outcome, OutgoingEmail } from '../../types.ts';
import type { Courier } from '../contracts.ts';
import type { TokensFor } from '../oauth/mail-login.ts';
import { OAuthFailure } from '../oauth/oauth-failure.ts';
import type { AccessTokens } from '../oauth/oauth-tokens.ts';
import { readServerUrl, type ServerAddress } from '../server-url.ts';
import { tokenLogin } from './smtp-oauth.ts';
import { type Accepted, envelopeOf, oneLine, outcomeOf, outcomeOfSending, throughOurProvider } from './smtp-outcome.ts';

export interface CourierOptions {
  /** `smtp(s)://user:pass@host:port`. */
  readonly url: string;
  /** Whose tokens log in where the URL has no password; left out: nobody's. */
  readonly tokens?: TokensFor | undefined;
  /** PEM of the authority to trust instead of the system's. */
  readonly ca?: string | undefined;
  /** Silence of the server for this long ends the attempt. */
  readonly timeoutMs?: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Under RFC 5321 section 4.5.3.2's minutes, since the outbox gives up waiting after fifteen: a slow server gets another try. */
const TIMEOUT_MS = 2 * 60_000;
const CONNECT_TIMEOUT_MS = 30_000;

/** Throws TypeError for a URL that is none. */
export function smtpCourier(options: CourierOptions): Courier {
  const { clock, log } = options;
  const server = readServerUrl(options.url, 'smtp');
  const tokens = options.tokens?.(server);
  const transport = nodemailer.createTransport({ pool: true, ...connection(server, options, tokens) });
  return {
    async deliver(email) {
      const startedAt = clock.now();
      const send = () => attempt(tokens, () => transport.sendMail(mailOf(email)));
      const first = await send();
      // A token may be withdrawn before its time: once more, with another.
      const outcome = tokens !== undefined && isRefusedLogin(first) ? await send() : first;
      log.info(
        { tag: 'courier', delivery_id: email.deliveryId, outcome: outcome.kind, ms: clock.now() - startedAt },
        'tried to deliver',
      );
      return outcome;
    },
    close: () => transport.close(),
  };
}

function connection(
  server: ServerAddress,
  { ca, timeoutMs = TIMEOUT_MS }: CourierOptions,
  tokens: AccessTokens | undefined,
) {
  const { host, port, secure, user, password, loopback } = server;
  const login =
    tokens === undefined
      ? { auth: { user: user ?? '', pass: password ?? '' } }
      : tokenLogin(user ?? '', host, port, tokens);
  return {
    host,
    port,
    secure,
    // RFC 8314 section 5.2: no fallback to plain text. On loopback there is nothing to protect, and often no certificate.
    requireTLS: !secure && !loopback,
    ignoreTLS: !secure && loopback && ca === undefined,
    ...(user !== null && login),
    tls: { servername: host, ...(ca !== undefined && { ca }) },
    maxConnections: 4,
    // An idle connection that the server closed is worth one more; a second failure is the outbox's business.
    maxRequeues: 1,
    idleTimeout: 30_000,
    connectionTimeout: Math.min(CONNECT_TIMEOUT_MS, timeoutMs),
    greetingTimeout: Math.min(CONNECT_TIMEOUT_MS, timeoutMs),
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function mailOf(email: OutgoingEmail) {
  const { dsn, ...envelope } = envelopeOf(email);
  return { envelope, dsn, raw: email.raw };
}

async function attempt(tokens: AccessTokens | undefined, send: () => Promise<Accepted>): Promise<Outcome> {
  try {
    // Before the connection: without a token there is no use for one.
    await tokens?.get();
    return outcomeOfSending(await send());
  } catch (error) {
    if (error instanceof OAuthFailure) return { kind: 'deferred', reason: oneLine(error.message), code: null };
    return throughOurProvider(outcomeOf(error), error);
  }
}

const isRefusedLogin = (outcome: Outcome): boolean => outcome.kind === 'deferred' && outcome.code === 535;
