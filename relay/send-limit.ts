/**
 * TURNPOST_SEND_LIMIT: how fast mail may go out. `gmail.com=20/1m:2,*=100/1m,total=500/1d`: at most 20 a minute to
 * gmail.com and 2 of them at once, 100 a minute to each other domain, 500 a day in all. A name may stand more than once.
 */
import { duration } from './config-values.ts';

export interface SendLimit {
  /** A domain; `*`: each domain that is not named; `total`: all of them together. */
  readonly name: string;
  /** Emails within any `periodMs`. */
  readonly count: number;
  readonly periodMs: number;
  /** At the same time; null: not limited here. */
  readonly atOnce: number | null;
}

const LIMIT =
  /^(\*|total|[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,10})=(\d{1,7})\/(\d{1,9}(?:ms|s|m|h|d))(?::(\d{1,3}))?$/;
/** Providers count by the day; a month would be counted in memory for nothing. */
const LONGEST = duration('7d');

/** Throws an Error that says what it wants. */
export function sendLimits(value: string): SendLimit[] {
  return value.split(',').map((part) => sendLimit(part.trim().toLowerCase()));
}

function sendLimit(text: string): SendLimit {
  const [, name, count, period, atOnce] = LIMIT.exec(text) ?? [];
  if (name === undefined || count === undefined || period === undefined)
    throw new Error("want limits like 'gmail.com=20/1m:2,*=100/1m,total=500/1d' (NAME=EMAILS/TIME, and :AT_ONCE)");
  const limit = { name, count: Number(count), periodMs: duration(period), atOnce: atOnce ? Number(atOnce) : null };
  if (limit.count === 0 || limit.atOnce === 0)
    throw new Error('want at least 1 email; to send none, leave TURNPOST_SMTP_URL out');
  if (limit.periodMs === 0 || limit.periodMs > LONGEST) throw new Error('want a time from 1ms to 7d');
  return limit;
}
