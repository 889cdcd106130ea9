/**
 * Tries every store method from every state a delivery can be in and writes down which arrows it makes: what
 * docs/states.md claims is compared with that. Each try has stores of its own.
 */
import type { Intake, OutboxItem, Stores } from '../../relay/store/stores.ts';
import type { Delivery, Message, Outcome } from '../../relay/types.ts';
import {
  ALL,
  aDelivery,
  aHold,
  aMessage,
  anEmail,
  aTurn,
  LEASE_MS,
  mailFor,
  type Registered,
  register,
  START,
} from './store-fixture.ts';

/** A delivery in some state, and all that a method may need to move it. */
interface Scene {
  readonly stores: Stores;
  readonly reader: Registered;
  readonly writer: Registered;
  readonly message: Message;
  readonly delivery: Delivery;
}

/** `from to method`, as in the table of docs/states.md. */
export type Arrow = `${string} ${string} ${string}`;

const EXPIRES_AT = START + 100;
/** Before and after the message's time is over. */
const MOMENTS = [START + 50, START + 200] as const;

type Step = (scene: Scene, now: number) => Promise<unknown>;

const current = async ({ stores, delivery }: Scene): Promise<Delivery> =>
  (await stores.deliveries.find(delivery.id)) ?? delivery;

/** First of all: it is not held at its beginning. */
const posted: Step = async () => undefined;
const lease: Step = ({ stores, reader }, now) => stores.deliveries.turn(aTurn(reader, now));
const claim: Step = ({ stores }, now) => stores.outbox.claimNext(now, LEASE_MS, `lse_${now}`);
const giveBack: Step = ({ stores, reader }, now) =>
  stores.deliveries.turn(aTurn(reader, now, { release: 'all', lease: null }));
const endReader: Step = ({ stores, reader }, now) => stores.agents.end(reader.agent.id, now);
const compromise: Step = ({ stores, writer }, now) => stores.keys.revokeIfLive(writer.key.id, now, 'compromised');
const expire: Step = ({ stores }) => stores.deliveries.expire(EXPIRES_AT, () => undefined);
const decide =
  (decision: 'accepted' | 'dropped'): Step =>
  async ({ stores, delivery }, now) => {
    const holds = await stores.holds.list(ALL);
    const open = holds.items.find((one) => one.delivery.id === delivery.id);
    await stores.holds.decideIfOpen(open?.hold.id ?? `hld_of_${delivery.id}`, decision, now);
  };
const settle =
  (outcome: Outcome, retryAt: number | null = null): Step =>
  async (scene, now) => {
    const delivery = await current(scene);
    const item: OutboxItem = { delivery, email: anEmail(delivery) };
    await scene.stores.outbox.settleIfClaimed(item, outcome, { retryAt, now, notice: undefined });
  };
const report: Step = ({ stores, delivery }, now) => {
  const intake: Intake = { dedupeKey: 'report', mail: null, bounced: { deliveryId: delivery.id, reason: '5.1.1' } };
  return stores.messages.receive({ id: 'eml_1', source: 'smtp', raw: null, receivedAt: now, cursor: null }, [intake]);
};
const confirm: Step = ({ stores, reader, message }, now) =>
  stores.deliveries.confirm(reader.agent.id, message.id, 'ack', now);
const UNLIMITED = { since: 0, threadTurns: null, emailsToAddress: Number.POSITIVE_INFINITY };
const answer: Step = ({ stores, reader, writer, message }, now) => {
  const mail = mailFor(writer, { createdAt: now });
  const answered = { agentId: reader.agent.id, messageId: message.id };
  return stores.messages.accept({ message: mail.message, deliveries: [mail.delivery], answered });
};
const answerWithin: Step = ({ stores, reader, writer, message }, now) => {
  const mail = mailFor(writer, { createdAt: now });
  const answered = { agentId: reader.agent.id, messageId: message.id };
  return stores.messages.acceptIfWithin({ message: mail.message, deliveries: [mail.delivery], answered }, UNLIMITED);
};

