/**
 * What every store must do, whatever database is behind it: `conformance(name, open)` in a test file of its own.
 * `open` gives empty stores; each test closes the ones it got.
 */
import { describe } from 'vitest';
import type { Stores } from '../../relay/store/stores.ts';
import { agentSuite } from './agents.ts';
import { holdSuite } from './holds.ts';
import { inboxSuite } from './inboxes.ts';
import { keySuite } from './keys.ts';
import { messageSuite } from './messages.ts';
import { outboxSuite } from './outbox.ts';
import { receivingSuite } from './receiving.ts';
import { sessionSuite } from './sessions.ts';
import { smallTableSuite } from './small-tables.ts';
import { suppressionSuite } from './suppressions.ts';
import { turnSuite } from './turns.ts';

export type OpenStores = () => Promise<Stores>;

export function conformance(name: string, open: OpenStores): void {
  describe(`stores: ${name}`, () => {
    agentSuite(open);
    keySuite(open);
    messageSuite(open);
    receivingSuite(open);
    turnSuite(open);
    sessionSuite(open);
    holdSuite(open);
    outboxSuite(open);
    smallTableSuite(open);
    inboxSuite(open);
    suppressionSuite(open);
  });
}
