/** Real Postfix and Dovecot for tests, in a temporary folder, on free ports; mail-peer.sh does the work. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SCRIPT = path.join(import.meta.dirname, 'mail-peer.sh');
const INSTALL = 'apt-get install --no-install-recommends dovecot-imapd dovecot-lmtpd postfix openssl';

/** False, after one line that says what to install, where the real servers are not to be had. */
export function mailPeerAvailable(): boolean {
  const programs = ['/usr/sbin/dovecot', '/usr/sbin/postfix', '/usr/lib/dovecot/lmtp', '/usr/lib/dovecot/imap'];
  const isRoot = process.getuid?.() === 0;
  if (isRoot && programs.every((file) => existsSync(file))) return true;
  console.log(`skipped: tests with real mail servers need root and: ${INSTALL}`);
  return false;
}

export interface MailPeer {
  readonly smtpPort: number;
  readonly imapPort: number;
  readonly imapsPort: number;
  /** PEM of the authority both servers' certificate comes from. */
  readonly ca: string;
  /** `imap://user@domain:secret@localhost:port/INBOX`. */
  imapUrl(user: string, password?: string): string;
  startDovecot(): Promise<void>;
  stopDovecot(): Promise<void>;
  /** Makes Dovecot forget the UIDs of INBOX, or of another folder: it comes back with another UIDVALIDITY. */
  recreateInbox(user: string, mailbox?: string): void;
  /** Takes the mail whose text holds `words` out of INBOX, or another folder; what it returns puts it back under its old UID. */
  hideMail(user: string, words: string, mailbox?: string): () => void;
  stop(): Promise<void>;
}

export interface MailPeerOptions {
  /** Port of the authorisation server whose tokens IMAP and SMTP take too; SMTP then asks for a login. */
  readonly oauthPort?: number;
  /** Lines put after Dovecot's configuration. */
  readonly dovecot?: string;
}

export async function startMailPeer({ oauthPort, dovecot = '' }: MailPeerOptions = {}): Promise<MailPeer> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'turnpost-mail-peer-'));
  const [smtpPort, imapPort, imapsPort, lmtpPort] = await freePorts();
  const env = {
    ...process.env,
    P_SMTP: String(smtpPort),
    P_IMAP: String(imapPort),
    P_IMAPS: String(imapsPort),
    P_LMTP: String(lmtpPort),
    P_DOVECOT: dovecot,
    P_OAUTH_PORT: oauthPort === undefined ? '' : String(oauthPort),
  };
  const script = async (verb: string) => {
    await run(SCRIPT, [verb, folder], { env, timeout: 30_000 });
  };
  await script('start');
  return {
    smtpPort,
    imapPort,
    imapsPort,
    ca: readFileSync(path.join(folder, 'tls/ca.pem'), 'utf8'),
    imapUrl: (user, password = 'secret') =>
      `imap://${encodeURIComponent(user)}:${password}@localhost:${imapPort}/INBOX`,
    startDovecot: () => script('start-dovecot'),
    stopDovecot: () => script('stop-dovecot'),
    recreateInbox(user, mailbox) {
      for (const file of [UID_LIST, ...(mailbox === undefined ? ['dovecot-uidvalidity'] : []), ...INDEX]) {
        rmSync(path.join(maildirOf(folder, user, mailbox), file), { force: true });
      }
    },
    hideMail: (user, words, mailbox) => hideMail(maildirOf(folder, user, mailbox), words),
    async stop() {
      await script('stop');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const UID_LIST = 'dovecot-uidlist';
const INDEX = ['dovecot.index', 'dovecot.index.log', 'dovecot.index.cache'];

/** Maildir++: another folder than INBOX begins with a dot. */
function maildirOf(folder: string, user: string, mailbox?: string): string {
  const [local = '', domain = ''] = user.split('@');
  return path.join(folder, 'mail', domain, local, 'Maildir', mailbox === undefined ? '' : `.${mailbox}`);
}

function hideMail(maildir: string, words: string): () => void {
  const files = ['new', 'cur'].flatMap((sub) =>
    readdirSync(path.join(maildir, sub)).map((name) => path.join(sub, name)),
  );
  const file = files.find((name) => readFileSync(path.join(maildir, name), 'utf8').includes(words));
  if (file === undefined) throw new Error(`no mail in ${maildir} holds ${words}`);
  // `<uid> :<file name without flags>`, after a header line.
  const list = path.join(maildir, UID_LIST);
  const name = path.basename(file).replace(/:2,.*$/, '');
  const entry = readFileSync(list, 'utf8')
    .split('\n')
    .find((line) => line.includes(`:${name}`));
  if (entry === undefined) throw new Error(`Dovecot has given no UID to ${name} yet`);
  const aside = path.join(maildir, 'hidden');
  renameSync(path.join(maildir, file), aside);
  return () => {
    const [header = '', ...entries] = readFileSync(list, 'utf8').trimEnd().split('\n');
    const whole = [...entries, entry].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
    writeFileSync(list, `${[header, ...whole].join('\n')}\n`);
    // The index remembers that this UID was expunged.
    for (const index of INDEX) rmSync(path.join(maildir, index), { force: true });
    renameSync(aside, path.join(maildir, file));
  };
}

async function freePorts(): Promise<[number, number, number, number]> {
  const servers = await Promise.all([0, 1, 2, 3].map(() => listen()));
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port); // listening on TCP, so never a path
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const [a = 0, b = 0, c = 0, d = 0] = ports;
  return [a, b, c, d];
}

function listen(): Promise<net.Server> {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