const DELIVERED = { kind: 'delivered', reply: '250' } as const;
const DEFERRED = { kind: 'deferred', reason: '421', code: 421 } as const;
const REFUSED = { kind: 'refused', reason: '550', code: 550 } as const;

/** How an agent's copy gets into each state; the key names the state. */
const AGENT_SCENES: readonly (readonly [Delivery['state'], readonly Step[]])[] = [
  ['held', []],
  ['held', [posted, compromise]],
  ['available', [posted]],
  ['available', [decide('accepted')]],
  ['available', [posted, lease, giveBack]],
  ['leased', [posted, lease]],
  ['leased', [posted, lease, compromise]],
  ['delivered', [posted, lease, confirm]],
  ['expired', [posted, expire]],
  ['cancelled', [decide('dropped')]],
  ['cancelled', [posted, lease, endReader]],
];

const EMAIL_SCENES: readonly (readonly [Delivery['state'], readonly Step[]])[] = [
  ['held', []],
  ['available', [posted]],
  ['available', [decide('accepted')]],
  ['leased', [posted, claim]],
  ['leased', [posted, claim, compromise]],
  ['deferred', [posted, claim, settle(DEFERRED, START)]],
  ['delivered', [posted, claim, settle(DELIVERED)]],
  ['bounced', [posted, claim, settle(REFUSED)]],
  ['expired', [posted, expire]],
  ['cancelled', [decide('dropped')]],
];

/** Every store method that could touch a delivery, in every way that could move it. */
const METHODS: readonly (readonly [string, Step])[] = [
  ['messages.accept', answer],
  ['messages.acceptIfWithin', answerWithin],
  ['messages.receive', report],
  ['deliveries.turn', lease],
  ['deliveries.turn', giveBack],
  [
    'deliveries.turn',
    ({ stores, reader }, now) =>
      stores.deliveries.turn(aTurn(reader, now, { release: 'earlier_prompt', promptId: 'later', lease: null })),
  ],
  [
    'deliveries.turn',
    ({ stores, reader, delivery }, now) => {
      const quarantine = [{ deliveryId: delivery.id, holdId: 'hld_turn', reason: 'broken' }];
      return stores.deliveries.turn(aTurn(reader, now, { lease: { choose: () => ({ take: [], quarantine }) } }));
    },
  ],
  [
    'deliveries.turn',
    ({ stores, reader, delivery }, now) =>
      stores.deliveries.turn(
        aTurn(reader, now, { lease: { choose: () => ({ take: [delivery.id], quarantine: [] }) } }),
      ),
  ],
  [
    'deliveries.turn',
    ({ stores, reader, message }, now) => {
      const evidence = [{ messageIds: [message.id], kind: 'transcript' as const }];
      return stores.deliveries.turn(aTurn(reader, now, { evidence, release: 'all', lease: null }));
    },
  ],
  [
    'deliveries.turn',
    ({ stores, reader }, now) => {
      const confirmPath = { path: 'end_of_turn', kind: 'asked_again' } as const;
      return stores.deliveries.turn(aTurn(reader, now, { confirmPath, endSession: true, lease: null }));
    },
  ],
  [
    'deliveries.turn',
    async (scene, now) => {
      const confirmLease = { leaseId: (await current(scene)).leaseId ?? '', kind: 'continuation' } as const;
      return scene.stores.deliveries.turn(aTurn(scene.reader, now, { confirmLease, lease: null }));
    },
  ],
  ['deliveries.confirm', confirm],
  [
    'deliveries.releaseIfHeld',
    async (scene, now) =>
      scene.stores.deliveries.releaseIfHeld(scene.reader.agent.id, (await current(scene)).leaseId ?? '', now),
  ],
  ['deliveries.rescue', ({ stores }) => stores.deliveries.rescue(START + 2 * LEASE_MS)],
  ['deliveries.expire', ({ stores }, now) => stores.deliveries.expire(now, () => undefined)],
  ['outbox.claimNext', claim],
  ['outbox.settleIfClaimed', settle(DELIVERED)],
  ['outbox.settleIfClaimed', settle(DEFERRED, START + 60)],
  ['outbox.settleIfClaimed', settle(DEFERRED)],
  ['outbox.settleIfClaimed', settle(REFUSED)],
  ['outbox.rescueAll', ({ stores }, now) => stores.outbox.rescueAll(now)],
  ['holds.decideIfOpen', decide('accepted')],
  ['holds.decideIfOpen', decide('dropped')],
  ['keys.revokeIfLive', compromise],
  ['keys.revokeIfLive', ({ stores, reader }, now) => stores.keys.revokeIfLive(reader.key.id, now, null)],
  ['agents.end', endReader],
  ['agents.end', ({ stores, writer }, now) => stores.agents.end(writer.agent.id, now)],
];

