/**
 * The forgery suite: test/cases/forgeries holds mails with placeholders, and in cases.json how each comes in, how it is
 * signed, and what must become of it. Keys are made once a run; the DNS is zone data. Each goes through the real intake.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { takeEmail } from '../../relay/broker/intake/intake.ts';
import type { IntakeSource } from '../../relay/mail/contracts.ts';
import type { AuthVerdict, DeliveryState, Trust, VerifiedBy } from '../../relay/types.ts';
import type { Broker, openBroker } from './broker-fixture.ts';
import { type ArcSet, type Signing, sealArc, signDkim, trustZone } from './mail-signing.ts';
import { ALL } from './store-fixture.ts';

const FOLDER = path.join(import.meta.dirname, '../cases/forgeries');

export interface ForgeryCase {
  readonly file: string;
  /** What is forged, in words. */
  readonly why: string;
  /** No forgery: the same checks must let it through. */
  readonly genuine?: true;
  readonly via?: 'smtp' | 'imap' | 'http';
  /** What a service that hands it in over HTTP says of it. */
  readonly service_auth?: AuthVerdict | null;
  readonly junk?: true;
  readonly mode?: 'dmarc' | 'token';
  readonly client?: string;
  readonly hello?: string;
  readonly mail_from?: string;
  /** Where it is handed in; the token's address where left out. */
  readonly rcpt?: string;
  /** Whom the agent asked; person@example.com where left out. */
  readonly asked?: string;
  /** And who was asked as well. */
  readonly also?: string;
  readonly forwarders?: readonly string[];
  readonly sign?: readonly Signing[];
  /** After signing: header lines on top, text replaced, text added to the body; then signed and sealed again. */
  readonly top_after?: readonly string[];
  readonly arc?: ArcSet;
  readonly tamper?: readonly (readonly [from: string, to: string])[];
  readonly append?: string;
  readonly sign_again?: readonly Signing[];
  readonly arc_again?: ArcSet;
  readonly expect: Partial<Outcome>;
}

export interface Outcome extends Partial<AuthVerdict> {
  readonly trust: Trust;
  readonly verified_by: VerifiedBy;
  /** `refused`: not even taken in, 550. */
  readonly state: DeliveryState | 'refused';
  /** From whom it seems to be. */
  readonly address: string;
  /** A part of the sentence for the person who decides. */
  readonly reason: string;
}

export function forgeryCases(): readonly ForgeryCase[] {
  // Written by us; the tests fail where a name in it is wrong.
  return JSON.parse(readFileSync(path.join(FOLDER, 'cases.json'), 'utf8')) as ForgeryCase[];
}

const PROVIDER = 'mx.provider.example';

/** What became of it. `open` makes a relay's rules with these settings, as broker-fixture does. */
export async function runForgery(one: ForgeryCase, open: typeof openBroker): Promise<Outcome> {
  const letsIn = one.mode === 'token';
  const broker = await open({
    settings: { tokenLetsIn: { smtp: letsIn, imap: letsIn, http: letsIn } },
    zone: trustZone(),
    authservId: PROVIDER,
    ...(one.forwarders !== undefined && { forwarders: one.forwarders }),
  });
  const names = await ask(broker, one.asked ?? 'person@example.com', one.also);
  const raw = await compose(one, names, broker.clock.now());
  const reply = await takeEmail(broker.deps, { source: sourceOf(one, names), raw, receivedAt: broker.clock.now() });
  if (!reply.accepted)
    return { trust: 'unknown', verified_by: 'none', state: 'refused', address: '', reason: reply.text };
  return outcomeOf(broker, names.agentId);
}

type Names = Readonly<Record<'reply' | 'bounce' | 'agent' | 'agentId' | 'message_id' | 'thread' | 'bad', string>>;

/** An agent asks, and these are the names that a mail may carry then. */
async function ask(broker: Broker, asked: string, also: string | undefined): Promise<Names> {
  const agent = await broker.agent('asker');
  const { message } = await broker.send(agent, asked, {
    subject: 'Question',
    ...(also !== undefined && { cc: [also] }),
  });
  const { items } = await broker.deps.stores.outbox.list(ALL);
  const email = items.find((item) => item.email.envelopeTo === asked)?.email;
  const head = email?.raw.toString().replace(/\r\n[ \t]/g, ' ') ?? '';
  const reply = /^Reply-To: .*<(.+)>/m.exec(head)?.[1] ?? '';
  return {
    reply,
    bounce: email?.envelopeFrom ?? '',
    agent: agent.address,
    agentId: agent.id,
    message_id: message.emailMessageId ?? '',
    thread: message.threadId,
    bad: reply.replace(/.@/, (end) => (end === 'a@' ? 'b@' : 'a@')),
  };
}

const fill = (text: string, names: Names): string =>
  text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => Object.entries(names).find(([key]) => key === name)?.[1] ?? '');

async function compose(one: ForgeryCase, names: Names, now: number): Promise<Buffer> {
  let raw = fill(readFileSync(path.join(FOLDER, one.file), 'latin1'), names);
  raw = await signDkim(raw, one.sign ?? [], now);
  for (const line of one.top_after ?? []) raw = `${fill(line, names)}\r\n${raw}`;
  if (one.arc !== undefined) raw = await sealArc(raw, one.arc, now);
  for (const [from, to] of one.tamper ?? []) {
    if (!raw.includes(from)) throw new Error(`${one.file} does not hold ${from}`);
    raw = raw.replace(from, to);
  }
  raw += one.append ?? '';
  raw = await signDkim(raw, one.sign_again ?? [], now);
  if (one.arc_again !== undefined) raw = await sealArc(raw, one.arc_again, now);
  return Buffer.from(raw, 'latin1');
}

function sourceOf(one: ForgeryCase, names: Names): IntakeSource {
  if (one.via === 'imap') {
    const junk = one.junk === true ? { junk: true } : {};
    return { kind: 'imap', account: 'box@imap.example', folder: 'INBOX', uidValidity: '1', uid: 7, ...junk };
  }
  const envelope = {
    envelopeFrom: one.mail_from ?? 'person@example.com',
    envelopeTo: [fill(one.rcpt ?? '{{reply}}', names)],
  };
  if (one.via === 'http') return { kind: 'http', service: 'ses', ...envelope, auth: one.service_auth ?? null };
  return {
    kind: 'smtp',
    ...envelope,
    remote: one.client ?? '198.51.100.7',
    hello: one.hello ?? 'mail.nowhere.example',
  };
}

async function outcomeOf({ deps }: Broker, agentId: string): Promise<Outcome> {
  const [held] = (await deps.stores.holds.list(ALL)).items;
  const [seen] = (await deps.stores.messages.list(agentId, { direction: 'inbound' }, ALL)).items;
  const message = held?.message ?? seen?.message;
  const delivery = held?.delivery ?? seen?.delivery;
  if (message === undefined || !delivery) throw new Error('it was not taken in');
  return {
    ...message.auth,
    trust: delivery.trust ?? 'unknown',
    verified_by: message.verifiedBy,
    state: delivery.state,
    address: message.from.address,
    reason: held?.hold.reason ?? '',
  };
}
