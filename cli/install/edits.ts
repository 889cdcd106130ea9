/**
 * One edit on one text: put in, and take out. Pure.
 *
 * Taking out works on any text, also one that the person changed since: only what is ours goes, and of the containers
 * only those that we made and that are empty. Without a record, only what is recognisably ours is taken as ours.
 */
import { findOurHooks, removeHooks, setHooks } from './hook-entries.ts';
import { isPlainObject, JsoncDocument } from './jsonc-document.ts';
import { removeSection, setSection } from './section-text.ts';
import { TomlDocument } from './toml-document.ts';
import type { Edit, OwnedKey } from './types.ts';

type KeyPath = readonly string[];

/** What an edit did to a file that the text alone does not tell; kept in the record. */
export interface Traces {
  /** Keys that are ours. */
  readonly keys: readonly KeyPath[];
  /** Objects and lists that were not there before. */
  readonly made: readonly KeyPath[];
  /** What stood under our keys before. */
  readonly replaced: readonly OwnedKey[];
}

type Document = JsoncDocument | TomlDocument;

const keysOf = (edit: Edit): readonly OwnedKey[] =>
  edit.format === 'json' ? edit.keys : edit.format === 'toml' ? [edit.key] : [];

function openDocument(edit: Edit, text: string): Document {
  return edit.format === 'toml' ? new TomlDocument(text, edit.path) : new JsoncDocument(text, edit.path);
}

export function putIn(edit: Edit, text: string): string {
  if (edit.format === 'section') return setSection(text, edit.section, edit.path);
  if (edit.format === 'toml') {
    const document = new TomlDocument(text, edit.path);
    document.set(edit.key.at, isPlainObject(edit.key.value) ? edit.key.value : {});
    return document.text;
  }
  const document = new JsoncDocument(text, edit.path);
  setHooks(document, edit.hooks);
  for (const { at, value } of edit.keys) document.set(at, value);
  return document.text;
}

/** What `putIn(edit, base)` changes besides the text of our entries. */
export function tracesOf(edit: Edit, base: string): Traces {
  if (edit.format === 'section') return { keys: [], made: [], replaced: [] };
  const document = openDocument(edit, base);
  const keys = keysOf(edit).map(({ at }) => at);
  const events = edit.format === 'json' ? edit.hooks.map(({ event }) => ['hooks', event]) : [];
  const containers = [...keys.flatMap(ancestors), ...events.flatMap((at) => [at, ...ancestors(at)])];
  return {
    keys,
    made: unique(containers).filter((at) => document.get(at) === undefined),
    replaced: keys.flatMap((at) => (document.get(at) === undefined ? [] : [{ at, value: document.get(at) }])),
  };
}

/** The text without what is ours; the very same text if there is nothing of ours in it. */
export function takeOut(edit: Edit, text: string, traces: Traces | undefined): string {
  if (edit.format === 'section') return removeSection(text, edit.section, edit.path);
  if (text.trim() === '') return text;
  const document = openDocument(edit, text);
  const before = document.text;
  const hooks = document instanceof JsoncDocument ? findOurHooks(document.get([])) : [];
  if (document instanceof JsoncDocument) removeHooks(document, hooks);

  const keys =
    traces?.keys ??
    keysOf(edit)
      .map(({ at }) => at)
      .filter((at) => isRecognisablyOurs(at, document.get(at)));
  for (const at of keys) {
    const old = traces?.replaced.find((entry) => samePath(entry.at, at));
    if (old === undefined) document.remove(at);
    else document.replace(at, old.value);
  }
  const emptied = [...keys.flatMap(ancestors), ...hooks.flatMap(({ event }) => [['hooks', event], ['hooks']])];
  pruneEmpty(document, unique(traces?.made ?? emptied));
  return document.text === before ? text : document.text;
}

/** Is nothing left in a file that we made? */
export function isBlank(edit: Edit, text: string): boolean {
  if (text.trim() === '') return true;
  return edit.format === 'section' ? false : openDocument(edit, text).isEmpty;
}

/** A TOML table needs none of this: it goes with its last line. */
function pruneEmpty(document: Document, paths: readonly KeyPath[]): void {
  if (document instanceof TomlDocument) return;
  for (const at of paths.toSorted((a, b) => b.length - a.length)) if (document.isEmptyAt(at)) document.remove(at);
}

/** An MCP entry that starts `turnpost mcp` with a settings file of ours; one written by hand is not. */
function isRecognisablyOurs(at: KeyPath, value: unknown): boolean {
  return at.at(-1) === 'turnpost' && value !== undefined && /"mcp","--settings"/.test(JSON.stringify(value));
}

/** `[a]` and `[a, b]` for `[a, b, c]`. */
function ancestors(at: KeyPath): KeyPath[] {
  return at.slice(1).map((_, depth) => at.slice(0, depth + 1));
}

const samePath = (a: KeyPath, b: KeyPath): boolean => a.join('\n') === b.join('\n');

function unique(paths: readonly KeyPath[]): KeyPath[] {
  return paths.filter((at, index) => paths.findIndex((other) => samePath(other, at)) === index);
}
