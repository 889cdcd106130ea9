/**
 * May the key this server speaks with use disposable inboxes? Asked of the relay whenever the tools are listed, since a
 * key may be adopted later; a host that was told otherwise before is told that the list has changed. It only decides what
 * is offered: whether a call is let in is the relay's decision each time.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { TurnpostClient } from '../client/turnpost-client.ts';
import { TurnpostError } from '../client/turnpost-error.ts';

/** Codex 0.169.0 goes on without the tools of a server that takes a second. */
const PATIENCE_MS = 500;

export interface InboxAccess {
  /** As far as is known soon; false where the relay does not answer. */
  isOpen(): Promise<boolean>;
  /** Asks again, and tells the host where what it was told is no longer so. */
  recheck(): Promise<void>;
}

/** For a key that is known not to change. */
export const fixedAccess = (open: boolean): InboxAccess => ({ isOpen: async () => open, recheck: async () => {} });

export function askedAccess(client: () => TurnpostClient, listChanged: () => void): InboxAccess {
  /** What the host was told; undefined: nothing yet. */
  let told: boolean | undefined;
  const recheck = async (): Promise<void> => {
    const open = await askRelay(client());
    if (told === undefined || told === open) return;
    told = open;
    listChanged();
  };
  return {
    async isOpen() {
      const asking = askRelay(client());
      const soon = await Promise.race([asking, delay(PATIENCE_MS, undefined, { ref: false })]);
      told = soon ?? false;
      // The answer is on its way: the host hears of it if it is another.
      if (soon === undefined) void asking.then(recheck);
      return told;
    },
    recheck,
  };
}

async function askRelay(client: TurnpostClient): Promise<boolean> {
  if (client.key === undefined) return false;
  try {
    return (await client.getAgent('me')).mcp_access === true;
  } catch (error) {
    if (error instanceof TurnpostError) return false;
    throw error;
  }
}
