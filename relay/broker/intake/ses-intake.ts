/**
 * Amazon SES hands in mail by SNS: what came in, and what became of what we sent. Only topics that the settings name count,
 * and only what SNS signed. SES has answered the sender already, so nothing here is refused to anybody: what has no
 * recipient here is passed over, and whatever may get better is answered 503, so that SNS comes again.
 */
import { invalidRequest, RelayError } from '../../errors.ts';
import { canonicalAddress } from '../../mail/address.ts';
import type { ObjectStore } from '../../mail/web/object-store.ts';
import { type ReceivedMail, readSesNotification } from '../../mail/web/ses-notification.ts';
import { isOfSns, readSnsMessage, type SnsChecker, type SnsMessage } from '../../mail/web/sns-message.ts';
import type { WebFetch } from '../../mail/web/web-fetch.ts';
import type { BrokerDeps } from '../deps.ts';
import { smtpDesk } from '../mail-desk.ts';
import { takeEmail } from './intake.ts';

/** What of the world it needs. */
export interface SesWorld {
  readonly sns: SnsChecker;
  readonly fetch: WebFetch;
  /** Where SES puts mail that is too large for a notification; null: the settings name none. */
  readonly objects: ObjectStore | null;
}

/** Throws `not_found` where no topic is named. */
export function checkSesOn({ settings }: BrokerDeps): void {
  if (settings.intake.sesTopics.length > 0) return;
  throw new RelayError('not_found', { message: 'This relay takes no mail here: TURNPOST_SES_TOPIC is not set.' });
}

/**
 * False: understood, and nothing of it is ours. Throws `invalid_request`, `forbidden` for a topic that is not named,
 * `unauthorized` for what SNS did not sign, `unavailable` for now.
 */
export async function takeFromSns(deps: BrokerDeps, body: Buffer): Promise<boolean> {
  const message = readSnsMessage(body);
  if (message === undefined) throw invalidRequest([{ path: '', message: 'is no message of Amazon SNS' }]);
  await checkSender(deps, message);
  switch (message.Type) {
    case 'Notification':
      return takeNotification(deps, message.Message);
    case 'SubscriptionConfirmation':
      return confirm(deps, message);
    case 'UnsubscribeConfirmation':
      deps.log.warn({ tag: 'ses', topic: message.TopicArn }, 'this relay was unsubscribed from its SNS topic');
      return false;
  }
}

async function checkSender({ settings, ses }: BrokerDeps, message: SnsMessage): Promise<void> {
  if (!settings.intake.sesTopics.includes(message.TopicArn)) {
    throw new RelayError('forbidden', { message: 'TURNPOST_SES_TOPIC does not name this topic.' });
  }
  const problem = await ses.sns.problem(message);
  if (problem === null) return;
  throw new RelayError(problem.temporary ? 'unavailable' : 'unauthorized', {
    message: `Not taken: ${problem.reason}.`,
  });
}

async function confirm(
  { ses, log }: BrokerDeps,
  message: Extract<SnsMessage, { readonly Type: 'SubscriptionConfirmation' }>,
): Promise<boolean> {
  const { SubscribeURL, TopicArn } = message;
  if (!isOfSns(SubscribeURL, TopicArn)) {
    throw new RelayError('unauthorized', { message: 'SubscribeURL does not lead to Amazon SNS.' });
  }
  const answer = await ses.fetch(SubscribeURL, { maxBytes: 64 * 1024 }).catch((cause: unknown) => {
    throw new RelayError('unavailable', { message: 'Amazon SNS does not answer.', cause });
  });
  if (answer.status !== 200) throw new RelayError('unavailable', { message: `SNS answers with ${answer.status}.` });
  log.info({ tag: 'ses', topic: TopicArn }, 'subscribed to the SNS topic');
  return true;
}

async function takeNotification(deps: BrokerDeps, text: string): Promise<boolean> {
  const notification = readSesNotification(text);
  switch (notification?.kind) {
    case 'received':
      return takeReceived(deps, notification.mail);
    case 'report':
      return take(deps, notification.raw, { from: '', to: [notification.to], auth: null });
    default:
      deps.log.info({ tag: 'ses', type: notification?.type ?? 'unknown' }, 'notification passed over');
      return false;
  }
}

async function takeReceived(deps: BrokerDeps, mail: ReceivedMail): Promise<boolean> {
  const raw = Buffer.isBuffer(mail.content) ? mail.content : await fetchObject(deps, mail.content);
  return take(deps, raw, { from: mail.envelopeFrom, to: mail.envelopeTo, auth: mail.auth });
}

async function fetchObject(
  { ses, log }: BrokerDeps,
  { bucket, key }: { bucket: string; key: string },
): Promise<Buffer> {
  const missing = (why: string, cause?: unknown): RelayError => {
    log.error({ tag: 'ses', bucket, key, cause }, why);
    return new RelayError('unavailable', { message: `The mail lies in ${bucket}: ${why}.` });
  };
  if (ses.objects === null) throw missing('TURNPOST_S3_URL is not set');
  const found = await ses.objects.get(bucket, key).catch((cause: unknown) => {
    throw missing('it cannot be fetched now', cause);
  });
  if (found === undefined) throw missing('it is not there');
  return found;
}

interface Envelope {
  readonly from: string;
  readonly to: readonly string[];
  readonly auth: ReceivedMail['auth'] | null;
}

async function take(deps: BrokerDeps, raw: Buffer, envelope: Envelope): Promise<boolean> {
  const desk = smtpDesk(deps);
  const ours: string[] = [];
  for (const address of envelope.to.flatMap((one) => canonicalAddress(one) ?? [])) {
    if ((await desk.checkRecipient(address)).accepted) ours.push(address);
  }
  if (ours.length === 0) {
    deps.log.info({ tag: 'ses' }, 'mail for nobody here passed over');
    return false;
  }
  const envelopeFrom = canonicalAddress(envelope.from) ?? '';
  const source = { kind: 'http', service: 'ses', envelopeFrom, envelopeTo: ours, auth: envelope.auth } as const;
  await takeEmail(deps, { source, raw, receivedAt: deps.clock.now() });
  return true;
}
