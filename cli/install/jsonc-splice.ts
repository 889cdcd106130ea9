/**
 * One child put into, or taken out of, an object or array of a JSONC text, in the style of what stands around it.
 * `removeChild` undoes `insertChild` character by character, except that a container holding only blanks becomes `{}`.
 * Pure; the text must parse.
 */
import { createScanner, type Node } from 'jsonc-parser';
import { beginsLine, lineEnd, lineIndent } from './text-style.ts';

/** Token kinds of jsonc-parser's `SyntaxKind`, an ambient const enum that cannot be imported here. */
const COMMA = 5;
const LINE_COMMENT = 12;
const BLOCK_COMMENT = 13;
const END_OF_TEXT = 17;

interface Token {
  readonly kind: number;
  readonly start: number;
  readonly end: number;
}

const end = (node: Node): number => node.offset + node.length;
const isComment = (kind: number): boolean => kind === LINE_COMMENT || kind === BLOCK_COMMENT;

/** Commas and comments between two nodes: there is nothing else there. */
function tokensBetween(text: string, from: number, to: number): Token[] {
  const scanner = createScanner(text.slice(0, to), false);
  scanner.setPosition(from);
  const tokens: Token[] = [];
  for (let kind: number = scanner.scan(); kind !== END_OF_TEXT; kind = scanner.scan()) {
    const start = scanner.getTokenOffset();
    if (kind === COMMA || isComment(kind)) tokens.push({ kind, start, end: start + scanner.getTokenLength() });
  }
  return tokens;
}

/** One level of indentation: as the file's first key has it, else two spaces. */
function indentUnit(text: string, node: Node): string {
  if (node.parent !== undefined) return indentUnit(text, node.parent);
  const first = node.children?.[0];
  return (first !== undefined && beginsLine(text, first.offset) && lineIndent(text, first.offset)) || '  ';
}

/** Is the container, or the whole file, written on one line with something in it? Then what we add stays on it. */
function isOneLiner(text: string, container: Node): boolean {
  const within = text.slice(container.offset, end(container));
  if (within.slice(1, -1).trim() !== '') return !within.includes('\n');
  return !text.trim().includes('\n') && text.trim() !== within;
}

/** `"a": 1`, or `"a":1`? */
function isSpaced(text: string, container: Node): boolean {
  return (container.children?.length ?? 0) === 0 || /[:,] /.test(text.slice(container.offset, end(container)));
}

/** `value` as text, as it would stand in this container. */
export function renderChild(text: string, container: Node, key: string | undefined, value: unknown): string {
  const name = key === undefined ? '' : `${JSON.stringify(key)}:`;
  if (isOneLiner(text, container)) {
    return `${name}${name !== '' && isSpaced(text, container) ? ' ' : ''}${JSON.stringify(value)}`;
  }
  const lines = JSON.stringify(value, null, indentUnit(text, container)).split('\n');
  return `${name}${name === '' ? '' : ' '}${lines.join(lineEnd(text) + childIndent(text, container))}`;
}

function childIndent(text: string, container: Node): string {
  const first = container.children?.[0];
  if (first !== undefined && beginsLine(text, first.offset)) return lineIndent(text, first.offset);
  return lineIndent(text, container.offset) + indentUnit(text, container);
}

/** `text` with a last child more. `key` is for objects, undefined for arrays. */
export function insertChild(text: string, container: Node, key: string | undefined, value: unknown): string {
  const close = end(container) - 1;
  const last = container.children?.at(-1);
  const from = last === undefined ? container.offset + 1 : end(last);
  const tokens = tokensBetween(text, from, close);
  const anchor = tokens.at(-1)?.end ?? from;
  const child = renderChild(text, container, key, value);
  const oneLiner = isOneLiner(text, container);
  const eol = lineEnd(text);

  if (last === undefined && tokens.length === 0) {
    const inner = oneLiner
      ? child
      : `${eol}${childIndent(text, container)}${child}${eol}${lineIndent(text, container.offset)}`;
    return text.slice(0, from) + inner + text.slice(close);
  }
  const hasTrailingComma = tokens.some(({ kind }) => kind === COMMA);
  const comma = last === undefined || hasTrailingComma ? '' : ',';
  const gap = oneLiner ? (isSpaced(text, container) ? ' ' : '') : eol + childIndent(text, container);
  return (
    text.slice(0, from) +
    comma +
    text.slice(from, anchor) +
    gap +
    child +
    (hasTrailingComma ? ',' : '') +
    text.slice(anchor)
  );
}

/** `text` without this property or element and the comma that belongs to it. */
export function removeChild(text: string, child: Node): string {
  const container = child.parent;
  if (container?.children === undefined) return text;
  const index = container.children.indexOf(child);
  const previous = container.children[index - 1];
  const next = container.children[index + 1];
  const close = end(container) - 1;
  const isComma = ({ kind }: Token): boolean => kind === COMMA;
  const commaAfter = tokensBetween(text, end(child), next?.offset ?? close).find(isComma);
  const commaBefore = previous && tokensBetween(text, end(previous), child.offset).find(isComma);

  // A comment may stand between the child and its comma; it stays, so the two are cut apart.
  const adjoining = commaAfter !== undefined && text.slice(end(child), commaAfter.start).trim() === '';
  const comma = commaAfter ?? commaBefore;
  const cuts = [blankedRange(text, container, child, adjoining ? commaAfter.end : end(child))];
  if (comma !== undefined && !adjoining) cuts.push([comma.start, comma.end]);
  cuts.sort(([a], [b]) => a - b);
  let result = text;
  for (const [start, stop] of cuts.toReversed()) result = result.slice(0, start) + result.slice(stop);

  const removed = text.length - result.length;
  const inner = result.slice(container.offset + 1, close - removed);
  return inner.trim() === '' ? result.slice(0, container.offset + 1) + result.slice(close - removed) : result;
}

/** From the child to `stop`, with the blanks or the line that would be left empty without it. */
function blankedRange(text: string, container: Node, child: Node, stop: number): [number, number] {
  const restOfLine = /^[^\n]*/.exec(text.slice(stop))?.[0] ?? '';
  const blanksAfter = /^[ \t]*/.exec(restOfLine)?.[0].length ?? 0;
  if (beginsLine(text, child.offset)) {
    const lineFeed = text.lastIndexOf('\n', child.offset - 1);
    const eolStart = text[lineFeed - 1] === '\r' ? lineFeed - 1 : lineFeed;
    const closes = /^\s*[}\]]/.test(restOfLine) && !endsInLineComment(text, container, child);
    return restOfLine.trim() === '' || closes ? [eolStart, stop] : [child.offset, stop + blanksAfter];
  }
  if (container.children?.[0] === child && container.children.length > 1) return [child.offset, stop + blanksAfter];
  const blanksBefore = /[ \t]*$/.exec(text.slice(0, child.offset))?.[0].length ?? 0;
  return [child.offset - blanksBefore, stop];
}

function endsInLineComment(text: string, container: Node, child: Node): boolean {
  const tokens = tokensBetween(text, container.offset + 1, child.offset);
  return tokens.at(-1)?.kind === LINE_COMMENT;
}
