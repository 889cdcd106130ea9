/**
 * A TOML file of the user's (Codex's config.toml) with one table of ours in it.
 *
 * A new table is appended as text and taken out as text, so not a byte of the rest moves; every result is parsed and
 * compared with what it should mean. Where plain text cannot do it (the parent is an inline table, the table is written
 * with dotted keys), toml-patch does: it keeps comments and formatting of all other lines, but may drop a comment
 * beside a key it removes. smol-toml and @iarna/toml write the file anew.
 */
import { isDeepStrictEqual } from 'node:util';
import { parse, patch } from '@decimalturn/toml-patch';
import { brokenFile, wrongShape } from './install-error.ts';
import { isPlainObject } from './jsonc-document.ts';
import { appendBlock, BOM, cutBlock } from './text-style.ts';

type Table = Record<string, unknown>;

export class TomlDocument {
  readonly #path: string;
  #text: string;
  #value: Table;

  constructor(text: string, path: string) {
    this.#path = path;
    this.#text = text;
    this.#value = parseToml(text, path);
  }

  get text(): string {
    return this.#text;
  }

  get isEmpty(): boolean {
    return this.#text.replace(BOM, '').trim() === '';
  }

  get(at: readonly string[]): unknown {
    return at.reduce<unknown>((value, key) => (isPlainObject(value) ? value[key] : undefined), this.#value);
  }

  /** Sets the keys of the table at `at`; others in it stay. Values are strings and lists of strings. */
  set(at: readonly string[], table: Table): void {
    const existing = this.get(at);
    if (existing !== undefined && !isPlainObject(existing)) throw wrongShape(this.#path, at, 'a table');
    const wanted = withValue(this.#value, at, { ...existing, ...table }, this.#path);
    if (isDeepStrictEqual(wanted, this.#value)) return;
    this.#change(existing === undefined ? appendBlock(this.#text, renderTable(at, table)) : undefined, wanted);
  }

  /** Puts `value` in the place of what is there. */
  replace(at: readonly string[], value: unknown): void {
    this.#change(undefined, withValue(this.#value, at, value, this.#path));
  }

  remove(at: readonly string[]): void {
    if (this.get(at) !== undefined)
      this.#change(cutTables(this.#text, at), withValue(this.#value, at, undefined, this.#path));
  }

  /** Takes `text` if it means `wanted`, else lets toml-patch write it. */
  #change(text: string | undefined, wanted: Table): void {
    if (text === undefined || !means(text, wanted)) this.#text = patch(this.#text, wanted);
    else this.#text = text;
    this.#value = parseToml(this.#text, this.#path);
  }
}

function parseToml(text: string, path: string): Table {
  try {
    return parse(text.replace(BOM, ''));
  } catch (error) {
    // toml-patch counts lines from 1 and columns from 0, and ends its message with the reason.
    if (!(error instanceof Error && 'line' in error && 'column' in error)) throw error;
    const reason = error.message.trim().split('\n').at(-1) ?? '';
    throw brokenFile(path, Number(error.line), Number(error.column) + 1, `this is not valid TOML (${reason})`);
  }
}

function means(text: string, wanted: Table): boolean {
  try {
    return isDeepStrictEqual(prune(parse(text.replace(BOM, ''))), prune(wanted));
  } catch {
    return false;
  }
}

/** Without empty tables: a parent that existed only through its child goes with it. */
function prune(table: Table): Table {
  const entries = Object.entries(table).map(
    ([key, value]) => [key, isPlainObject(value) ? prune(value) : value] as const,
  );
  return Object.fromEntries(entries.filter(([, value]) => !(isPlainObject(value) && Object.keys(value).length === 0)));
}

/** A copy with another value (undefined: without one) at that place; the original keeps its own. */
function withValue(table: Table, [key, ...rest]: readonly string[], value: unknown, path: string): Table {
  if (key === undefined) return table;
  const { [key]: old, ...others } = table;
  if (rest.length > 0 && old !== undefined && !isPlainObject(old)) throw wrongShape(path, [key], 'a table');
  const next = rest.length === 0 ? value : withValue(isPlainObject(old) ? old : {}, rest, value, path);
  return next === undefined ? others : { ...table, [key]: next };
}

/** JSON's strings are TOML's basic strings: https://toml.io/en/v1.0.0#string */
function renderTable(at: readonly string[], table: Table): string[] {
  return [
    `[${at.join('.')}]`,
    ...Object.entries(table).map(([key, value]) =>
      Array.isArray(value)
        ? `${key} = [${value.map((item) => JSON.stringify(item)).join(', ')}]`
        : `${key} = ${JSON.stringify(value)}`,
    ),
  ];
}

/** The text without `[a.b]` and its sub-tables `[a.b.c]`; comments before the next header are left to that one. */
function cutTables(text: string, at: readonly string[]): string {
  const name = at.map((key) => `\\s*["']?${key}["']?\\s*`).join('\\.');
  const header = new RegExp(`^[ \\t]*\\[${name}(?:\\.[^\\]\\n]*)?\\][^\\n]*$`, 'm');
  const start = header.exec(text);
  if (start === null) return text;
  const body = text.slice(start.index + start[0].length);
  const nextHeader = /^[ \t]*\[/m.exec(body)?.index ?? body.length;
  const own = body.slice(0, nextHeader).replace(/(?:\s*\n[ \t]*(?:#[^\n]*)?)*\s*$/, '');
  const end = start.index + start[0].length + own.length;
  return cutTables(cutBlock(text, start.index, end), at);
}
