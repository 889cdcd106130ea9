/**
 * The files of an email: names made safe, types looked up in the bytes, sizes capped. Nothing here opens or runs a file;
 * what is left out is named in `problems`, and the raw email keeps it.
 */
import { createHash } from 'node:crypto';
import { fileTypeFromBuffer } from 'file-type';
import type { AttachmentContent } from '../../types.ts';
import type { AttachedPart, BodyPart, ParseLimits } from './email-parts.ts';

const UNKNOWN_TYPE = 'application/octet-stream';
/** More files than this are no letter. */
const MAX_FILES = 100;
/** What a program of some system is called; whoever fetches one should know before it is opened. */
const PROGRAM_NAMES =
  /\.(?:exe|com|scr|pif|bat|cmd|msi|msix|ps1|vbs|vbe|jse?|wsf|hta|jar|lnk|cpl|dll|reg|apk|app|dmg|deb|rpm|sh|iso|img|xlsm|docm|pptm)$/i;
const PROGRAM_TYPES = new Set(['application/x-msdownload', 'application/x-elf', 'application/x-mach-binary']);

export async function readAttachments(
  attached: readonly AttachedPart[],
  body: BodyPart | null,
  limits: ParseLimits,
  problems: Set<string>,
): Promise<AttachmentContent[]> {
  const near = attached.filter((part) => part.depth <= limits.nesting);
  if (near.length < attached.length) problems.add(`a part nested deeper than ${limits.nesting} was left out`);
  const files = withinLimits([...near, ...inlineFiles(body, limits)], limits, problems);
  return Promise.all(files.map((part, index) => readFile(part, index, problems)));
}

/** Decoded bytes count: a part is no bomb only because its encoding is small. */
function withinLimits(parts: readonly AttachedPart[], limits: ParseLimits, problems: Set<string>): AttachedPart[] {
  let left = limits.bytes;
  const kept = parts.slice(0, MAX_FILES).filter(({ content }) => {
    const fits = content.length <= left;
    if (fits) left -= content.length;
    return fits;
  });
  if (kept.length < parts.length) {
    const what = `${parts.length - kept.length} of ${parts.length} attachments were left out`;
    problems.add(`${what}: more than ${MAX_FILES} files or ${limits.bytes} bytes`);
  }
  return kept;
}

async function readFile(part: AttachedPart, index: number, problems: Set<string>): Promise<AttachmentContent> {
  const { content } = part;
  const filename = safeFilename(part.filename, index);
  const claimed = soundType(part.contentType);
  const found = (await fileTypeFromBuffer(content).catch(() => undefined))?.mime;
  const lies = found !== undefined && claimed !== UNKNOWN_TYPE && contradicts(claimed, found);
  if (PROGRAM_NAMES.test(filename) || (found !== undefined && PROGRAM_TYPES.has(found))) {
    problems.add(`attachment ${index} (${filename}) is a program or can hold one`);
  } else if (lies) {
    problems.add(`attachment ${index} (${filename}) says that it is ${claimed} and is ${found}`);
  }
  return {
    index,
    filename,
    contentType: found !== undefined && (lies || claimed === UNKNOWN_TYPE) ? found : claimed,
    size: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    content,
  };
}

const soundType = (type: string): string => (/^[\w.+-]+\/[\w.+-]+$/.test(type) ? type : UNKNOWN_TYPE);

/** Containers that others are built on: a .docx is a zip, and to call it by its own name is no lie. */
const CONTAINERS = new Set(['application/zip', 'application/x-cfb', 'application/xml', 'application/gzip']);

/** Do the bytes say another kind than the mail does? */
function contradicts(claimed: string, found: string): boolean {
  if (claimed === found || CONTAINERS.has(found)) return false;
  const [kind] = claimed.split('/');
  // Names of one format differ (audio/mp4, video/mp4; image/jpg): the same family is no contradiction.
  const family =
    found.startsWith(`${kind}/`) || (/^(?:audio|video)$/.test(kind ?? '') && /^(?:audio|video)\//.test(found));
  return !family;
}

/** Apple Mail shows text files inline: a file all the same, not the person's words. */
function inlineFiles(part: BodyPart | null, limits: ParseLimits): AttachedPart[] {
  if (part === null || part.depth > limits.nesting) return [];
  const { filename, contentType, depth } = part;
  const own =
    filename === null || part.text === null ? [] : [{ filename, contentType, depth, content: Buffer.from(part.text) }];
  return [...own, ...part.children.flatMap((child) => inlineFiles(child, limits))];
}

/**
 * A name without a path, control, bidi or invisible characters; never one that means a folder or a device. Made short
 * before anything else is done: to normalise takes time by the square of the accents in a row, to trim by that of the dots.
 */
export function safeFilename(name: string | null, index: number): string {
  const base = shorten((name ?? '').replace(/^.*[/\\]/s, ''))
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}<>:"|?*]/gu, '');
  const short = shorten(base.trim().replace(/^[.\s]+(?=\S)/, '')).replace(/[.\s]+$/, '');
  // Windows keeps these names for devices, whatever follows the dot.
  const device = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i.test(short);
  return short === '' || device ? `attachment-${index + 1}${device ? `-${short}` : ''}` : short;
}

const LONGEST_NAME = 200;

/** The ending stays: it tells what the file is. */
function shorten(name: string): string {
  const letters = [...name];
  if (letters.length <= LONGEST_NAME) return name;
  const ending = /\.[\w-]{1,16}$/.exec(name)?.[0] ?? '';
  return letters.slice(0, LONGEST_NAME - ending.length).join('') + ending;
}