/** The store methods that were tried, each once. */
export const TRIED_METHODS: readonly string[] = [...new Set(METHODS.map(([name]) => name))];

/** All arrows that can be made. Throws where a scene does not reach the state it names. */
export async function observeArrows(open: () => Promise<Stores>): Promise<Set<Arrow>> {
  const seen = new Set<Arrow>();
  const scenes = [
    ...AGENT_SCENES.map((scene) => ['agent', ...scene] as const),
    ...EMAIL_SCENES.map((scene) => ['email', ...scene] as const),
  ];
  for (const [kind, from, steps] of scenes) {
    for (const [method, move] of METHODS) {
      for (const expiresAt of [EXPIRES_AT, null]) {
        for (const now of MOMENTS) {
          const to = await tryOne(open, { kind, from, steps, move, now, expiresAt });
          if (to !== null) seen.add(`${from} ${to} ${method}`);
        }
      }
    }
  }
  return seen;
}

interface Try {
  readonly kind: 'agent' | 'email';
  readonly from: Delivery['state'];
  readonly steps: readonly Step[];
  readonly move: Step;
  readonly now: number;
  readonly expiresAt: number | null;
}

/** Null: nothing moved, or without a time of expiry there is nothing (more) to try. */
async function tryOne(open: () => Promise<Stores>, { kind, from, steps, move, now, expiresAt }: Try) {
  if (expiresAt === null && (steps.includes(expire) || now !== MOMENTS[0])) return null;
  const scene = await setUp(await open(), { kind, expiresAt, state: steps[0] === posted ? 'available' : 'held' });
  try {
    for (const step of steps) await step(scene, START);
    const before = await current(scene);
    if (before.state !== from) throw new Error(`the scene for ${from} (${kind}) is ${before.state}`);
    await move(scene, now);
    const { state } = await current(scene);
    return state === from ? null : state;
  } finally {
    await scene.stores.close();
  }
}

interface Beginning extends Pick<Try, 'kind' | 'expiresAt'> {
  readonly state: 'held' | 'available';
}

/** One copy, sent by the writer's key. */
async function setUp(stores: Stores, { kind, expiresAt, state }: Beginning): Promise<Scene> {
  const [reader, writer] = [await register(stores, 'reader'), await register(stores, 'writer')];
  const message = aMessage({ senderAgentId: writer.agent.id, senderKeyId: writer.key.id, expiresAt });
  const recipient =
    kind === 'agent'
      ? ({ agentId: reader.agent.id, trust: 'peer' } as const)
      : ({ agentId: null, address: 'person@example.com' } as const);
  const delivery = aDelivery(message, { ...recipient, state });
  const hold = aHold(delivery, { id: `hld_of_${delivery.id}` });
  const emails = kind === 'email' ? [anEmail(delivery)] : [];
  await stores.messages.accept({ message, deliveries: [delivery], holds: state === 'held' ? [hold] : [], emails });
  return { stores, reader, writer, message, delivery };
}
