/**
 * Opens winmail.dat: the files and the text that Outlook puts into a TNEF stream (MS-OXTNEF). Reads what is sound and
 * stops where it is not; never throws, never unpacks more than the caller allows.
 */
import { BinaryReader } from './binary-reader.ts';
import { type MapiProperties, readMapiProperties, withoutEnd } from './mapi-properties.ts';
import { rtfToText, unpackRtf } from './rtf-text.ts';

export interface TnefFile {
  readonly filename: string | null;
  readonly contentType: string;
  readonly content: Buffer;
}

export interface TnefContent {
  /** The body, where the stream has one. */
  readonly text: string | null;
  readonly html: string | null;
  readonly files: readonly TnefFile[];
}

/** MS-OXTNEF section 2.1.3.1. */
const SIGNATURE = 0x223e9f78;
/** MS-OXTNEF section 2.1.3.4: the low half of an attribute's id. */
const ATTRIBUTE = {
  body: 0x800c,
  attachTitle: 0x8010,
  attachData: 0x800f,
  attachRendering: 0x9002,
  messageProperties: 0x9003,
  attachProperties: 0x9005,
  codepage: 0x9007,
} as const;

/** MS-OXPROPS. */
const PROPERTY = {
  body: 0x1000,
  rtf: 0x1009,
  html: 0x1013,
  attachData: 0x3701,
  attachFilename: 0x3704,
  attachLongFilename: 0x3707,
  attachType: 0x370e,
} as const;

/** An attached message is a stream of its own. */
const MAX_DEPTH = 3;
/** More than an email may have: so many are still seen and said to be left out. */
const MAX_FILES = 1000;

export const isTnef = (content: Buffer): boolean => content.length > 6 && content.readUInt32LE(0) === SIGNATURE;

/** `maxBytes` caps all that is unpacked together. Undefined: it is no such stream. */
export function readTnef(content: Buffer, maxBytes: number, depth = 0): TnefContent | undefined {
  if (!isTnef(content)) return undefined;
  const builder = new TnefBuilder(maxBytes, depth);
  const reader = new BinaryReader(content, 6);
  while (reader.left >= 11 && builder.fileCount <= MAX_FILES) {
    reader.skip(1); // level
    const id = reader.u32() & 0xffff;
    const data = reader.bytes(reader.u32());
    reader.skip(2); // checksum
    if (data === undefined) break;
    builder.add(id, data);
  }
  return builder.finish();
}

interface OpenFile {
  title: string | null;
  data: Buffer | null;
  properties: MapiProperties;
}

class TnefBuilder {
  readonly #maxBytes: number;
  readonly #depth: number;
  readonly #files: OpenFile[] = [];
  #encoding = 'windows-1252';
  #body: Buffer | null = null;
  #properties: MapiProperties = new Map();

  constructor(maxBytes: number, depth: number) {
    this.#maxBytes = maxBytes;
    this.#depth = depth;
  }

  get fileCount(): number {
    return this.#files.length;
  }

  add(id: number, data: Buffer): void {
    const file = this.#files.at(-1);
    switch (id) {
      case ATTRIBUTE.codepage:
        if (data.length >= 4) this.#encoding = encodingOf(data.readUInt32LE(0));
        break;
      case ATTRIBUTE.body:
        this.#body = data;
        break;
      case ATTRIBUTE.messageProperties:
        this.#properties = readMapiProperties(data, this.#encoding);
        break;
      case ATTRIBUTE.attachRendering:
        this.#files.push({ title: null, data: null, properties: new Map() });
        break;
      case ATTRIBUTE.attachTitle:
        if (file !== undefined) file.title = decode(data, this.#encoding);
        break;
      case ATTRIBUTE.attachData:
        if (file !== undefined) file.data = data;
        break;
      case ATTRIBUTE.attachProperties:
        if (file !== undefined) file.properties = readMapiProperties(data, this.#encoding);
        break;
      default:
    }
  }

  finish(): TnefContent {
    const html = this.#properties.get(PROPERTY.html);
    return {
      text: this.#text(),
      html: html === undefined ? null : asText(html, 'utf-8'),
      files: this.#files.flatMap((file) => this.#filesOf(file)),
    };
  }

  #text(): string | null {
    const body = this.#properties.get(PROPERTY.body);
    if (body !== undefined) return asText(body, this.#encoding);
    if (this.#body !== null) return decode(this.#body, this.#encoding);
    const rtf = this.#properties.get(PROPERTY.rtf);
    return Buffer.isBuffer(rtf) ? rtfToText(unpackRtf(rtf, this.#maxBytes) ?? '') || null : null;
  }

  #filesOf({ title, data, properties }: OpenFile): TnefFile[] {
    const held = properties.get(PROPERTY.attachData);
    const content = Buffer.isBuffer(held) ? held : data;
    if (content === null || content.length > this.#maxBytes) return [];
    // An object begins with the 16 bytes that say what it is (MS-OXTNEF section 2.1.3.5.1); a message is a stream again.
    const inner = content.subarray(16);
    const message =
      this.#depth < MAX_DEPTH && isTnef(inner) ? readTnef(inner, this.#maxBytes, this.#depth + 1) : undefined;
    if (message !== undefined) return [...textFile(message, title), ...message.files];
    const name = properties.get(PROPERTY.attachLongFilename) ?? properties.get(PROPERTY.attachFilename);
    const type = properties.get(PROPERTY.attachType);
    return [
      {
        filename: typeof name === 'string' ? name : title,
        contentType: typeof type === 'string' ? type : 'application/octet-stream',
        content,
      },
    ];
  }
}

function textFile({ text }: TnefContent, title: string | null): TnefFile[] {
  return text === null
    ? []
    : [{ filename: `${title ?? 'message'}.txt`, contentType: 'text/plain', content: Buffer.from(text) }];
}

const asText = (value: Buffer | string, encoding: string): string =>
  typeof value === 'string' ? value : decode(value, encoding);

function decode(data: Buffer, encoding: string): string {
  return withoutEnd(new TextDecoder(encoding).decode(data));
}

/** Windows code pages that TextDecoder knows by another name; the rest are `windows-NNNN` or fall back. */
const CODEPAGES: Readonly<Record<number, string>> = {
  932: 'shift_jis',
  936: 'gb18030',
  949: 'euc-kr',
  950: 'big5',
  20866: 'koi8-r',
  28591: 'iso-8859-1',
  65001: 'utf-8',
};

export function encodingOf(codepage: number): string {
  const known = CODEPAGES[codepage];
  if (known !== undefined) return known;
  return codepage >= 1250 && codepage <= 1258 ? `windows-${codepage}` : 'windows-1252';
}
