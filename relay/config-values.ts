/** How the values of settings are written: one parser a kind. Each throws an Error whose text says what it wants, never the value. */
import type { InboxQuota } from './disposable-inbox.ts';

export const text = (value: string): string => value;
export const textOrOff = (value: string): string | null => (value === 'off' ? null : value);

export function port(value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number > 65_535) throw new Error('want a port from 0 to 65535 (0: any free one)');
  return number;
}

export const portOrOff = (value: string): number | null => (value === 'off' ? null : port(value));

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** '500ms', '90s', '15m', '12h' or '7d', in milliseconds. */
export function duration(value: string): number {
  const [, digits, unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(value) ?? [];
  const unitMs = UNIT_MS[unit];
  if (unitMs === undefined) throw new Error("want a number and a unit, like '15m' (ms, s, m, h, d)");
  return Number(digits) * unitMs;
}

/** A duration within bounds that are written the same way. */
export function durationBetween(least: string, most: string): (value: string) => number {
  return (value) => between(duration, value, least, most);
}

/** A size within bounds that are written the same way. */
export function sizeBetween(least: string, most: string): (value: string) => number {
  return (value) => between(size, value, least, most);
}

function between(parse: (value: string) => number, value: string, least: string, most: string): number {
  const number = parse(value);
  if (number < parse(least) || number > parse(most)) throw new Error(`want ${least} to ${most}`);
  return number;
}

const UNIT_BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** '25MiB', in bytes. */
export function size(value: string): number {
  const [, digits, unit = ''] = /^(\d{1,9})(B|KiB|MiB|GiB)$/.exec(value) ?? [];
  const unitBytes = UNIT_BYTES[unit];
  if (unitBytes === undefined) throw new Error("want a number and a unit, like '25MiB' (B, KiB, MiB, GiB)");
  return Number(digits) * unitBytes;
}

export function oneOf<const T extends string>(...values: readonly T[]): (value: string) => T {
  return (value) => {
    const found = values.find((candidate) => candidate === value);
    if (found === undefined) throw new Error(`want one of ${values.join(', ')}`);
    return found;
  };
}

export const onOrOff = (value: string): boolean => oneOf('on', 'off')(value) === 'on';

/** 'inboxes=20 messages=100 life=7d hourly=60': what is left out is as in `usual`, written the same way. */
export function inboxQuota(usual: string): (value: string) => InboxQuota {
  return (value) => {
    const given = new Map([usual, value].flatMap((text) => text.trim().split(/[\s,]+/)).map(nameAndValue));
    const number = (name: string): number => {
      const text = given.get(name) ?? '';
      if (!/^\d{1,6}$/.test(text)) throw new Error(`${name}: want a whole number`);
      return Number(text);
    };
    return {
      inboxes: number('inboxes'),
      messages: number('messages'),
      longestLifeMs: durationBetween('1m', '365d')(given.get('life') ?? ''),
      perHour: number('hourly'),
    };
  };
}

const QUOTA_NAMES = ['inboxes', 'messages', 'life', 'hourly'];

function nameAndValue(pair: string): readonly [string, string] {
  const [name = '', text = ''] = pair.split('=');
  if (!QUOTA_NAMES.includes(name)) throw new Error(`want pairs like 'inboxes=20', of ${QUOTA_NAMES.join(', ')}`);
  return [name, text];
}

/** URLs of the given schemes, comma-separated. */
export function urls(...schemes: readonly string[]): (value: string) => string[] {
  return (value) => value.split(',').map((part) => url(...schemes)(part.trim()));
}

export function url(...schemes: readonly string[]): (value: string) => string {
  return (value) => {
    const read = URL.canParse(value) ? new URL(value) : undefined;
    if (read === undefined || read.hostname === '' || !schemes.includes(read.protocol.slice(0, -1)))
      throw new Error(`want a URL like ${schemes.map((s) => `${s}://host`).join(' or ')}`);
    if ([read.username, read.password, read.pathname].some((part) => !decodes(part)))
      throw new Error('its percent signs do not decode; write a percent sign as %25');
    return value;
  };
}

function decodes(part: string): boolean {
  try {
    decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

/** RFC 1035 labels; agents live at `name@domain`. */
export function domain(value: string): string {
  if (!/^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(value)) {
    throw new Error('want a domain name in ASCII, like agents.example.com');
  }
  return value.toLowerCase();
}

/** Can mail for it come from elsewhere, and be signed in its name? Names under .localhost are this machine's (RFC 6761 section 6.3). */
export const isPublicDomain = (value: string): boolean => value !== 'localhost' && !value.endsWith('.localhost');

/** A server's URL, or `mx:`: straight to the mail servers of each recipient's domain. */
export const smtpServer = (value: string): string => (value === 'mx:' ? value : url('smtp', 'smtps')(value));

/** Domain names by comma; none where empty. */
export function domains(value: string): readonly string[] {
  return value.trim() === '' ? [] : value.split(',').map((part) => domain(part.trim()));
}

export function emailAddress(value: string): string {
  if (!/^[^\s@<>,"]+@[^\s@<>,"]+$/.test(value)) throw new Error('want one email address, like you@example.com');
  return value.toLowerCase();
}

export function adminKey(value: string): string {
  if (!/^tp_admin_[A-Za-z0-9_-]{20,}$/.test(value)) throw new Error('want tp_admin_ and at least 20 letters or digits');
  return value;
}

export function sqlitePath(value: string): string {
  if (/^postgres(ql)?:/.test(value))
    throw new Error('PostgreSQL is not supported by this version; use a path or sqlite:PATH');
  return value.replace(/^sqlite:(\/\/)?/, '');
}

const LEAST_SECRET_BYTES = 24;

/** `whsec_` and base64 (Standard Webhooks: 24 to 64 bytes), one or two. */
export function webhookSecrets(value: string): Buffer[] {
  const texts = value.split(',').map((part) => part.trim());
  if (texts.length > 2) throw new Error('want one secret, or two while one replaces the other');
  return texts.map((one) => {
    const [, encoded = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(one) ?? [];
    const secret = Buffer.from(encoded, 'base64');
    if (secret.length < LEAST_SECRET_BYTES) {
      throw new Error(`want whsec_ and at least ${LEAST_SECRET_BYTES} random bytes in base64`);
    }
    return secret;
  });
}

/** ARNs of SNS topics, by comma. */
export function snsTopics(value: string): string[] {
  return value.split(',').map((part) => {
    const arn = part.trim();
    if (!/^arn:aws(?:-cn|-us-gov)?:sns:[a-z0-9-]{1,40}:\d{12}:[\w-]{1,256}(?:\.fifo)?$/.test(arn)) {
      throw new Error('want the ARN of an SNS topic, like arn:aws:sns:eu-west-1:123456789012:mail');
    }
    return arn;
  });
}
