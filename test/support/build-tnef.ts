/** Writes a TNEF stream (MS-OXTNEF) as Outlook does, for tests: a body, and files with their MAPI names. */

export interface TnefParts {
  readonly text?: string;
  readonly html?: string;
  /** A compressed or raw RTF container. */
  readonly rtf?: Buffer;
  readonly files?: readonly {
    readonly name: string;
    readonly longName?: string;
    readonly type?: string;
    readonly content: Buffer;
  }[];
}

const UNICODE = 0x001f;
const BINARY = 0x0102;

export function buildTnef({ text, html, rtf, files = [] }: TnefParts): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt32LE(0x223e9f78, 0);
  const properties = [
    // A named property and one of fixed size come first, so that both must be stepped over.
    namedProperty(),
    fixedProperty(),
    ...(text === undefined ? [] : [property(0x1000, UNICODE, utf16(text))]),
    ...(html === undefined ? [] : [property(0x1013, BINARY, Buffer.from(html))]),
    ...(rtf === undefined ? [] : [property(0x1009, BINARY, rtf)]),
  ];
  return Buffer.concat([
    head,
    attribute(1, 0x00069007, u32(1252), u32(0)),
    attribute(1, 0x00069003, u32(properties.length), ...properties),
    ...files.flatMap(({ name, longName, type, content }) => [
      attribute(2, 0x00069002, Buffer.alloc(14)),
      attribute(2, 0x00018010, Buffer.from(`${name}\0`, 'latin1')),
      attribute(2, 0x0006800f, content),
      ...(longName === undefined
        ? []
        : [
            attribute(
              2,
              0x00069005,
              u32(type === undefined ? 1 : 2),
              property(0x3707, UNICODE, utf16(longName)),
              ...(type === undefined ? [] : [property(0x370e, UNICODE, utf16(type))]),
            ),
          ]),
    ]),
  ]);
}

/** MS-OXRTFCP: stored, not packed. */
export function storeRtf(rtf: string): Buffer {
  return Buffer.concat([u32(rtf.length + 12), u32(rtf.length), u32(0x414c454d), u32(0), Buffer.from(rtf, 'latin1')]);
}

function attribute(level: number, id: number, ...parts: readonly Buffer[]): Buffer {
  const data = Buffer.concat(parts);
  const head = Buffer.alloc(9);
  head.writeUInt8(level, 0);
  head.writeUInt32LE(id, 1);
  head.writeUInt32LE(data.length, 5);
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE(data.reduce((total, byte) => (total + byte) & 0xffff, 0));
  return Buffer.concat([head, data, sum]);
}

function property(id: number, type: number, value: Buffer): Buffer {
  return Buffer.concat([tag(id, type), u32(1), u32(value.length), value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
}

function namedProperty(): Buffer {
  const name = utf16('keywords');
  return Buffer.concat([
    tag(0x8001, UNICODE),
    Buffer.alloc(16),
    u32(1),
    u32(name.length),
    name,
    Buffer.alloc((4 - (name.length % 4)) % 4),
    u32(1),
    u32(4),
    utf16('a'),
  ]);
}

function fixedProperty(): Buffer {
  return Buffer.concat([tag(0x0e06, 0x0040), Buffer.alloc(8)]);
}

function tag(id: number, type: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(type, 0);
  bytes.writeUInt16LE(id, 2);
  return bytes;
}

const utf16 = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le');

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
