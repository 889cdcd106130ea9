/** Ids: a prefix that says what it is, and a ULID in lower case, so that ids sort by the time they were made. */
import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

export type IdPrefix = 'msg' | 'thr' | 'dlv' | 'lse' | 'key' | 'hld' | 'agt' | 'eml' | 'ibx' | 'req';

/** Random bytes are fetched by the page: asked for one by one they cost more than everything else about an id. */
const pool = Buffer.alloc(4096);
let used = pool.length;

function chance(): number {
  if (used + 4 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 4;
  return pool.readUInt32LE(used - 4) / 2 ** 32;
}

const next = monotonicFactory(chance);

/** `msg_01j9...`: 26 characters of [0-9a-z] behind the prefix. `now` in Unix milliseconds. */
export function newId(prefix: IdPrefix, now: number): string {
  return `${prefix}_${next(now).toLowerCase()}`;
}
