/** One chart, one union type, one CHECK, one schema on the wire: all name the same states and the same arrows. */
import { expect, test } from 'vitest';
import { SqliteDatabase } from '../relay/store/sqlite/database.ts';
import { MIGRATIONS } from '../relay/store/sqlite/migrations.ts';
import { openSqlite } from '../relay/store/sqlite/open-sqlite.ts';
import type { Stores } from '../relay/store/stores.ts';
import { type DeliveryState, FINAL_STATES } from '../relay/types.ts';
import { DeliveryState as WireDeliveryState } from '../relay/wire.ts';
import { arrowSuite } from './conformance/arrows.ts';
import { TRIED_METHODS } from './support/state-arrows.ts';
import { readStatesPage } from './support/states-page.ts';

/** One row for each state of the union: the compiler refuses a missing or an extra one. */
const STATES: Record<DeliveryState, true> = {
  held: true,
  available: true,
  leased: true,
  deferred: true,
  delivered: true,
  bounced: true,
  expired: true,
  cancelled: true,
};
const states = Object.keys(STATES).toSorted();
const page = readStatesPage();

arrowSuite(async () => openSqlite(':memory:'));

test('the union type, the wire schema and the chart name the same states', () => {
  expect([...WireDeliveryState.options].toSorted()).toEqual(states);
  const drawn = new Set([...page.diagram].flatMap((arrow) => arrow.split(' ')));
  expect([...drawn].toSorted()).toEqual(states);
});

test('the CHECK constraint lets in these states and no other', () => {
  const check = /state +TEXT NOT NULL CHECK \(state IN\s*\(([^)]*)\)\)/.exec(MIGRATIONS.join('\n'));
  const listed = [...(check?.[1] ?? '').matchAll(/'(\w+)'/g)].map(([, state]) => state);
  expect(listed.toSorted()).toEqual(states);

  const { db } = new SqliteDatabase(':memory:');
  db.pragma('foreign_keys = OFF');
  const insert = db.prepare(
    `INSERT INTO delivery (id, message_id, address, state, rank, available_at, lease_id, finalized_at)
     VALUES (@state, @state, 'a@b', @state, 1, 0, iif(@state = 'leased', 'lse', NULL), @finalizedAt)`,
  );
  const isFinal = (state: string) => FINAL_STATES.some((final) => final === state);
  for (const state of states) insert.run({ state, finalizedAt: isFinal(state) ? 1 : null });
  expect(() => insert.run({ state: 'pending', finalizedAt: null })).toThrow(/CHECK/);
  db.close();
});

test('what is final is final by the schema too: a time for final states, none for open ones', () => {
  const { db } = new SqliteDatabase(':memory:');
  db.pragma('foreign_keys = OFF');
  const insert = db.prepare(
    `INSERT INTO delivery (id, message_id, address, state, rank, available_at, lease_id, finalized_at)
     VALUES (@state, @state, 'a@b', @state, 1, 0, iif(@state = 'leased', 'lse', NULL), @finalizedAt)`,
  );
  const finals: readonly string[] = FINAL_STATES;
  for (const state of states) {
    const wrong = finals.includes(state) ? null : 1;
    expect(() => insert.run({ state, finalizedAt: wrong }), state).toThrow(/CHECK/);
  }
  db.close();
});

test("the diagram's arrows are the table's, and it ends where a state is final", () => {
  const inTable = new Set([...page.table].map((arrow) => arrow.split(' ').slice(0, 2).join(' ')));
  expect([...page.diagram].toSorted()).toEqual([...inTable].toSorted());
  expect([...page.finals].toSorted()).toEqual([...FINAL_STATES].toSorted());
  expect([...page.births].toSorted()).toEqual(['available', 'held']);
});

test('no store method that writes was left out of the trial', async () => {
  const stores = openSqlite(':memory:');
  const written = methodsOf(stores).filter((name) => !HARMLESS.test(name));
  expect(written.toSorted()).toEqual([...TRIED_METHODS].toSorted());
  await stores.close();
});

/** Reads, and tables that a delivery does not depend on. */
const HARMLESS =
  /\.(constructor|find\w*|list|has\w*|pruneSessions|emailHead|sentSince|count\w*|threads?|attachment|emailMessageIds|nextDueAt)$|^(receipts|routes|mailboxes|signingKeys|secrets|enrolments|suppressions|autoAnswers|deferrals|dkimKeys|inboxes|peerKeys)\.|^agents\.(register|patch)$|^keys\.(issue|rotateIfLive|replaceConfigured)$/;

function methodsOf(stores: Stores): string[] {
  return Object.entries(stores).flatMap(([name, store]) =>
    typeof store === 'object'
      ? Object.getOwnPropertyNames(Object.getPrototypeOf(store)).map((method) => `${name}.${method}`)
      : [],
  );
}
