/** Durations as a model writes them: `30m`, `12h`, `2d`. */
import { ToolRefusal } from './tool-result.ts';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The moment that lies so far ahead, in RFC 3339. */
export function expiryFromNow(text: string): string {
  const [, digits, unit = ''] = /^(\d{1,6})(s|m|h|d)$/.exec(text.trim()) ?? [];
  const unitMs = UNIT_MS[unit];
  if (unitMs === undefined) {
    throw new ToolRefusal(
      'invalid_request',
      "expires_in: want a number and a unit, like '30m', '12h' or '2d'. Nothing was sent.",
    );
  }
  return new Date(Date.now() + Number(digits) * unitMs).toISOString();
}
