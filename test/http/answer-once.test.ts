/** Requests under one Idempotency-Key stand in a queue, so that of many at once one does the work, also after a failure. */
import type { Request } from 'express';
import { afterAll, expect, test } from 'vitest';
import { systemClock } from '../../relay/clock.ts';
import { answerOnce } from '../../relay/http/idempotency.ts';
import { openSqlite } from '../../relay/store/sqlite/open-sqlite.ts';
import type { Receipt } from '../../relay/store/stores.ts';
import type { Key } from '../../relay/types.ts';

const stores = openSqlite(':memory:');
afterAll(() => stores.close());
const deps = { stores, clock: systemClock };

// Only what answerOnce reads of it.
const requestUnder = (key: string) =>
  ({ headers: { 'idempotency-key': key }, method: 'POST', path: '/v1/enrolments', body: {} }) as unknown as Request;

const aKey = (id: string): Key => ({
  id,
  hash: id,
  agentId: null,
  scope: 'admin',
  label: null,
  createdAt: 1,
  expiresAt: null,
  revokedAt: null,
  revokeReason: null,
  line: 'key_1',
  mcpAccess: false,
});

/** Work that ends when `go` does, and keeps its receipt; the first `failures` runs throw instead. */
function slowWork(name: string, go: Promise<void>, failures = 0) {
  const work = {
    runs: 0,
    async run(receipt: ((status: number, body: unknown) => Receipt) | undefined) {
      work.runs += 1;
      const run = work.runs;
      await go;
      if (run <= failures) throw new Error('it failed');
      await stores.keys.issue(aKey(`${name}${run}`), receipt?.(201, { run }));
      return { status: 201, body: { run } };
    },
  };
  return work;
}

test('the second waits for the first and gets its answer', async () => {
  const gate = new EventTarget();
  const work = slowWork('a', new Promise((resolve) => gate.addEventListener('go', () => resolve(), { once: true })));
  const all = Array.from({ length: 5 }, () => answerOnce(deps, requestUnder('a'), '', work.run));
  gate.dispatchEvent(new Event('go'));
  expect((await Promise.all(all)).map((answer) => answer?.body)).toEqual(Array(5).fill({ run: 1 }));
  expect(work.runs).toBe(1);
});

test('after one that failed the next does the work, and the others wait for that one', async () => {
  const work = slowWork('b', Promise.resolve(), 1);
  const all = Array.from({ length: 5 }, () => answerOnce(deps, requestUnder('b'), '', work.run));
  const settled = await Promise.allSettled(all);
  expect(settled.map(({ status }) => status)).toEqual(['rejected', ...Array(4).fill('fulfilled')]);
  expect(work.runs).toBe(2);
});

test('another key does not wait', async () => {
  const held = slowWork('c', new Promise(() => undefined));
  void answerOnce(deps, requestUnder('c'), '', held.run);
  const free = slowWork('d', Promise.resolve());
  expect((await answerOnce(deps, requestUnder('d'), '', free.run))?.body).toEqual({ run: 1 });
});
