/** /v1/suppressions: sending there is refused in clear words, an admin sees why and takes it back. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXIT_CODES } from '../../cli/exit-code.ts';
import * as wire from '../../relay/wire.ts';
import { runCli } from '../cli/run-cli.ts';
import { openFixture, type RelayFixture, type TestAgent } from '../support/relay-fixture.ts';
import { aSuppression, START } from '../support/store-fixture.ts';

const Suppressions = wire.page(wire.Suppression);
const GONE = 'gone+tag@example.com';
let fixture: RelayFixture;
let writer: TestAgent;

beforeAll(async () => {
  fixture = await openFixture();
  writer = await fixture.agent('writer');
});
afterAll(() => fixture.close());

const since = new Date(START).toISOString();
const suppress = () => fixture.relay.stores.suppressions.add(aSuppression(GONE));

test('a message to a suppressed address is refused whole: which, why, since when, and the way back', async () => {
  await suppress();
  const reply = await fixture.send(writer, ['person@example.com', GONE], { subject: 'Question' });
  expect(reply).toMatchObject({ status: 422, code: 'suppressed' });
  const { error } = reply.as(wire.ErrorAnswer);
  expect(error.message).toBe(
    `Nothing was sent. ${GONE}: mail to it failed for good (5.1.1), since ${since}. If a person knows better, an admin takes it back with "turnpost suppressions remove ${GONE}". A bounce is also forgotten when the person writes to an agent here by mail that is proven to be theirs.`,
  );
  expect(error.details).toMatchObject({
    suppressions: [{ address: GONE, reason: 'bounce', code: '5.1.1', since, until: null }],
  });
  expect((await fixture.call('GET', '/v1/outbox')).as(wire.page(wire.OutboxItem)).items).toEqual([]);
});

test('an admin lists them with what the other server said; nobody else does', async () => {
  await suppress();
  const { items } = (await fixture.call('GET', '/v1/suppressions')).as(Suppressions);
  expect(items).toEqual([
    {
      address: GONE,
      agent_id: null,
      reason: 'bounce',
      code: '5.1.1',
      source: '550 5.1.1 no such user',
      created_at: since,
      expires_at: null,
    },
  ]);
  expect((await fixture.call('GET', '/v1/suppressions', { key: writer.key })).status).toBe(403);
  expect((await fixture.call('DELETE', `/v1/suppressions/${GONE}`, { key: writer.key })).status).toBe(403);
});

test('taken back, mail goes there again; taking back nothing is not found', async () => {
  await suppress();
  const removed = await fixture.call('DELETE', `/v1/suppressions/${encodeURIComponent(GONE.toUpperCase())}`);
  expect(removed.as(wire.RemovedSuppressions)).toEqual({ address: GONE, removed: 1 });
  expect((await fixture.send(writer, GONE, { subject: 'Question' })).status).toBe(201);
  expect((await fixture.call('DELETE', `/v1/suppressions/${GONE}`)).code).toBe('not_found');
});

test('turnpost suppressions does the same', async () => {
  await suppress();
  const cli = (...args: string[]) =>
    runCli(args, { env: { TURNPOST_DATA_DIR: fixture.dataDir }, cwd: fixture.dataDir });
  expect((await cli('suppressions')).stdout).toMatch(/^ADDRESS.*\ngone\+tag@example\.com +all agents +bounce 5\.1\.1/);
  expect((await cli('suppressions', 'remove', GONE)).stdout).toBe(`Email may go to ${GONE} again.\n`);
  expect((await cli('suppressions')).stdout).toBe('No address is suppressed.\n');
  expect((await cli('suppressions', 'remove', GONE)).code).toBe(EXIT_CODES.notFound.code);
});
