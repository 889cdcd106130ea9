/**
 * The plain text of an RTF body, as Outlook puts it into winmail.dat: unpacked (MS-OXRTFCP) and without its formatting,
 * also where it wraps HTML (MS-OXRTFEX). Linear, capped, never throws.
 */
import { BinaryReader } from './binary-reader.ts';

/** MS-OXRTFCP section 2.1.3.1. */
const COMPRESSED = 0x75465a4c;
const UNCOMPRESSED = 0x414c454d;
const WINDOW = 4096;
const PRELOADED =
  '{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx';

/** Of a larger one the beginning is read: a letter has so much, and a few packed megabytes may mean many. */
const MOST_READ = 4 * 1024 * 1024;
/** Deeper groups are no letter's; what follows them is left out. */
const MAX_DEPTH = 1000;

/** One character a byte. Undefined where it is no such stream or would be larger than `maxBytes`. */
export function unpackRtf(packed: Buffer, maxBytes: number): string | undefined {
  const reader = new BinaryReader(packed);
  reader.skip(4);
  const wholeSize = reader.u32();
  const kind = reader.u32();
  reader.skip(4);
  if (wholeSize > maxBytes) return undefined;
  const size = Math.min(wholeSize, MOST_READ);
  if (kind === UNCOMPRESSED) return reader.bytes(Math.min(size, reader.left))?.toString('latin1');
  return kind === COMPRESSED ? decompress(reader, size) : undefined;
}

function decompress(reader: BinaryReader, size: number): string {
  const window = Buffer.alloc(WINDOW);
  let at = window.write(PRELOADED, 'latin1');
  const out = Buffer.alloc(size);
  let length = 0;
  const put = (byte: number): void => {
    window[at] = byte;
    at = (at + 1) % WINDOW;
    out[length] = byte;
    length += 1;
  };
  while (reader.left > 0 && length < size) {
    const flags = reader.u8();
    for (let bit = 0; bit < 8 && reader.left > 0 && length < size; bit += 1) {
      if ((flags & (1 << bit)) === 0) {
        put(reader.u8());
        continue;
      }
      // Big-endian: 12 bits of offset, 4 of length less two.
      const reference = (reader.u8() << 8) | reader.u8();
      let from = reference >> 4;
      if (from === at) return out.toString('latin1', 0, length);
      for (let n = (reference & 15) + 2; n > 0 && length < size; n -= 1) {
        put(window[from] ?? 0);
        from = (from + 1) % WINDOW;
      }
    }
  }
  return out.toString('latin1', 0, length);
}

/** Groups whose text is no text of the letter. */
const HIDDEN_GROUPS = new Set([
  'fonttbl',
  'colortbl',
  'stylesheet',
  'info',
  'pict',
  'object',
  'header',
  'footer',
  'generator',
]);
const BREAKS: Readonly<Record<string, string>> = {
  par: '\n',
  line: '\n',
  tab: '\t',
  cell: '\t',
  row: '\n',
  page: '\n',
};
const TOKEN = /\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-f]{2})|\\([^a-z])|([{}])|([^\\{}\r\n]+)|[\r\n]+/gi;

const WINDOWS_1252 = new TextDecoder('windows-1252');
const SYMBOLS: Readonly<Record<string, string>> = { '~': '\u00a0', _: '-', '\\': '\\', '{': '{', '}': '}' };

interface Group {
  hidden: boolean;
  wrapped: boolean;
}

export function rtfToText(rtf: string): string {
  const reader = new RtfReader();
  for (const token of rtf.matchAll(TOKEN)) {
    if (reader.depth > MAX_DEPTH) break;
    reader.read(token);
  }
  return reader.text.replace(/\n{3,}/g, '\n\n').trim();
}

class RtfReader {
  text = '';
  #group: Group = { hidden: false, wrapped: false };
  readonly #outer: Group[] = [];
  /** What stands behind \\uN for readers that do not know it. */
  #skip = 0;

  get depth(): number {
    return this.#outer.length;
  }

  read([, word, number, hex, symbol, brace, plain]: RegExpMatchArray): void {
    if (brace === '{') this.#outer.push({ ...this.#group });
    else if (brace === '}') this.#group = this.#outer.pop() ?? this.#group;
    else if (symbol === '*' || (word !== undefined && HIDDEN_GROUPS.has(word))) this.#group.hidden = true;
    // MS-OXRTFEX section 2.1.3.1.4: what is between is there for RTF readers only; its line ends are the HTML's.
    else if (word === 'htmlrtf') this.#group.wrapped = number !== '0';
    else if (this.#group.hidden) return;
    else if (word !== undefined) this.#readWord(word, number);
    else if (!this.#group.wrapped) this.#readText(hex, symbol, plain);
  }

  #readWord(word: string, number: string | undefined): void {
    if (word !== 'u') this.text += BREAKS[word] ?? '';
    else if (!this.#group.wrapped) {
      this.text += String.fromCharCode(Number(number) & 0xffff);
      this.#skip = 1;
    }
  }

  #readText(hex: string | undefined, symbol: string | undefined, plain = ''): void {
    if (hex !== undefined) {
      if (this.#skip === 0) this.text += WINDOWS_1252.decode(Buffer.from(hex, 'hex'));
    } else if (symbol !== undefined) this.text += SYMBOLS[symbol] ?? '';
    else this.text += plain.slice(this.#skip);
    this.#skip = 0;
  }
}
