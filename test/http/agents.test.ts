/** /v1/agents and /v1/enrolments: who may register, see, change and end an agent. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as wire from '../../relay/wire.ts';
import { openFixture, type RelayFixture, ShiftedClock } from '../support/relay-fixture.ts';

const Agents = wire.page(wire.Agent);
const clock = new ShiftedClock();
let fixture: RelayFixture;

beforeAll(async () => {
  fixture = await openFixture({ env: { TURNPOST_OWNER: 'You@Example.com' }, clock });
});
afterAll(() => fixture.close());

describe('registering', () => {
  test('answers with the agent and a key that works, in the shapes of the interface', async () => {
    const reply = await fixture.call('POST', '/v1/agents', {
      body: { name: 'reviewer', display_name: 'Reviewer', capabilities: ['review'], owner: 'Person@Example.com' },
    });
    expect(reply.status).toBe(201);
    const made = reply.as(wire.RegisteredAgent);
    expect(made).toMatchObject({
      name: 'reviewer',
      address: 'reviewer@turnpost.localhost',
      display_name: 'Reviewer',
      capabilities: ['review'],
      owner: 'person@example.com',
      description: null,
    });
    expect(made.key.id).toMatch(/^key_[0-9a-z]{26}$/);
    expect(made.key.secret).toMatch(/^tp_agent_[\w-]{43}$/);
    expect(made.key).toMatchObject({ scope: 'agent', expires_at: null });
    const me = await fixture.call('GET', '/v1/agents/me', { key: made.key.secret });
    expect(me.as(wire.Agent).id).toBe(made.id);
  });

  test('without a name one is made of an adjective and a noun', async () => {
    expect((await fixture.agent()).name).toMatch(/^[a-z]+-[a-z]+/);
  });

  test.each(['postmaster', 'me', 'root'])('%s is reserved', async (name) => {
    const reply = await fixture.call('POST', '/v1/agents', { body: { name } });
    expect([reply.status, reply.code]).toEqual([409, 'name_taken']);
  });

  test.each(['-a', 'A', 'a.b', 'a'.repeat(40), ''])('the name "%s" is refused', async (name) => {
    const reply = await fixture.call('POST', '/v1/agents', { body: { name } });
    expect([reply.status, reply.code]).toEqual([422, 'invalid_request']);
    expect(reply.details).toMatchObject({ fields: [{ path: 'name' }] });
  });

  test('a name in use is refused, also to many at once', async () => {
    const all = await Promise.all([1, 2, 3].map(() => fixture.call('POST', '/v1/agents', { body: { name: 'twin' } })));
    expect(all.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
  });

  test('only an admin may', async () => {
    const { key } = await fixture.agent();
    const reply = await fixture.call('POST', '/v1/agents', { key, body: {} });
    expect([reply.status, reply.code]).toEqual([403, 'forbidden']);
  });
});

describe('seeing', () => {
  test('by name, address and "me"; unknown ones are not found', async () => {
    const one = await fixture.agent('findable');
    for (const name of ['findable', one.address, one.address.toUpperCase(), 'me']) {
      const reply = await fixture.call('GET', `/v1/agents/${name}`, { key: one.key });
      expect(reply.as(wire.Agent).id, name).toBe(one.id);
    }
    for (const name of ['nobody', 'findable@example.com', '%ff'])
      expect((await fixture.call('GET', `/v1/agents/${name}`)).code, name).toBe('not_found');
    // An admin is no agent.
    expect((await fixture.call('GET', '/v1/agents/me')).code).toBe('not_found');
  });

  test('an agent sees its own owner and nobody else’s', async () => {
    const mine = await fixture.agent('owned', { owner: 'you@example.com' });
    const other = await fixture.agent('other-owned', { owner: 'person@example.com' });
    expect((await fixture.call('GET', '/v1/agents/me', { key: mine.key })).as(wire.Agent).owner).toBe(
      'you@example.com',
    );
    expect((await fixture.call('GET', `/v1/agents/${other.name}`, { key: mine.key })).text).not.toContain('person@');
    const { items } = (await fixture.call('GET', '/v1/agents?limit=100', { key: mine.key })).as(Agents);
    expect(items.filter((agent) => 'owner' in agent).map(({ name }) => name)).toEqual(['owned']);
    expect((await fixture.call('GET', `/v1/agents/${other.name}`)).as(wire.Agent).owner).toBe('person@example.com');
  });

  test('who names no owner has that of the settings', async () => {
    const { key } = await fixture.agent();
    expect((await fixture.call('GET', '/v1/agents/me', { key })).as(wire.Agent).owner).toBe('you@example.com');
  });

  test('filters by words and capability', async () => {
    await fixture.agent('translator', { capabilities: ['french'], description: 'Knows Paris' });
    const names = async (query: string) =>
      (await fixture.call('GET', `/v1/agents?${query}`)).as(Agents).items.map(({ name }) => name);
    expect(await names('query=PARIS')).toEqual(['translator']);
    expect(await names('capability=french')).toEqual(['translator']);
    expect(await names('capability=fren')).toEqual([]);
  });

  test('pages of one reach every agent once', async () => {
    const whole = (await fixture.call('GET', '/v1/agents?limit=100')).as(Agents).items.map(({ id }) => id);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page = (await fixture.call('GET', `/v1/agents?limit=1${query}`)).as(Agents);
      expect(page.items).toHaveLength(1);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(whole);
  });

  test.each(['limit=0', 'limit=101', 'limit=x', 'limit=1&limit=2', 'limit=1.5', 'limit='])(
    '%s is refused',
    async (query) => {
      const reply = await fixture.call('GET', `/v1/agents?${query}`);
      expect([reply.status, reply.code]).toEqual([422, 'invalid_request']);
      expect(reply.details).toMatchObject({ fields: [{ path: 'limit' }] });
    },
  );

  test('an unknown query field is refused by name, a foreign cursor is invalid', async () => {
    const unknown = await fixture.call('GET', '/v1/agents?colour=red');
    expect(unknown.details).toEqual({ fields: [{ path: 'colour', message: 'there is no such field' }] });
    const cursor = await fixture.call('GET', '/v1/agents?cursor=xyz');
    expect([cursor.status, cursor.code]).toEqual([400, 'invalid_cursor']);
  });
});

describe('changing', () => {
  test('an agent changes its own profile: what it leaves out stays, null empties', async () => {
    const { key } = await fixture.agent('changing', { display_name: 'Before', description: 'stays' });
    const reply = await fixture.call('PATCH', '/v1/agents/me', { key, body: { display_name: null, model: 'm1' } });
    expect(reply.as(wire.Agent)).toMatchObject({ display_name: null, description: 'stays', model: 'm1' });
  });

  test('an agent may not change its owner, nor another agent', async () => {
    const { key } = await fixture.agent();
    const other = await fixture.agent();
    const owner = await fixture.call('PATCH', '/v1/agents/me', { key, body: { owner: 'person@example.com' } });
    expect([owner.status, owner.code]).toEqual([403, 'forbidden']);
    expect((await fixture.call('PATCH', '/v1/agents/me', { key, body: { owner: null } })).code).toBe('forbidden');
    const foreign = await fixture.call('PATCH', `/v1/agents/${other.name}`, { key, body: { model: 'm' } });
    expect([foreign.status, foreign.code]).toEqual([403, 'forbidden']);
  });

  test("an admin changes an owner, kept in lower case like every owner's address", async () => {
    const { name } = await fixture.agent();
    const reply = await fixture.call('PATCH', `/v1/agents/${name}`, { body: { owner: 'You@Example.COM' } });
    expect(reply.as(wire.Agent).owner).toBe('you@example.com');
  });

  test('a name cannot be changed', async () => {
    const { name } = await fixture.agent();
    const reply = await fixture.call('PATCH', `/v1/agents/${name}`, { body: { name: 'else' } });
    expect(reply.details).toEqual({ fields: [{ path: 'name', message: 'there is no such field' }] });
  });
});

describe('ending', () => {
  test('the key is dead, the name is never given out again, mail to it is refused', async () => {
    const gone = await fixture.agent('leaver');
    const other = await fixture.agent();
    const reply = await fixture.call('DELETE', '/v1/agents/leaver');
    expect(reply.as(wire.DeletedAgent)).toEqual({ deleted: true, address: 'leaver@turnpost.localhost' });
    expect((await fixture.call('GET', '/v1/agents/me', { key: gone.key })).status).toBe(401);
    expect((await fixture.call('GET', '/v1/agents/leaver')).status).toBe(404);
    expect((await fixture.call('DELETE', '/v1/agents/leaver')).status).toBe(404);
    expect((await fixture.call('POST', '/v1/agents', { body: { name: 'leaver' } })).code).toBe('name_taken');
    expect((await fixture.send(other, 'leaver')).code).toBe('recipient_unknown');
  });

  test('an agent may not end agents, not even itself', async () => {
    const { key, name } = await fixture.agent();
    for (const who of ['me', name])
      expect((await fixture.call('DELETE', `/v1/agents/${who}`, { key })).status).toBe(403);
  });
});

describe('enrolment', () => {
  const enrol = async (body: object = {}) =>
    (await fixture.call('POST', '/v1/enrolments', { body })).as(wire.Enrolment).code;
  const redeem = (code: string, body: object = {}) =>
    fixture.call('POST', `/v1/enrolments/${code}/agents`, { key: null, body });

  test('a code registers one agent, once, also when two come at once', async () => {
    const code = await enrol();
    const replies = await Promise.all([redeem(code, { name: 'first-in' }), redeem(code, { name: 'second-in' })]);
    expect(replies.map(({ status }) => status).toSorted()).toEqual([201, 410]);
    expect((await redeem(code)).code).toBe('expired');
  });

  test('a name set at enrolment is the name', async () => {
    const code = await enrol({ name: 'chosen' });
    expect((await redeem(code, { name: 'wanted' })).as(wire.RegisteredAgent).name).toBe('chosen');
  });

  test('a name that is taken leaves the code usable', async () => {
    await fixture.agent('occupied');
    const code = await enrol();
    expect((await redeem(code, { name: 'occupied' })).code).toBe('name_taken');
    expect((await redeem(code)).status).toBe(201);
  });

  test('a code runs out', async () => {
    const code = await enrol({ expires_in: '10m' });
    clock.advance(10 * 60_000);
    expect((await redeem(code)).code).toBe('expired');
  });

  test('an unknown code is not found; an owner is not for the one who holds a code to choose', async () => {
    expect((await redeem('tp_enrol_none')).code).toBe('not_found');
    const code = await enrol();
    expect((await redeem(code, { owner: 'person@example.com' })).code).toBe('forbidden');
    expect((await redeem(code)).status).toBe(201);
  });

  test('only an admin makes codes, and for no longer than a year', async () => {
    const { key } = await fixture.agent();
    expect((await fixture.call('POST', '/v1/enrolments', { key, body: {} })).code).toBe('forbidden');
    const long = await fixture.call('POST', '/v1/enrolments', { body: { expires_in: '999999999d' } });
    expect(long.details).toEqual({ fields: [{ path: 'expires_in', message: 'must be at most 365d' }] });
  });

  test('a body from somebody without a key is small', async () => {
    const reply = await redeem(await enrol(), { description: 'x'.repeat(70_000) });
    expect([reply.status, reply.code]).toEqual([413, 'too_large']);
  });
});
