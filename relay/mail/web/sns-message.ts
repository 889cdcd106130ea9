/**
 * Notifications of Amazon SNS (https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html): read, and
 * their signature checked with the certificate that SNS names, which must lie at SNS itself, in the topic's own region.
 *
 * Says nothing of whether the topic is one of ours: anybody may have one, and SNS signs for them all.
 */
import { verify, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { WebFetch } from './web-fetch.ts';

const Text = z.string().max(400_000);

const Common = {
  MessageId: Text,
  TopicArn: z.string().max(400),
  Message: Text,
  Timestamp: z.iso.datetime(),
  SignatureVersion: z.enum(['1', '2']),
  Signature: z.base64(),
  SigningCertURL: z.url(),
};

/** Members that we do not know are passed over: SNS may add some, and does not sign them. */
const SnsMessageSchema = z.discriminatedUnion('Type', [
  z.object({ Type: z.literal('Notification'), Subject: Text.nullish(), ...Common }),
  z.object({ Type: z.literal('SubscriptionConfirmation'), SubscribeURL: z.url(), Token: Text, ...Common }),
  z.object({ Type: z.literal('UnsubscribeConfirmation'), SubscribeURL: z.url(), Token: Text, ...Common }),
]);

export type SnsMessage = z.output<typeof SnsMessageSchema>;

/** Undefined where it is none. */
export function readSnsMessage(body: Buffer): SnsMessage | undefined {
  try {
    return SnsMessageSchema.safeParse(JSON.parse(body.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

export interface SnsChecker {
  /** Null: SNS signed it. Else what is wrong; `temporary` where that may be another time. */
  problem(message: SnsMessage): Promise<{ readonly reason: string; readonly temporary: boolean } | null>;
}

const MAX_CERT_BYTES = 64 * 1024;
const KEPT_MS = 24 * 3_600_000;
const MOST_KEPT = 50;
/** SNS tries for hours; what is older is somebody's recording. */
const OLDEST_MS = 24 * 3_600_000;
const EARLY_MS = 15 * 60_000;

interface KeptCert {
  readonly cert: X509Certificate;
  readonly fetchedAt: number;
}

export function snsChecker({ fetch, clock }: { readonly fetch: WebFetch; readonly clock: Clock }): SnsChecker {
  const kept = new Map<string, KeptCert>();

  const certAt = async (url: string): Promise<X509Certificate> => {
    const known = kept.get(url);
    if (known !== undefined && clock.now() - known.fetchedAt < KEPT_MS) return known.cert;
    const { status, body } = await fetch(url, { maxBytes: MAX_CERT_BYTES });
    if (status !== 200) throw new Error(`it answers with ${status}`);
    const cert = new X509Certificate(body);
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(url, { cert, fetchedAt: clock.now() });
    return cert;
  };

  return {
    async problem(message) {
      const early = objection(message, clock.now());
      if (early !== null) return { reason: early, temporary: false };
      let cert: X509Certificate;
      try {
        cert = await certAt(message.SigningCertURL);
      } catch (error) {
        const why = error instanceof Error ? error.message : 'it does not answer';
        return { reason: `its certificate cannot be fetched: ${why}`, temporary: true };
      }
      const reason = signatureProblem(message, cert, clock.now());
      return reason === null ? null : { reason, temporary: false };
    },
  };
}

function objection(message: SnsMessage, now: number): string | null {
  const sentAt = Date.parse(message.Timestamp);
  if (sentAt < now - OLDEST_MS || sentAt > now + EARLY_MS) return 'its time is not ours';
  // With a query the same host answers as an interface, whose answers hold what others wrote.
  const { pathname, search } = new URL(message.SigningCertURL);
  const isFile = search === '' && /^\/[\w-]{1,200}\.pem$/.test(pathname);
  const isCert = isOfSns(message.SigningCertURL, message.TopicArn) && isFile;
  return isCert ? null : 'its certificate is not at Amazon SNS';
}

/** https at SNS in the region of that topic (AWS SDKs check the same); nothing else may be asked for on its behalf. */
export function isOfSns(url: string, topicArn: string): boolean {
  const [, partition, service, region = ''] = topicArn.split(':');
  if (service !== 'sns' || !/^[a-z0-9-]{3,40}$/.test(region) || !URL.canParse(url)) return false;
  const { protocol, host, username } = new URL(url);
  const end = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
  return protocol === 'https:' && username === '' && host === `sns.${region}.${end}`;
}

function signatureProblem(message: SnsMessage, cert: X509Certificate, now: number): string | null {
  if (Date.parse(cert.validFrom) > now || Date.parse(cert.validTo) < now) return 'its certificate is not valid now';
  if (cert.publicKey.asymmetricKeyType !== 'rsa') return 'its certificate has no RSA key';
  const algorithm = message.SignatureVersion === '1' ? 'sha1' : 'sha256';
  const signature = Buffer.from(message.Signature, 'base64');
  const signed = verify(algorithm, Buffer.from(stringToSign(message)), cert.publicKey, signature);
  return signed ? null : 'Amazon SNS did not sign it';
}

/** Names and values in lines, in this order. */
function stringToSign(message: SnsMessage): string {
  const { Message, MessageId, Timestamp, TopicArn, Type } = message;
  const own: [string, string][] =
    Type === 'Notification'
      ? message.Subject == null
        ? []
        : [['Subject', message.Subject]]
      : [['SubscribeURL', message.SubscribeURL]];
  const token: [string, string][] = Type === 'Notification' ? [] : [['Token', message.Token]];
  const lines = [
    ['Message', Message],
    ['MessageId', MessageId],
    ...own,
    ['Timestamp', Timestamp],
    ...token,
    ['TopicArn', TopicArn],
    ['Type', Type],
  ];
  return lines.map(([name, value]) => `${name}\n${value}\n`).join('');
}
