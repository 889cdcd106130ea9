/** Values of options: each parser throws commander's own error, so that it comes out as a usage error with the option's name. */
import { InvalidArgumentError } from 'commander';

export function count(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1 || value > most) {
      throw new InvalidArgumentError(`Want a whole number from 1 to ${most}.`);
    }
    return value;
  };
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** '90s', '10m', '12h' or '2d', in milliseconds. */
export function durationMs(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,6})(s|m|h|d)$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  if (unitMs === undefined)
    throw new InvalidArgumentError("Want a number and a unit, like '90s', '10m', '12h' or '2d'.");
  return Number(digits) * unitMs;
}

/** So far ahead, in RFC 3339. */
export const timeAhead = (text: string): string => new Date(Date.now() + durationMs(text)).toISOString();

export function jsonObject(text: string): Record<string, unknown> {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError('Want a JSON object, like \'{"build": 7}\'.');
  }
  return { ...value };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** For options that may be given several times. */
export const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];
