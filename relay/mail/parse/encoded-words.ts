/**
 * Encoded words in header fields (RFC 2047): `=?utf-8?q?J=C3=B6rg?=` to `Jörg`.
 * Promises linear time and never throws: what cannot be decoded stays as it stands.
 */

/** RFC 2047 section 2, with the language tag of RFC 2231 section 5. */
const WORD = /=\?([\w.:+-]{1,40})(?:\*[\w-]{1,20})?\?([bq])\?([^?\s]*)\?=/gi;

interface Piece {
  readonly charset: string;
  readonly bytes: Buffer;
}

/** UTF-7 can smuggle markup and is nobody's charset any more (RFC 9051 needs it, mail does not). */
const REFUSED_CHARSETS = /^(?:x-|unicode-1-1-)?utf-?7/i;

export function decodeWords(text: string): string {
  if (!text.includes('=?')) return text;
  let out = '';
  let end = 0;
  let run: Piece[] = [];
  for (const match of text.matchAll(WORD)) {
    const between = text.slice(end, match.index);
    // RFC 2047 section 6.2: white space between two encoded words is not shown.
    if (run.length === 0 || between.trim() !== '') {
      out += decodeRun(run) + between;
      run = [];
    }
    run.push({ charset: (match[1] ?? 'utf-8').toLowerCase(), bytes: wordBytes(match[2] ?? 'q', match[3] ?? '') });
    end = match.index + match[0].length;
  }
  return out + decodeRun(run) + text.slice(end);
}

/** Many senders split a character between two words, so neighbours of one charset are decoded together. */
function decodeRun(run: readonly Piece[]): string {
  let out = '';
  for (let at = 0; at < run.length; ) {
    const charset = run[at]?.charset ?? 'utf-8';
    const same: Buffer[] = [];
    for (; at < run.length && run[at]?.charset === charset; at += 1) same.push(run[at]?.bytes ?? Buffer.alloc(0));
    out += decodeCharset(Buffer.concat(same), charset);
  }
  return out;
}

function wordBytes(encoding: string, text: string): Buffer {
  if (encoding.toLowerCase() === 'b') return Buffer.from(text, 'base64');
  const plain = text
    .replaceAll('_', ' ')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(plain, 'latin1');
}

/** 0x80 to 0x9f in windows-1252, which by the WHATWG is what "iso-8859-1" means too. */
const C1 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** Node 20's TextDecoder gives C1 control characters for these bytes. */
function decodeWindows1252(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[\u0080-\u009f]/g, (char) => C1[char.charCodeAt(0) - 0x80] ?? char);
}

/** Decodes bytes of any charset the WHATWG knows; an unknown or refused one is read as UTF-8. */
export function decodeCharset(bytes: Buffer, charset: string): string {
  if (!REFUSED_CHARSETS.test(charset)) {
    try {
      const decoder = new TextDecoder(charset);
      return decoder.encoding === 'windows-1252' ? decodeWindows1252(bytes) : decoder.decode(bytes);
    } catch {
      // An unknown label: fall through.
    }
  }
  return bytes.toString('utf8');
}

/** Header bytes without encoded words: UTF-8 (RFC 6532), or windows-1252 where they are not valid UTF-8. */
export function decodeRawHeader(latin1: string): string {
  const bytes = Buffer.from(latin1, 'latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return decodeWindows1252(bytes);
  }
}
