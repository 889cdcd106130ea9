/**
 * A JSON file of the user's, changed a few characters at a time: comments, trailing commas, key order, indentation, line
 * ends and the byte order mark stay as they are. It parses with jsonc-parser, but edits by itself, because that
 * package's `modify` drops the comments next to a value it removes.
 *
 * Each change re-parses: these files are small. It refuses what it cannot edit without guessing (broken JSON, a key
 * that stands twice on the way to ours).
 */
import { isDeepStrictEqual } from 'node:util';
import { getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { brokenFile, wrongShape } from './install-error.ts';
import { insertChild, removeChild, renderChild } from './jsonc-splice.ts';
import { BOM, position } from './text-style.ts';

export type JsonPath = readonly (string | number)[];

export class JsoncDocument {
  readonly #path: string;
  readonly #bom: string;
  #text: string;
  #root: Node;

  /** `path` is for messages. A text without content counts as `{}`. */
  constructor(text: string, path: string) {
    this.#path = path;
    this.#bom = text.startsWith(BOM) ? BOM : '';
    const bare = text.slice(this.#bom.length);
    this.#text = bare.trim() === '' ? `{}${bare === '' ? '\n' : bare}` : bare;
    this.#root = this.#parse();
    if (this.#root.type !== 'object') throw wrongShape(path, ['(the whole file)'], 'a JSON object');
  }

  get text(): string {
    return this.#bom + this.#text;
  }

  /** Is nothing left but an empty object? */
  get isEmpty(): boolean {
    return /^\{\s*\}$/.test(this.#text.trim());
  }

  /** Is there an object or list with nothing in it, not even a comment? */
  isEmptyAt(at: JsonPath): boolean {
    const node = this.#find(at);
    if (node === undefined || (node.type !== 'object' && node.type !== 'array')) return false;
    return this.#text.slice(node.offset + 1, node.offset + node.length - 1).trim() === '';
  }

  get(at: JsonPath): unknown {
    const node = this.#find(at);
    return node && getNodeValue(node);
  }

  /** Puts `value` there, making the objects on the way. Keys of an object that `value` does not name stay. */
  set(at: JsonPath, value: unknown): void {
    const node = this.#find(at);
    if (node === undefined) {
      this.#insert(at.slice(0, -1), String(at.at(-1)), value);
    } else if (node.type === 'object' && isPlainObject(value)) {
      for (const [key, inner] of Object.entries(value)) this.set([...at, key], inner);
    } else {
      this.replace(at, value);
    }
  }

  /** Puts `value` in the place of what is there, whatever that is. */
  replace(at: JsonPath, value: unknown): void {
    const node = this.#find(at);
    if (node === undefined || isDeepStrictEqual(getNodeValue(node), value)) return;
    const container = node.parent?.type === 'property' ? node.parent.parent : node.parent;
    if (container === undefined) return;
    const entry = renderChild(this.#text, container, undefined, value);
    this.#change(this.#text.slice(0, node.offset) + entry + this.#text.slice(node.offset + node.length));
  }

  /** Adds to the end of the array there, making it if need be. */
  append(at: JsonPath, value: unknown): void {
    const array = this.#find(at);
    if (array === undefined) {
      this.set(at, [value]);
      return;
    }
    if (array.type !== 'array') throw wrongShape(this.#path, at, 'a list');
    this.#change(insertChild(this.#text, array, undefined, value));
  }

  /** Takes out a key or an element, with its comma; comments around it stay. */
  remove(at: JsonPath): void {
    const node = this.#find(at);
    if (node?.parent !== undefined)
      this.#change(removeChild(this.#text, node.parent.type === 'property' ? node.parent : node));
  }

  #insert(parentPath: JsonPath, key: string, value: unknown): void {
    const parent = this.#find(parentPath);
    if (parent === undefined) {
      this.#insert(parentPath.slice(0, -1), String(parentPath.at(-1)), { [key]: value });
      return;
    }
    if (parent.type !== 'object') throw wrongShape(this.#path, parentPath, 'an object');
    this.#change(insertChild(this.#text, parent, key, value));
  }

  #find(at: JsonPath): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const [depth, step] of at.entries()) {
      if (typeof step === 'number') node = node.type === 'array' ? node.children?.[step] : undefined;
      else node = this.#property(node, step, at.slice(0, depth));
      if (node === undefined) return undefined;
    }
    return node;
  }

  #property(object: Node, key: string, at: JsonPath): Node | undefined {
    if (object.type !== 'object') throw wrongShape(this.#path, at, 'an object');
    const named = (object.children ?? []).filter((property) => property.children?.[0]?.value === key);
    const [first, second] = named;
    if (second !== undefined) {
      const { line, column } = position(this.#text, second.offset);
      throw brokenFile(this.#path, line, column, `"${key}" stands here a second time in the same object`);
    }
    return first?.children?.[1];
  }

  #change(text: string): void {
    this.#text = text;
    this.#root = this.#parse();
  }

  #parse(): Node {
    const errors: ParseError[] = [];
    const root = parseTree(this.#text, errors, { allowTrailingComma: true });
    const [first] = errors;
    if (first === undefined && root !== undefined) return root;
    const { line, column } = position(this.#text, first?.offset ?? 0);
    throw brokenFile(
      this.#path,
      line,
      column,
      `this is not valid JSON (${first ? printParseErrorCode(first.error) : 'no value'})`,
    );
  }
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
