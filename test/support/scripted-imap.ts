/**
 * A small IMAP server for what Dovecot cannot be made to do: refuse in other servers' words, end the session at ID,
 * speak Gmail's extensions. It knows the commands that the letter box sends, and nothing else.
 */
import net from 'node:net';

export interface ScriptedFolder {
  /** Attributes in LIST, `\\HasNoChildren \\Junk`. */
  readonly attributes: string;
  readonly mails: readonly { readonly uid: number; readonly raw: string; readonly more?: string }[];
}

export interface ImapScript {
  readonly greeting?: string;
  /** Beside IMAP4rev1. */
  readonly capability?: string;
  readonly folders?: Readonly<Record<string, ScriptedFolder>>;
  /** In place of a command's usual answer, once each: what stands after the tag, or `BYE`, which ends the connection. */
  readonly answers?: Record<string, string[]>;
}

export interface ScriptedImap {
  readonly port: number;
  /** Commands, without their tags. */
  readonly said: string[];
  close(): void;
}

const INBOX: Readonly<Record<string, ScriptedFolder>> = { INBOX: { attributes: '\\HasNoChildren', mails: [] } };

export async function scriptedImap(script: ImapScript): Promise<ScriptedImap> {
  const said: string[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    const session = new Session(
      script,
      said,
      (text) => socket.write(text),
      () => socket.destroy(),
    );
    sockets.add(socket);
    socket.on('error', () => {});
    let rest = '';
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) session.take(line);
    });
    socket.write(`* ${script.greeting ?? 'OK scripted'}\r\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return {
    port: address.port,
    said,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

class Session {
  readonly #script: ImapScript;
  readonly #said: string[];
  readonly #write: (text: string) => void;
  readonly #end: () => void;
  #open: ScriptedFolder | undefined;
  #idle = '';

  constructor(script: ImapScript, said: string[], write: (text: string) => void, end: () => void) {
    this.#script = script;
    this.#said = said;
    this.#write = write;
    this.#end = end;
  }

  take(line: string): void {
    if (this.#idle !== '') {
      this.#write(`${this.#idle} OK done\r\n`);
      this.#idle = '';
      return;
    }
    const [tag = '', ...words] = line.split(' ');
    this.#said.push(words.join(' '));
    const name = (words[0] === 'UID' ? words[1] : words[0]) ?? '';
    const scripted = this.#script.answers?.[name]?.shift();
    if (scripted === 'BYE') this.#end();
    else if (scripted !== undefined) this.#write(`${tag} ${scripted}\r\n`);
    else this.#answer(tag, name, words);
  }

  #answer(tag: string, name: string, words: readonly string[]): void {
    for (const untagged of this.#untagged(name, words)) this.#write(`* ${untagged}\r\n`);
    if (name === 'IDLE') {
      this.#idle = tag;
      this.#write('+ idling\r\n');
    } else this.#write(`${tag} OK ${name} done\r\n`);
    if (name === 'LOGOUT') this.#end();
  }

  #untagged(name: string, words: readonly string[]): string[] {
    const folders = this.#script.folders ?? INBOX;
    switch (name) {
      case 'CAPABILITY':
        return [`CAPABILITY IMAP4rev1 ${this.#script.capability ?? ''}`];
      case 'ID':
        return ['ID ("name" "scripted")'];
      case 'NAMESPACE':
        return ['NAMESPACE (("" "/")) NIL NIL'];
      case 'LIST':
        return Object.entries(folders).map(([path, { attributes }]) => `LIST (${attributes}) "/" "${path}"`);
      case 'EXAMINE': {
        this.#open = folders[words.slice(1).join(' ').replaceAll('"', '')];
        return [`${this.#open?.mails.length ?? 0} EXISTS`, 'OK [UIDVALIDITY 1]', `OK [UIDNEXT ${uidNext(this.#open)}]`];
      }
      case 'STATUS': {
        const path = words
          .slice(
            1,
            words.findIndex((word) => word.startsWith('(')),
          )
          .join(' ')
          .replaceAll('"', '');
        const folder = folders[path];
        return [`STATUS "${path}" (UIDNEXT ${uidNext(folder)} UIDVALIDITY 1 MESSAGES ${folder?.mails.length ?? 0})`];
      }
      case 'SEARCH':
        return [`SEARCH ${(this.#open?.mails ?? []).map(({ uid }) => uid).join(' ')}`];
      case 'FETCH':
        return this.#fetch(words);
      default:
        return [];
    }
  }

  #fetch(words: readonly string[]): string[] {
    const uids = new Set((words[2] ?? '').split(',').flatMap(range));
    const whole = words.some((word) => word.includes('BODY.PEEK[]'));
    return (this.#open?.mails ?? []).flatMap(({ uid, raw, more }, index) => {
      if (!uids.has(uid)) return [];
      const section = whole ? '' : 'HEADER.FIELDS (TO)';
      const text = whole ? raw : raw.slice(0, raw.indexOf('\r\n\r\n') + 4);
      const known = `UID ${uid} RFC822.SIZE ${raw.length}${more ? ` ${more}` : ''}`;
      return [`${index + 1} FETCH (${known} BODY[${section}] {${text.length}}\r\n${text})`];
    });
  }
}

const uidNext = (folder: ScriptedFolder | undefined): number =>
  Math.max(0, ...(folder?.mails ?? []).map(({ uid }) => uid)) + 1;

function range(part: string): number[] {
  const [first = 0, last = first] = part.split(':').map(Number);
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}
