/** Durations in a request: milliseconds, and never more than a time that still is a date. */
import { duration } from '../config-values.ts';
import { invalidRequest } from '../errors.ts';

/** `most` as it is written, '30d'. Throws `invalid_request` that names `path`. */
export function durationField(path: string, text: string | undefined, most: string): number | undefined {
  if (text === undefined) return undefined;
  const ms = duration(text);
  if (ms > duration(most)) throw invalidRequest([{ path, message: `must be at most ${most}` }]);
  return ms;
}
