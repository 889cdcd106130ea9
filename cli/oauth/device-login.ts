/**
 * Login by device code (RFC 8628): the person types a short code on any device. For providers that give mail tokens this
 * way (Microsoft); works over ssh.
 */
import { errorCode, postForm } from '../../relay/mail/oauth/oauth-token-request.ts';
import { CliError } from '../exit-code.ts';
import { type LoginRequest, refreshTokenOf, stopped } from './login-request.ts';

/** RFC 8628 section 3.5. */
const SLOWER_MS = 5000;
const DEFAULT_INTERVAL_S = 5;
const DEFAULT_LIFE_S = 600;

export async function loginByDevice(request: LoginRequest, deviceUrl: string): Promise<string> {
  const { user, clientId, clientSecret, scope, clock, say, signal } = request;
  const started = await postForm(user, deviceUrl, { client_id: clientId, client_secret: clientSecret, scope }, clock);
  const { device_code: device, user_code: code, verification_uri: where } = started.body;
  if (typeof device !== 'string' || typeof code !== 'string' || typeof where !== 'string') {
    const why = errorCode(started.body) ?? `HTTP ${started.status}`;
    throw new CliError(
      'error',
      `The provider starts no login by code (${why}). Is the app registered as a public client?`,
    );
  }
  say(`Open ${printable(where)} and type the code ${printable(code)}, signed in as ${user}.`);
  const until = clock.now() + seconds(started.body['expires_in'], DEFAULT_LIFE_S);
  let interval = seconds(started.body['interval'], DEFAULT_INTERVAL_S);
  while (clock.now() < until) {
    await clock.sleep(interval, signal);
    if (signal.aborted) throw stopped();
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: device,
      client_id: clientId,
      client_secret: clientSecret,
    };
    const answer = await postForm(user, request.tokenUrl, form, clock);
    const pending = errorCode(answer.body);
    if (pending === 'slow_down') interval += SLOWER_MS;
    else if (pending !== 'authorization_pending') return refreshTokenOf(request, answer);
  }
  throw new CliError('nothing', 'Nobody typed the code in time; nothing was changed. Start again.');
}

function seconds(value: unknown, fallback: number): number {
  const number = Number(value);
  return 1000 * (Number.isFinite(number) && number > 0 ? number : fallback);
}

/** What a server says goes to a terminal: no control characters. */
const printable = (text: string): string => text.replaceAll(/[^\x21-\x7e]/g, '');
