/** Reads a list of MAPI properties out of a TNEF attribute (MS-OXTNEF section 2.1.3.4.1). Stops at the first unsound one. */
import { BinaryReader } from './binary-reader.ts';

/** By the property's number; only texts and bytes, since only those hold mail. */
export type MapiProperties = ReadonlyMap<number, string | Buffer>;

/** MS-OXCDATA section 2.11.1: bytes of a value of fixed size, padded to four. */
const FIXED: Readonly<Record<number, number>> = {
  0: 4,
  1: 0,
  2: 4,
  3: 4,
  4: 4,
  5: 8,
  6: 8,
  7: 8,
  10: 4,
  11: 4,
  20: 8,
  64: 8,
  72: 16,
};
const STRING8 = 0x001e;
const UNICODE = 0x001f;
const VARIABLE = new Set([STRING8, UNICODE, 0x000d, 0x0102]);
const MULTIPLE = 0x1000;
/** From here on a property is named by a text or a number of its own. */
const FIRST_NAMED = 0x8000;
const MAX_PROPERTIES = 5000;

export function readMapiProperties(data: Buffer, encoding: string): MapiProperties {
  const reader = new BinaryReader(data);
  const found = new Map<number, string | Buffer>();
  const count = Math.min(reader.u32(), MAX_PROPERTIES);
  for (let n = 0; n < count && reader.left > 0; n += 1) {
    const type = reader.u16();
    const id = reader.u16();
    if (id >= FIRST_NAMED) skipName(reader);
    const value = readValues(reader, type);
    if (value === undefined) break;
    if (value !== null && id < FIRST_NAMED) found.set(id, decodeValue(value, type & ~MULTIPLE, encoding));
  }
  return found;
}

function skipName(reader: BinaryReader): void {
  reader.skip(16);
  const isNumber = reader.u32() === 0;
  if (isNumber) reader.skip(4);
  else reader.skip(padded(reader.u32()));
}

/** The first value; null for one of no interest, undefined where the list is not sound. */
function readValues(reader: BinaryReader, type: number): Buffer | null | undefined {
  const single = type & ~MULTIPLE;
  if (VARIABLE.has(single)) return readVariable(reader);
  const size = FIXED[single];
  if (size === undefined) return undefined;
  const count = (type & MULTIPLE) === 0 ? 1 : reader.u32();
  reader.skip(size * count);
  return null;
}

function readVariable(reader: BinaryReader): Buffer | null | undefined {
  const count = reader.u32();
  let first: Buffer | null = null;
  for (let n = 0; n < count; n += 1) {
    // Past the end a value of no length can always be had, and `count` may be four thousand million.
    if (reader.left === 0) return undefined;
    const length = reader.u32();
    const value = reader.bytes(length);
    if (value === undefined) return undefined;
    reader.skip(padded(length) - length);
    first ??= value;
  }
  return first;
}

const padded = (length: number): number => Math.ceil(length / 4) * 4;

function decodeValue(value: Buffer, type: number, encoding: string): string | Buffer {
  if (type === UNICODE) return withoutEnd(value.toString('utf16le'));
  if (type === STRING8) return withoutEnd(new TextDecoder(encoding).decode(value));
  return value;
}

/** A text without the zeros at its end. By hand: a pattern looks at a run of them inside the text once for each. */
export function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0) end -= 1;
  return text.slice(0, end);
}
