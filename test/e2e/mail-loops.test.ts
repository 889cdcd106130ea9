/** Two whole relays pointed at each other by email, with agents that answer everything: they come to rest and say why. */
import { afterEach, describe, expect, test } from 'vitest';
import { MAX_HOPS } from '../../relay/broker/accept.ts';
import { EMAILS_PER_HOUR } from '../../relay/broker/thread-budget.ts';
import type { WebFetch } from '../../relay/mail/web/web-fetch.ts';
import * as wire from '../../relay/wire.ts';
import { freePort } from '../support/free-port.ts';
import { openFixture, type RelayFixture, type TestAgent } from '../support/relay-fixture.ts';

const [ONE, TWO] = ['one.test', 'two.test'];

const open: RelayFixture[] = [];
afterEach(async () => {
  for (const fixture of open.splice(0)) await fixture.close();
});

async function openTwo(): Promise<[RelayFixture, RelayFixture]> {
  const relays = new Map<string, RelayFixture>();
  /** https of either domain leads to that relay's own HTTP interface. */
  const fetch: WebFetch = async (url) => {
    const { hostname, pathname } = new URL(url);
    const relay = relays.get(hostname);
    if (relay === undefined) throw new Error('connection refused');
    const { status, bytes } = await relay.call('GET', pathname, { key: null });
    return { status, body: bytes };
  };
  const [portOne, portTwo] = [await freePort(), await freePort()];
  const start = async (domain: string, own: number, peer: number): Promise<RelayFixture> => {
    const env = {
      TURNPOST_DOMAIN: domain,
      TURNPOST_PEERS: '*',
      TURNPOST_OWNER: 'you@example.com',
      TURNPOST_INBOUND_AUTH: 'token',
      TURNPOST_SMTP_PORT: String(own),
      TURNPOST_SMTP_URL: `smtp://127.0.0.1:${peer}`,
    };
    const fixture = await openFixture({ fetch, env });
    relays.set(domain, fixture);
    open.push(fixture);
    return fixture;
  };
  return [await start(ONE, portOne, portTwo), await start(TWO, portTwo, portOne)];
}

interface Bot {
  readonly relay: RelayFixture;
  readonly agent: TestAgent;
  readonly refusals: string[];
}

const bot = async (relay: RelayFixture, name: string): Promise<Bot> => ({
  relay,
  agent: await relay.agent(name),
  refusals: [],
});

/** Takes what there is and answers it. Returns what it took. */
async function answerAll({ relay, agent, refusals }: Bot, answer: (message: wire.WireMessage) => object) {
  const lease = await relay.call('POST', '/v1/agents/me/leases', { key: agent.key, body: { wait: '100ms', max: 10 } });
  const { items } = lease.as(wire.LeaseAnswer);
  for (const message of items) {
    if (message.type === 'bounce') refusals.push(message.body);
    const body = answer(message);
    const sent = await relay.call('POST', '/v1/agents/me/messages', { key: agent.key, body });
    if (sent.status !== 201) refusals.push(sent.text);
  }
  return items;
}

const emailsOf = async ({ relay }: Bot) =>
  (await relay.call('GET', '/v1/outbox?limit=100')).as(wire.page(wire.OutboxItem)).items;
const holdsOf = async ({ relay }: Bot) => (await relay.call('GET', '/v1/holds')).as(wire.page(wire.HoldItem)).items;

/** Until neither has anything to do: nobody answers, and every email is settled. */
async function runToRest(bots: readonly Bot[], answer: Parameters<typeof answerAll>[1]): Promise<void> {
  for (let idle = 0; idle < 2; ) {
    const taken = await Promise.all(bots.map((one) => answerAll(one, answer)));
    const open = (await Promise.all(bots.map(emailsOf)))
      .flat()
      .filter(({ state }) => state === 'leased' || state === 'available');
    // What goes to the owner goes nowhere here.
    const inHand = open.filter(({ envelope }) => envelope.to !== 'you@example.com');
    idle = taken.flat().length === 0 && inHand.length === 0 ? idle + 1 : 0;
  }
}

describe('two agents of two relays that answer every mail', () => {
  test('in one thread: they stop after so many hops, and the one that may not go on is told why', async () => {
    const [one, two] = await openTwo();
    const [alice, bob] = [await bot(one, 'alice'), await bot(two, 'bob')];
    await one.send(alice.agent, bob.agent.address, { subject: 'Ping', body: 'ping' });
    await runToRest([alice, bob], (message) => ({
      to: message.from.address,
      body: 'and you?',
      in_reply_to: message.id,
    }));
    const mails = (await Promise.all([alice, bob].map(emailsOf))).flat();
    expect(mails.length).toBeLessThanOrEqual(MAX_HOPS + 2);
    expect(mails.length).toBeGreaterThanOrEqual(MAX_HOPS);
    expect([...alice.refusals, ...bob.refusals].join('\n')).toMatch(/goes in circles/);
  }, 60_000);

  test('each time in a new thread: the budget of emails to an address ends it; a person sees what waits, and is told', async () => {
    const [one, two] = await openTwo();
    const [alice, bob] = [await bot(one, 'alice'), await bot(two, 'bob')];
    await one.send(alice.agent, bob.agent.address, { subject: 'Ping', body: 'ping' });
    let n = 0;
    await runToRest([alice, bob], (message) => {
      n += 1;
      return { to: message.from.address, body: `and you? ${n}`, subject: `Ping ${n}` };
    });
    const held = [...(await holdsOf(alice)), ...(await holdsOf(bob))];
    expect(held.map(({ reason }) => reason)).toEqual([
      'the agent has sent this address more emails than the hourly budget allows',
    ]);
    const mails = (await Promise.all([alice, bob].map(emailsOf))).flat();
    const between = mails.filter(({ envelope }) => envelope.to !== 'you@example.com');
    // The first to be over its budget holds one, and then nobody has anything to answer.
    expect(between.length).toBeLessThanOrEqual(2 * EMAILS_PER_HOUR + 1);
    expect(between.filter(({ state }) => state === 'held')).toHaveLength(1);
    const notes = mails.filter(({ envelope }) => envelope.to === 'you@example.com');
    expect(notes.map(({ headers }) => headers['subject'] ?? headers['Subject'])).toEqual([
      expect.stringContaining('is waiting: it is over its hourly budget'),
    ]);
  }, 120_000);
});
