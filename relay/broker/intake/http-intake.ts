/**
 * Mail that a service hands in by HTTP. It is asked for its recipients as in an SMTP dialogue, all of them or none, and
 * goes the way of every other mail: the same checks, the same dedupe.
 */
import { type FieldProblem, invalidRequest, RelayError } from '../../errors.ts';
import { canonicalAddress } from '../../mail/address.ts';
import type { IntakeSource } from '../../mail/contracts.ts';
import { isWebhookGenuine, type WebhookHead, webhookHeadProblem } from '../../mail/web/webhook-signature.ts';
import type { BrokerDeps } from '../deps.ts';
import { smtpDesk } from '../mail-desk.ts';

export interface HandedIn {
  readonly source: IntakeSource & { readonly kind: 'http' };
  readonly raw: Buffer;
}

/**
 * On return it is on disk. Throws `recipient_unknown` that names each address that is not ours, `blocked_by_policy` for
 * what SMTP refuses with 550, `unavailable` for now.
 */
export async function takeFromService(deps: BrokerDeps, { source, raw }: HandedIn): Promise<void> {
  const desk = smtpDesk(deps);
  const refused: FieldProblem[] = [];
  for (const address of source.envelopeTo) {
    const answer = await desk.checkRecipient(address);
    if (!answer.accepted) refused.push({ path: address, message: answer.text });
  }
  if (refused.length > 0) {
    throw new RelayError('recipient_unknown', {
      message: `Not taken: ${refused.map(({ path, message }) => `${path}: ${message}`).join('; ')}.`,
      details: { recipients: refused.map(({ path, message }) => ({ to: path, message })) },
    });
  }
  const reply = await desk.take({ source, raw, receivedAt: deps.clock.now() });
  if (reply.accepted) return;
  throw new RelayError(reply.code < 500 ? 'unavailable' : 'blocked_by_policy', { message: `${reply.text}.` });
}

/** What a signed request says of itself, as its header fields have it. */
export interface SignedRequest extends WebhookHead {
  readonly envelopeFrom: string;
  /** By comma. */
  readonly envelopeTo: string;
}

/** Before a byte of the mail is read. Throws `not_found` where nobody may hand in mail so, or `unauthorized`. */
export function checkRequest({ settings, clock }: BrokerDeps, request: WebhookHead): void {
  if (settings.intake.secrets.length === 0) {
    throw new RelayError('not_found', { message: 'This relay takes no mail here: TURNPOST_INTAKE_SECRET is not set.' });
  }
  const problem = webhookHeadProblem(request, clock.now());
  if (problem !== null) throw new RelayError('unauthorized', { message: `Not signed as it must be: ${problem}.` });
}

/** After `checkRequest`. Throws as `takeFromService`, `unauthorized`, and `invalid_request` for an envelope that is none. */
export async function takeRequest(deps: BrokerDeps, request: SignedRequest, raw: Buffer): Promise<void> {
  if (!isWebhookGenuine(request, raw, deps.settings.intake.secrets)) {
    throw new RelayError('unauthorized', { message: 'The signature is not one of TURNPOST_INTAKE_SECRET.' });
  }
  const envelope = readEnvelope(request.envelopeFrom, request.envelopeTo.split(','));
  await takeFromService(deps, { source: { kind: 'http', service: 'webhook', ...envelope, auth: null }, raw });
}

/** An envelope as services write it. Throws `invalid_request`. */
export function readEnvelope(from: string, to: readonly string[]): { envelopeFrom: string; envelopeTo: string[] } {
  const envelopeFrom = from === '' || from === '<>' ? '' : canonicalAddress(from);
  const envelopeTo = to.flatMap((address) => canonicalAddress(address.trim()) ?? []);
  const problems: FieldProblem[] = [];
  if (envelopeFrom === undefined) problems.push({ path: 'envelope_from', message: 'is no address' });
  if (to.length === 0 || envelopeTo.length < to.length) {
    problems.push({ path: 'envelope_to', message: 'must be one or more addresses' });
  }
  if (problems.length > 0 || envelopeFrom === undefined) throw invalidRequest(problems);
  return { envelopeFrom, envelopeTo };
}
