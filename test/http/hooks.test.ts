/** /v1/hooks: the body is the host's own, the answer is what the host reads or nothing, and a dead key is told so first. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import * as wire from '../../relay/wire.ts';
import { openFixture, type RelayFixture, type TestAgent } from '../support/relay-fixture.ts';

let fixture: RelayFixture;
let sender: TestAgent;

beforeAll(async () => {
  fixture = await openFixture();
  sender = await fixture.agent('sender');
});
afterAll(() => fixture.close());

const STOP = '/v1/hooks/claude/stop';
const stop = (session: string, more: object = {}) => ({ session_id: session, prompt_id: 'p1', ...more });
const Injection = z.object({
  hookSpecificOutput: z.object({ hookEventName: z.string(), additionalContext: z.string() }),
});

const hook = (agent: TestAgent | null, body: unknown, { where = STOP, seen = '' as string | null } = {}) =>
  fixture.call('POST', where, {
    key: agent?.key ?? null,
    body,
    headers: seen === null ? {} : { 'x-turnpost-seen': seen },
  });
const stateOf = async (agent: TestAgent, id: string) =>
  (await fixture.call('GET', `/v1/agents/me/messages/${id}`, { key: agent.key })).as(wire.Message).state;

test('nothing waits: an empty 200 without a type, and no state is kept', async () => {
  const reply = await hook(await fixture.agent(), stop('s1'));
  expect([reply.status, reply.text, reply.headers['content-type']]).toEqual([200, '', undefined]);
});

test('mail is given at the end of a turn in the form the host reads, with its id and its text', async () => {
  const reader = await fixture.agent();
  const { id } = (await fixture.send(sender, reader.name, { body: 'look here' })).as(wire.Message);
  const reply = await hook(reader, stop('s1'));
  const { hookSpecificOutput } = reply.as(Injection);
  expect(hookSpecificOutput.hookEventName).toBe('Stop');
  expect(hookSpecificOutput.additionalContext).toContain(id);
  expect(hookSpecificOutput.additionalContext).toContain('look here');
  expect(await stateOf(reader, id), 'handing out is not delivering').toBe('leased');
});

test('an id in X-Turnpost-Seen is evidence; what is no id of ours is left out', async () => {
  const reader = await fixture.agent();
  const { id } = (await fixture.send(sender, reader.name)).as(wire.Message);
  await hook(reader, stop('s1'));
  await hook(reader, stop('s1', { stop_hook_active: true }), { seen: `nonsense, msg_x,${id} ,` });
  expect(await stateOf(reader, id)).toBe('delivered');
});

test("another agent's X-Turnpost-Seen is no evidence", async () => {
  const reader = await fixture.agent();
  const { id } = (await fixture.send(sender, reader.name)).as(wire.Message);
  await hook(reader, stop('s1'));
  await hook(await fixture.agent(), stop('s1'), { seen: id });
  expect(await stateOf(reader, id)).toBe('leased');
});

test('without the header the host itself calls, and its continuation of an answer written out whole is evidence', async () => {
  const reader = await fixture.agent();
  const { id } = (await fixture.send(sender, reader.name)).as(wire.Message);
  await hook(reader, stop('s1'), { seen: null });
  await hook(reader, stop('s1', { stop_hook_active: true }), { seen: null });
  expect(await stateOf(reader, id)).toBe('delivered');
});

test('behind a command hook continuation alone is no evidence', async () => {
  const reader = await fixture.agent();
  const { id } = (await fixture.send(sender, reader.name)).as(wire.Message);
  await hook(reader, stop('s1'));
  await hook(reader, stop('s1', { stop_hook_active: true }));
  expect(await stateOf(reader, id)).toBe('leased');
});

test('a session that ends gives back what it held', async () => {
  const reader = await fixture.agent();
  const { id } = (await fixture.send(sender, reader.name)).as(wire.Message);
  await hook(reader, stop('s1'));
  await hook(reader, { session_id: 's1' }, { where: '/v1/hooks/claude/SessionEnd' });
  expect(await stateOf(reader, id)).toBe('available');
});

test('a session that starts is told how much waits, and nothing is handed out', async () => {
  const reader = await fixture.agent();
  const { id } = (await fixture.send(sender, reader.name, { body: 'secret words' })).as(wire.Message);
  const reply = await hook(reader, { session_id: 's1' }, { where: '/v1/hooks/claude/session-start' });
  expect(reply.as(Injection).hookSpecificOutput.additionalContext).toContain('1 message waits');
  expect(reply.text).not.toContain('secret words');
  expect(await stateOf(reader, id)).toBe('available');
});

test('unknown fields are allowed: hosts change weekly', async () => {
  const reply = await hook(
    await fixture.agent(),
    stop('s1', { brand_new: { deep: [1] }, transcript_path: '/etc/passwd' }),
  );
  expect(reply.status).toBe(200);
});

test.each([
  ['/v1/hooks/vim/stop', 'host_unknown'],
  ['/v1/hooks/__proto__/stop', 'host_unknown'],
  ['/v1/hooks/claude/teleport', 'event_unknown'],
  ['/v1/hooks/claude/constructor', 'event_unknown'],
])('%s: 404 %s', async (where, code) => {
  const reply = await hook(sender, stop('s1'), { where });
  expect([reply.status, reply.code]).toEqual([404, code]);
});

test('truncated JSON is malformed; a field that is missing or wrong is named', async () => {
  const truncated = await hook(sender, '{"session_id":"s1","prompt');
  expect([truncated.status, truncated.code]).toEqual([400, 'malformed_json']);
  for (const body of [{}, { session_id: 7 }, { session_id: 'a b' }]) {
    const reply = await hook(sender, body);
    expect(reply.status).toBe(422);
    expect(reply.details).toMatchObject({ fields: [{ path: 'session_id' }] });
  }
});

test('a dead key is told so before anything else is looked at', async () => {
  const dead = await fixture.agent();
  await fixture.call('DELETE', `/v1/agents/${dead.name}/keys/${dead.keyId}`);
  for (const [where, body] of [
    [STOP, stop('s1')],
    [STOP, '{"session'],
    ['/v1/hooks/vim/stop', {}],
  ] as const)
    expect((await hook(dead, body, { where })).status, where).toBe(401);
  expect((await hook(null, stop('s1'))).status).toBe(401);
});

test('an admin key has no mail', async () => {
  const reply = await fixture.call('POST', STOP, { body: stop('s1') });
  expect([reply.status, reply.code]).toEqual([403, 'forbidden']);
});
