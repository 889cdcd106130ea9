/** The arrows of docs/states.md: a store makes each of them, and no other. test/states.test.ts runs it for each store. */
import { expect, test } from 'vitest';
import { observeArrows } from '../support/state-arrows.ts';
import { readStatesPage } from '../support/states-page.ts';
import type { OpenStores } from './stores.ts';

export function arrowSuite(open: OpenStores): void {
  test('every method tried from every state makes the arrows of docs/states.md and no other', {
    timeout: 120_000,
  }, async () => {
    const made = await observeArrows(open);
    expect([...made].toSorted()).toEqual([...readStatesPage().table].toSorted());
  });
}
