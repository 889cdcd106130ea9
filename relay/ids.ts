/** Ids: a prefix that says what it is, and a ULID in lower case, so that ids sort by the time they were made. */
import { monotonicFactory } from 'ulid';

export type IdPrefix = 'msg' | 'thr' | 'dlv' | 'lse' | 'key' | 'hld' | 'agt' | 'eml' | 'req';

const next = monotonicFactory();

/** `msg_01j9...`: 26 characters of [0-9a-z] behind the prefix. `now` in Unix milliseconds. */
export function newId(prefix: IdPrefix, now: number): string {
  return `${prefix}_${next(now).toLowerCase()}`;
}
