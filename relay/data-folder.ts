/** The data folder: made private, holds the admin key and the SMTP listener's certificate. Files there are 0600. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { adminKey } from './config-values.ts';

/** A socket's path may have 107 bytes on Linux, 103 on macOS (sockaddr_un). */
const LONGEST_SOCKET_PATH = 103;

/** Made with mode 0700 where missing. Throws an Error for people where it cannot be used. */
export function prepareDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  } catch (error) {
    throw new Error(
      `cannot use the data folder ${folder}: ${text(error)}. Make it writable for this user, or name another in TURNPOST_DATA_DIR.`,
      {
        cause: error,
      },
    );
  }
}

export function checkSocketPath(socketPath: string): void {
  if (Buffer.byteLength(socketPath) <= LONGEST_SOCKET_PATH) return;
  throw new Error(
    `the socket path ${socketPath} is longer than ${LONGEST_SOCKET_PATH} bytes. Set TURNPOST_SOCKET to a shorter one, or to "off".`,
  );
}

/** The admin key: of the settings, else of `admin.key`, else a new one written there. */
export function readAdminKey(folder: string, configured: string | undefined, make: () => string): string {
  if (configured !== undefined) return configured;
  const file = path.join(folder, 'admin.key');
  if (existsSync(file)) return keyIn(file);
  const key = make();
  writePrivately(file, `${key}\n`);
  return key;
}

function keyIn(file: string): string {
  try {
    return adminKey(readFileSync(file, 'utf8').trim());
  } catch (error) {
    throw new Error(
      `cannot read an admin key from ${file}: ${text(error)}. Put the key back, or remove the file and a new key is made.`,
      { cause: error },
    );
  }
}

/** Whole or not at all: a relay that is killed meanwhile leaves no half of a key. */
function writePrivately(file: string, content: string): void {
  const half = `${file}.new`;
  writeFileSync(half, content, { mode: 0o600 });
  renameSync(half, file);
}

export interface TlsFiles {
  readonly key: string;
  readonly cert: string;
}

/** The pair named in the settings, else the one in the folder, else a new one written there. */
export async function readTlsPair(
  folder: string,
  configured: { readonly cert: string | undefined; readonly key: string | undefined },
  make: () => Promise<TlsFiles>,
): Promise<TlsFiles> {
  if (configured.cert !== undefined && configured.key !== undefined) {
    return {
      cert: readPem('TURNPOST_SMTP_TLS_CERT', configured.cert),
      key: readPem('TURNPOST_SMTP_TLS_KEY', configured.key),
    };
  }
  if (configured.cert !== undefined || configured.key !== undefined) {
    throw new Error('TURNPOST_SMTP_TLS_CERT and TURNPOST_SMTP_TLS_KEY belong together; set both or neither.');
  }
  const file = path.join(folder, 'smtp-tls.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as TlsFiles; // written below
  const pair = await make();
  writePrivately(file, JSON.stringify({ key: pair.key, cert: pair.cert }));
  return pair;
}

/** Throws an Error that names the setting. */
export function readPem(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${setting}: cannot read ${file}: ${text(error)}`, { cause: error });
  }
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
