/**
 * Takes the MIME structure of an email apart with mailparser, within fixed limits, and leaves the decoding of
 * format=flowed to flowed.ts: mailparser 3.14 joins lines of different quote depth (RFC 3676 section 4.5), which puts
 * a person's words inside the quote.
 *
 * Promises to settle for every input, and to reject with UnparsableEmail only.
 */
import { MailParser } from 'mailparser';
import { decodeFlowed } from './flowed.ts';

/** An email that cannot be taken apart; `reason` is a sentence for a person. It goes to quarantine, never away. */
export class UnparsableEmail extends Error {
  override readonly name = 'UnparsableEmail';
  constructor(reason: string, options: { cause?: unknown } = {}) {
    super(reason, { cause: options.cause });
  }
}

export interface ParseLimits {
  readonly parts: number;
  readonly nesting: number;
  /** Bytes of one header section. */
  readonly headerBytes: number;
  readonly headerFields: number;
  /** Characters of body text. */
  readonly text: number;
  /** Bytes of the whole email. */
  readonly bytes: number;
}

export const PARSE_LIMITS: ParseLimits = {
  parts: 500,
  nesting: 10,
  headerBytes: 256 * 1024,
  headerFields: 1000,
  text: 1024 * 1024,
  bytes: 64 * 1024 * 1024,
};

/** A leaf or a multipart of the body, as a person's mail program would show it. */
export interface BodyPart {
  /** Lower case; `multipart/...` where it has children. */
  readonly contentType: string;
  /** Decoded and unflowed; null for multiparts and attachments. */
  readonly text: string | null;
  /** An inline text part with a file name is a file. */
  readonly filename: string | null;
  readonly depth: number;
  readonly children: readonly BodyPart[];
}

export interface AttachedPart {
  readonly filename: string | null;
  readonly contentType: string;
  readonly depth: number;
  readonly content: Buffer;
}

export interface EmailParts {
  /** Key in lower case; the line as it stands, folded, one character per byte. */
  readonly headerLines: readonly { readonly key: string; readonly line: string }[];
  readonly body: BodyPart | null;
  readonly attached: readonly AttachedPart[];
}

/** What this file uses of mailsplit's MimeNode. */
interface MimeNode {
  flowed: boolean;
  readonly delSp: boolean;
  readonly filename: string | false;
}

/** What this file uses of mailparser's tree. */
interface TreeNode {
  readonly node: MimeNode;
  readonly contentType: string | false;
  readonly textContent?: string;
  readonly isAttachment?: boolean;
  readonly children: readonly TreeNode[];
}

interface ParserInternals {
  readonly tree: TreeNode | false;
  createNode(node: MimeNode): TreeNode;
}

// `createNode` and `tree` are left out of mailparser's declarations; the version is pinned, and parse-email.test.ts
// turns red when they go.
const OpenMailParser = MailParser as unknown as new (
  options: ConstructorParameters<typeof MailParser>[0] & Record<string, unknown>,
) => MailParser & ParserInternals;

class PartParser extends OpenMailParser {
  readonly flowed = new Map<MimeNode, { readonly delSp: boolean }>();

  constructor(limits: ParseLimits) {
    super({
      skipHtmlToText: true,
      skipTextToHtml: true,
      skipImageLinks: true,
      keepDeliveryStatus: true,
      checksumAlgo: false,
      // Handed through to mailsplit: an embedded message is a file, whatever its disposition says.
      ignoreEmbedded: true,
      maxHeadSize: limits.headerBytes,
      maxChildNodes: limits.parts,
    });
  }

  override createNode(node: MimeNode): TreeNode {
    if (node.flowed) this.flowed.set(node, { delSp: node.delSp });
    node.flowed = false;
    return super.createNode(node);
  }
}

export async function splitEmail(raw: Buffer, limits: ParseLimits): Promise<EmailParts> {
  if (raw.length > limits.bytes) throw new UnparsableEmail(`the email is larger than ${limits.bytes} bytes`);
  const parser = new PartParser(limits);
  const attached: AttachedPart[] = [];
  await new Promise<void>((resolve, reject) => {
    parser.on('error', (error: Error) => reject(unparsable(error, limits)));
    parser.on('end', resolve);
    parser.on('data', (item) => {
      if (item.type !== 'attachment') return;
      const chunks: Buffer[] = [];
      item.content.on('data', (chunk: Buffer) => chunks.push(chunk));
      item.content.on('error', (error: Error) => reject(unparsable(error, limits)));
      item.content.on('end', () => {
        attached.push({
          filename: item.filename ?? null,
          contentType: item.contentType || 'application/octet-stream',
          depth: item.partId === null ? 0 : item.partId.split('.').length,
          content: Buffer.concat(chunks),
        });
        item.release?.();
      });
    });
    parser.end(withoutRuns(raw));
  });
  const body = parser.tree === false ? null : readBody(parser.tree, 0, parser);
  return { headerLines: parser.headerLines === false ? [] : parser.headerLines, body, attached };
}

const RUN = 64;

/**
 * Carriage returns one after the other end no line, and mailsplit looks at a line of them as often as it has them: 70 kB
 * take seconds. More than a few become a few.
 */
function withoutRuns(raw: Buffer): Buffer {
  const run = '\r'.repeat(RUN);
  if (!raw.includes(run)) return raw;
  return Buffer.from(raw.toString('latin1').replace(/\r{64,}/g, run), 'latin1');
}

function unparsable(error: Error, limits: ParseLimits): UnparsableEmail {
  const tooBig = 'code' in error && error.code === 'EMAXLEN';
  const reason = tooBig
    ? `the email has more than ${limits.parts} parts, or a header section of more than ${limits.headerBytes} bytes`
    : 'the email cannot be taken apart';
  return new UnparsableEmail(reason, { cause: error });
}

function readBody(tree: TreeNode, depth: number, parser: PartParser): BodyPart {
  const soft = parser.flowed.get(tree.node);
  const raw = tree.isAttachment === true ? null : (tree.textContent ?? null);
  const text = raw === null || soft === undefined ? raw : decodeFlowed(raw, soft.delSp);
  return {
    contentType: tree.contentType || 'text/plain',
    text: text === null ? null : text.replace(/\r\n?/g, '\n').replaceAll('\0', ''),
    filename: tree.node.filename || null,
    depth,
    // The depth of the tree is capped where it is walked, so that what is left out can be named.
    children: depth > 100 ? [] : tree.children.map((child) => readBody(child, depth + 1, parser)),
  };
}
